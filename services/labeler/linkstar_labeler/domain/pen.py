"""Writes lines of text on a PDF page with the typefaces that travel in it. Lengths are points, from the top left."""

from __future__ import annotations

from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from linkstar_labeler.domain.typefaces import runs

__all__ = ["Pen"]


class Pen:
    """Writes on the pages of `canvas`, which are `height` high."""

    def __init__(self, canvas: Canvas, height: float) -> None:
        self._canvas, self._height = canvas, height

    def write(self, x: float, y: float, size: float, width: float, text: str) -> None:
        """Write one line that begins at `x`, its base line at `y`; letters shrink as far as `width` asks."""
        parts = list(runs(text))
        natural = sum(stringWidth(part, face, size) for face, part in parts)
        size *= min(1.0, width / natural) if natural else 1.0
        line = self._canvas.beginText(x, self._height - y)
        for face, part in parts:
            line.setFont(face, size)
            line.textOut(part)
        self._canvas.drawText(line)

    def rule(self, x: float, y: float, width: float) -> None:
        """Draw a thin horizontal line."""
        self._canvas.rect(x, self._height - y, width, 0.6, stroke=0, fill=1)
