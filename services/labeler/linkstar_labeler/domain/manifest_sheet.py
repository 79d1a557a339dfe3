"""LinkStar's own manifest on A4 paper, for carriers that have none: parcels, counts, and a line for the driver to sign."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from itertools import groupby

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from linkstar_labeler.domain.manifests import ManifestedLabel, Totals, totals
from linkstar_labeler.domain.pen import Pen
from linkstar_labeler.domain.symbols import code_128, modules

__all__ = ["Sheet", "sheet_pdf"]

_WIDTH, _HEIGHT = A4
_MARGIN, _LINE, _SIZE = 42.0, 13.0, 8.5
_PER_PAGE = 42
_BAR, _BAR_HEIGHT = 1.2, 40.0
_COLUMNS = ((0.0, 26.0), (30.0, 160.0), (195.0, 140.0), (340.0, 100.0), (445.0, 66.0))
_TITLES = ("#", "Tracking number", "Shipment", "Service", "Weight")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a manifest's paper says. `number` is the carrier's where there is one."""

    number: str
    carrier: str
    warehouse: str
    day: str
    closed_at: datetime
    account: str
    labels: Sequence[ManifestedLabel]


def sheet_pdf(sheet: Sheet) -> bytes:
    """Return the sheet as PDF, the same bytes each time. Struck labels are not on it; a parcel is a line."""
    rows = list(_rows([label for label in sheet.labels if not label.struck]))
    pages = [rows[start : start + _PER_PAGE] for start in range(0, len(rows), _PER_PAGE)] or [[]]
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=True)
    pen = Pen(canvas, _HEIGHT)
    for number, page in enumerate(pages, 1):
        _head(canvas, pen, sheet, f"Page {number} of {len(pages)}")
        for place, row in enumerate(page):
            _row(pen, _MARGIN + 118 + place * _LINE, row)
        if number == len(pages):
            _foot(pen, totals(sheet.labels))
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _rows(labels: Sequence[ManifestedLabel]) -> Iterator[tuple[str, ...]]:
    """A label's weight stands in the line of its first parcel."""
    line = 0
    for label in labels:
        for place, number in enumerate(label.tracking_numbers):
            line += 1
            yield str(line), number, label.shipment_id, label.service, _kilograms(label.weight_g) if not place else ""


def _head(canvas: Canvas, pen: Pen, sheet: Sheet, page: str) -> None:
    pen.write(_MARGIN, _MARGIN + 14, 16, 250, f"Manifest {sheet.number}")
    account = f", account {sheet.account}" if sheet.account else ""
    pen.write(_MARGIN, _MARGIN + 32, 9, 270, f"Carrier {sheet.carrier}{account}")
    pen.write(_MARGIN, _MARGIN + 46, 9, 270, f"Warehouse {sheet.warehouse}, collection on {sheet.day}")
    pen.write(_MARGIN, _MARGIN + 60, 9, 270, f"Closed {sheet.closed_at:%Y-%m-%d %H:%M %Z}. {page}")
    _barcode(canvas, sheet.number)
    pen.rule(_MARGIN, _MARGIN + 84, _WIDTH - 2 * _MARGIN)
    _row(pen, _MARGIN + 98, _TITLES)
    pen.rule(_MARGIN, _MARGIN + 104, _WIDTH - 2 * _MARGIN)


def _barcode(canvas: Canvas, number: str) -> None:
    """Draw the manifest's number as Code 128, right-aligned."""
    drawn = modules(code_128(number))
    cell = min(_BAR, 230 / drawn.width)
    x, y = _WIDTH - _MARGIN - drawn.width * cell, _HEIGHT - _MARGIN - _BAR_HEIGHT - 4
    for black, run in groupby(drawn.rows[0], bool):
        width = len(list(run)) * cell
        if black:
            canvas.rect(x, y, width, _BAR_HEIGHT, stroke=0, fill=1)
        x += width


def _row(pen: Pen, y: float, cells: Sequence[str]) -> None:
    for (left, width), text in zip(_COLUMNS, cells, strict=True):
        pen.write(_MARGIN + left, y, _SIZE, width, text)


def _foot(pen: Pen, counted: Totals) -> None:
    y = _HEIGHT - _MARGIN - 62
    told = f"{counted.labels} labels, {counted.parcels} parcels, {_kilograms(counted.weight_g)}"
    pen.write(_MARGIN, y, 11, _WIDTH - 2 * _MARGIN, f"Total: {told}")
    for left, title in ((0.0, "Driver's name"), (180.0, "Driver's signature"), (400.0, "Date and time")):
        width = 170.0 if left < 400 else 111.0
        pen.rule(_MARGIN + left, y + 44, width)
        pen.write(_MARGIN + left, y + 55, 8, width, title)


def _kilograms(grams: int) -> str:
    return f"{grams // 1000}.{grams % 1000:03d} kg"
