"""The label as a one-page 4x6 inch PDF: vector bars, embedded typefaces."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import groupby

from PIL import Image
from reportlab import rl_config
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from linkstar_labeler.domain.label_layout import DOTS_PER_INCH, HEIGHT, WIDTH, Label, Placed, Text, lay_out
from linkstar_labeler.domain.symbols import Modules, Symbology, modules
from linkstar_labeler.domain.typefaces import runs

__all__ = ["render_pdf"]

rl_config.useA85 = 0  # streams stay binary: smaller, and half the time
_POINTS = 72 / DOTS_PER_INCH
_BARS = re.compile(rb"[^\x00]+")
_INVERTED = bytes(255 - value for value in range(256))


def render_pdf(labels: Sequence[Label]) -> bytes:
    """Return a PDF with one page per label. The same labels give the same bytes."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=(WIDTH * _POINTS, HEIGHT * _POINTS), invariant=True)
    for label in labels:
        _draw(canvas, label)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw(canvas: Canvas, label: Label) -> None:
    layout = lay_out(label)
    for rule in layout.rules:
        canvas.rect(0, _up(rule.y + 3), WIDTH * _POINTS, 3 * _POINTS, stroke=0, fill=1)
    for text in layout.texts:
        _write(canvas, text)
    for placed in layout.symbols:
        _place(canvas, placed)


def _up(y: float) -> float:
    """Turn dots from the top into points from the bottom."""
    return (HEIGHT - y) * _POINTS


def _write(canvas: Canvas, text: Text) -> None:
    parts = list(runs(text.text))
    size = text.size * _POINTS * 0.85
    natural = sum(stringWidth(part, face, size) for face, part in parts)
    size *= min(1.0, text.width * _POINTS / natural) if natural else 1.0
    line = canvas.beginText(text.x * _POINTS, _up(text.y + text.size * 0.82))
    for face, part in parts:
        line.setFont(face, size)
        line.textOut(part)
    canvas.drawText(line)


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
