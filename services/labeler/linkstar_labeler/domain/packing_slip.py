"""The packing slip of one parcel: what has to be in it, for whom, and under which number it travels. It shows no prices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reportlab.pdfgen.canvas import Canvas

from linkstar_labeler.domain.label_layout import wrap
from linkstar_labeler.domain.paper import Area, Paper
from linkstar_labeler.domain.pen import Pen

__all__ = ["Slip", "SlipLine", "draw_slip"]

_STEP = 11
_MOST_LINES = 3
"""Of a description; a SKU is never cut."""


class SlipLine(NamedTuple):
    """One order line."""

    quantity: int
    sku: str
    description: str


class Slip(NamedTuple):
    """What a packing slip says."""

    title: str
    facts: tuple[tuple[str, str], ...]
    sender: tuple[str, ...]
    receiver: tuple[str, ...]
    lines: tuple[SlipLine, ...]
    note: str = ""
    """Stands where the lines would, when there are none."""


def draw_slip(canvas: Canvas, slip: Slip, paper: Paper) -> None:
    """Draw the slip on the current page and, when its lines need them, on further pages. The last page stays open."""
    area = paper.slip_lines(_head(Pen(canvas, paper.height), slip, paper.slip_head))
    rest: Sequence[_Row] = list(_rows(slip, area.width))
    while True:
        taken = _fitting(rest, area.height - 2 * _STEP)
        _table(Pen(canvas, paper.height), rest[:taken], area, slip.note)
        rest, area = rest[taken:], paper.page
        if not rest:
            return
        canvas.showPage()


class _Row(NamedTuple):
    quantity: str
    sku: tuple[str, ...]
    description: tuple[str, ...]

    @property
    def height(self) -> float:
        return _STEP * max(1, len(self.sku), len(self.description)) + 3


def _columns(width: float) -> tuple[float, float]:
    """Return where SKU and description begin."""
    return 34, 34 + width * 0.36


def _rows(slip: Slip, width: float) -> Iterator[_Row]:
    sku, description = _columns(width)
    for line in slip.lines:
        yield _Row(
            str(line.quantity),
            _wrapped(line.sku, description - sku - 6),
            _wrapped(line.description, width - description),
        )


def _wrapped(text: str, width: float) -> tuple[str, ...]:
    return wrap(text, 100, int(width * 10))


def _fitting(rows: Sequence[_Row], height: float) -> int:
    """Return how many rows fit, at least one."""
    used = 0.0
    for place, row in enumerate(rows):
        used += row.height
        if used > height and place:
            return place
    return len(rows)


def _head(pen: Pen, slip: Slip, area: Area) -> float:
    """Write the head and return where it ends."""
    y = area.top + 16
    pen.write(area.left, y, 14, area.width, slip.title)
    for name, value in slip.facts:
        y += _STEP + 1
        pen.write(area.left, y, 8, 60, name)
        pen.write(area.left + 62, y, 9, area.width - 62, value)
    y += _STEP + 6
    for name, lines in (("SHIP TO", slip.receiver), ("FROM", slip.sender)):
        pen.write(area.left, y, 8, 60, name)
        for line in lines:
            pen.write(area.left + 62, y, 9, area.width - 62, line)
            y += _STEP
        y += 5
    return y - _STEP


def _table(pen: Pen, rows: Sequence[_Row], area: Area, note: str) -> None:
    sku, description = _columns(area.width)
    y = area.top + _STEP
    for x, name in ((0, "QTY"), (sku, "SKU"), (description, "DESCRIPTION")):
        pen.write(area.left + x, y, 8, 80, name)
    pen.rule(area.left, y + 4, area.width)
    y += _STEP + 5
    for row in rows:
        pen.write(area.left, y, 9, 30, row.quantity)
        for step, text in enumerate(row.sku):
            pen.write(area.left + sku, y + step * _STEP, 9, description - sku - 6, text)
        for step, text in enumerate(row.description):
            pen.write(area.left + description, y + step * _STEP, 9, area.width - description, text)
        y += row.height
    if not rows and note:
        pen.write(area.left, y, 9, area.width, note)
