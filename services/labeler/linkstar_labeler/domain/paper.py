"""The papers a label may be printed on, and where on a sheet each label goes. Lengths are points, from the top left."""

from __future__ import annotations

from typing import NamedTuple

from linkstar_labeler.domain.label_layout import DOTS_PER_INCH, HEIGHT, WIDTH

__all__ = ["LABEL", "PAPERS", "POINTS_PER_DOT", "Area", "Paper"]

POINTS_PER_DOT = 72 / DOTS_PER_INCH
_MILLIMETRE = 72 / 25.4
_LABEL_WIDTH, _LABEL_HEIGHT = WIDTH * POINTS_PER_DOT, HEIGHT * POINTS_PER_DOT
_MARGIN = 14


class Area(NamedTuple):
    """A rectangle of a page."""

    left: float
    top: float
    width: float
    height: float

    def within(self, margin: float) -> Area:
        """The area without a margin around it."""
        return Area(self.left + margin, self.top + margin, self.width - 2 * margin, self.height - 2 * margin)

    @property
    def scale(self) -> float:
        """How much of its own size a label has in this area: never more than all of it."""
        return min(1.0, self.width / _LABEL_WIDTH, self.height / _LABEL_HEIGHT)


class Paper(NamedTuple):
    """A page and its places for labels, numbered from 1 by rows. A sheet of several places is a `sheet`."""

    name: str
    width: float
    height: float
    places: tuple[Area, ...]

    @property
    def is_sheet(self) -> bool:
        """True when several labels share a page."""
        return len(self.places) > 1

    @property
    def page(self) -> Area:
        """The page inside its margins."""
        return Area(0, 0, self.width, self.height).within(_MARGIN)

    @property
    def slip_head(self) -> Area:
        """Where a packing slip names the shipment: beside the label on a sheet, on top of a page of its own otherwise."""
        return self.places[1].within(_MARGIN) if self.is_sheet else self.page

    def slip_lines(self, end_of_head: float) -> Area:
        """Where its order lines go on the first page: the lower half of a sheet, otherwise what the head leaves."""
        top = self.height / 2 if self.is_sheet else end_of_head
        return Area(0, top, self.width, self.height - top).within(_MARGIN)


def _paper(name: str, width: float, height: float, columns: int = 1, rows: int = 1) -> Paper:
    across, down = width / columns, height / rows
    places = (Area(column * across, row * down, across, down) for row in range(rows) for column in range(columns))
    return Paper(name, width, height, tuple(places))


LABEL = _paper("4x6", _LABEL_WIDTH, _LABEL_HEIGHT)
PAPERS = {
    paper.name: paper
    for paper in (
        LABEL,
        _paper("a6", 105 * _MILLIMETRE, 148 * _MILLIMETRE),
        _paper("a4", 210 * _MILLIMETRE, 297 * _MILLIMETRE, 2, 2),
        _paper("letter", 8.5 * 72, 11 * 72, 2, 2),
    )
}
"""By name. On A6, A4 and letter a 4x6 label is printed at 97, 97 and 92 percent, which every scanner reads."""
