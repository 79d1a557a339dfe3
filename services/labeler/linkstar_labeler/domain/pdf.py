"""Labels and packing slips as PDF: vector bars, embedded typefaces, on any of the papers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import groupby

from PIL import Image
from reportlab import rl_config
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from linkstar_labeler.domain.label_layout import HEIGHT, WIDTH, Label, Placed, lay_out
from linkstar_labeler.domain.packing_slip import Slip, draw_slip
from linkstar_labeler.domain.paper import LABEL, Paper
from linkstar_labeler.domain.paper import POINTS_PER_DOT as _POINTS
from linkstar_labeler.domain.pen import Pen
from linkstar_labeler.domain.symbols import Modules, Symbology, modules

__all__ = ["render_pdf", "render_slip"]

rl_config.useA85 = 0  # streams stay binary: smaller, and half the time
rl_config.ttfAsciiReadable = 0  # of a typeface travel the letters that are used, where it does not say otherwise
_BARS = re.compile(rb"[^\x00]+")
_INVERTED = bytes(255 - value for value in range(256))


def render_pdf(labels: Sequence[Label], paper: Paper = LABEL, position: int = 1, slips: Sequence[Slip] = ()) -> bytes:
    """Return a PDF of the labels in order, from place `position` of the first sheet on: a half-used sheet is used up.

    With `slips`, one per label, each label is followed by its packing slip: on a sheet beside and below the label, on
    other paper on a page of its own. The same arguments give the same bytes.
    """
    out = BytesIO()
    canvas = Canvas(out, pagesize=(paper.width, paper.height), invariant=True)
    for slip, label in zip(slips, labels, strict=bool(slips)):
        _draw(canvas, label, paper, 0)
        if not paper.is_sheet:
            canvas.showPage()
        draw_slip(canvas, slip, paper)
        canvas.showPage()
    for place, label in enumerate(() if slips else labels, position - 1):
        _draw(canvas, label, paper, place % len(paper.places))
        if (place + 1) % len(paper.places) == 0:
            canvas.showPage()
    canvas.save()
    return out.getvalue()


def render_slip(slip: Slip, paper: Paper) -> bytes:
    """Return a packing slip alone; on a sheet the label's place stays empty."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=(paper.width, paper.height), invariant=True)
    draw_slip(canvas, slip, paper)
    canvas.save()
    return out.getvalue()


def _draw(canvas: Canvas, label: Label, paper: Paper, place: int) -> None:
    layout, area = lay_out(label), paper.places[place]
    scale = area.scale
    canvas.saveState()
    canvas.translate(
        area.left + (area.width - WIDTH * _POINTS * scale) / 2, paper.height - area.top - HEIGHT * _POINTS * scale
    )
    canvas.scale(scale, scale)
    for rule in layout.rules:
        canvas.rect(0, _up(rule.y + 3), WIDTH * _POINTS, 3 * _POINTS, stroke=0, fill=1)
    pen = Pen(canvas, HEIGHT * _POINTS)
    for text in layout.texts:
        size = text.size * _POINTS
        pen.write(text.x * _POINTS, text.y * _POINTS + size * 0.82, size * 0.85, text.width * _POINTS, text.text)
    for placed in layout.symbols:
        _place(canvas, placed)
    canvas.restoreState()


def _up(y: float) -> float:
    """Turn dots from the top of the label into points from its bottom."""
    return (HEIGHT - y) * _POINTS


def _place(canvas: Canvas, placed: Placed) -> None:
    drawn = modules(placed.symbol)
    if placed.symbol.symbology is Symbology.MAXICODE:
        _bitmap(canvas, placed, drawn)
    elif placed.symbol.symbology.linear:
        cell = min(placed.width / drawn.width, 3)
        _cells(canvas, placed, drawn, cell, placed.height, placed.x + (placed.width - cell * drawn.width) / 2)
    else:
        cell = min(placed.width / drawn.width, placed.height / drawn.height)
        _cells(canvas, placed, drawn, cell, cell, placed.x)


def _cells(canvas: Canvas, placed: Placed, drawn: Modules, cell: float, height: float, left: float) -> None:
    """Fill the black cells as rectangles in the symbol's own whole-numbered coordinates, equal rows as one."""
    scale = f"{cell * _POINTS:.5f} 0 0 {-height * _POINTS:.5f} {left * _POINTS:.4f} {_up(placed.y):.4f}"
    canvas.addLiteral(f"q {scale} cm {' '.join(_rectangles(drawn.rows))} f Q")


def _rectangles(rows: Sequence[bytes]) -> Iterator[str]:
    top = 0
    for row, equal in groupby(rows):
        height = sum(1 for _ in equal)
        for bar in _BARS.finditer(row):
            yield f"{bar.start()} {top} {bar.end() - bar.start()} {height} re"
        top += height


def _bitmap(canvas: Canvas, placed: Placed, drawn: Modules) -> None:
    """Draw a MaxiCode as the bitmap it was made as, 28 mm wide (ISO/IEC 16023 wants 27.93 by 26.91 mm)."""
    width = 27.93 / 25.4 * 72
    height = width * drawn.height / drawn.width
    pixels = b"".join(drawn.rows).translate(_INVERTED)
    picture = ImageReader(Image.frombytes("L", (drawn.width, drawn.height), pixels))
    canvas.drawImage(picture, placed.x * _POINTS, _up(placed.y) - height, width, height)
