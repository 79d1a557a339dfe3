"""The label as a one-page 4x6 inch PDF: vector bars, embedded Latin font, CID fonts for Chinese, Japanese and Korean."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from io import BytesIO
from itertools import groupby

from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import getFont, registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from linkstar_labeler.domain.label_layout import DOTS_PER_INCH, HEIGHT, WIDTH, Label, Placed, Text, lay_out
from linkstar_labeler.domain.symbols import Modules, Symbology, modules

__all__ = ["render_pdf"]

_POINTS = 72 / DOTS_PER_INCH
_LATIN, _HAN, _KANA, _HANGUL = "Vera", "STSong-Light", "HeiseiMin-W3", "HYSMyeongJo-Medium"
_CID_CODECS = ((_HAN, "gb2312"), (_KANA, "cp932"), (_HANGUL, "cp949"), (_HAN, "gbk"))


def render_pdf(labels: Sequence[Label]) -> bytes:
    """Return a PDF with one page per label. The same labels give the same bytes."""
    _register_fonts()
    out = BytesIO()
    canvas = Canvas(out, pagesize=(WIDTH * _POINTS, HEIGHT * _POINTS), invariant=True)
    for label in labels:
        _draw(canvas, label)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


@cache
def _register_fonts() -> None:
    registerFont(TTFont(_LATIN, "Vera.ttf"))
    for name in (_HAN, _KANA, _HANGUL):
        registerFont(UnicodeCIDFont(name))


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
    runs = list(_runs(text.text))
    size = text.size * _POINTS * 0.85
    natural = sum(stringWidth(run, font, size) for font, run in runs)
    size *= min(1.0, text.width * _POINTS / natural) if natural else 1.0
    line = canvas.beginText(text.x * _POINTS, _up(text.y + text.size * 0.82))
    for font, run in runs:
        line.setFont(font, size)
        line.textOut(run)
    canvas.drawText(line)


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """Split `text` into runs of one font each; a character no font has becomes its base letter, or `?`."""
    drawn = (pair for char in text for pair in _drawable(char))
    for font, pairs in groupby(drawn, key=lambda pair: pair[0]):
        yield font, "".join(char for _, char in pairs)


def _drawable(char: str) -> list[tuple[str, str]]:
    font = _font_of(char)
    if font:
        return [(font, char)]
    base = [(_font_of(part), part) for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part)]
    known = [(font, part) for font, part in base if font]
    return known or [(_LATIN, _LETTERS.get(char, "?"))]


@cache
def _font_of(char: str) -> str | None:
    if getFont(_LATIN).face.charToGlyph.get(ord(char)):
        return _LATIN
    for font, codec in _CID_CODECS:
        try:
            char.encode(codec)
        except UnicodeEncodeError:
            continue
        return font
    return None


# Letters of European alphabets that no font of ours has and that do not decompose.
_LETTERS = {"đ": "d", "Đ": "D", "ħ": "h", "Ħ": "H", "ŧ": "t", "Ŧ": "T", "ŋ": "n", "Ŋ": "N", "ı": "i", "ĸ": "k"}


def _place(canvas: Canvas, placed: Placed) -> None:
    drawn = modules(placed.symbol)
    if placed.symbol.symbology is Symbology.MAXICODE:
        _bitmap(canvas, placed, drawn)
        return
    linear = placed.symbol.symbology.linear
    cell = placed.width / drawn.width if linear else min(placed.width / drawn.width, placed.height / drawn.height)
    cell = min(cell, 3) if linear else cell
    left = placed.x + ((placed.width - cell * drawn.width) / 2 if linear else 0)
    height = placed.height if linear else cell
    path = canvas.beginPath()
    for y, row in enumerate(drawn.rows):
        for start, length in _bars(row):
            path.rect(
                (left + start * cell) * _POINTS, _up(placed.y + y * cell + height),
                length * cell * _POINTS, height * _POINTS,
            )  # fmt: skip
    canvas.drawPath(path, stroke=0, fill=1)


def _bars(row: bytes) -> Iterator[tuple[int, int]]:
    """Yield start and length of each black run."""
    start = 0
    for black, cells in groupby(row, key=bool):
        length = sum(1 for _ in cells)
        if black:
            yield start, length
        start += length


def _bitmap(canvas: Canvas, placed: Placed, drawn: Modules) -> None:
    """Draw a MaxiCode as the bitmap it was made as, 28 mm wide (ISO/IEC 16023 wants 27.93 by 26.91 mm)."""
    width = 27.93 / 25.4 * 72
    height = width * drawn.height / drawn.width
    pixels = bytes(255 - value for row in drawn.rows for value in row)
    picture = ImageReader(Image.frombytes("L", (drawn.width, drawn.height), pixels))
    canvas.drawImage(picture, placed.x * _POINTS, _up(placed.y) - height, width, height)
