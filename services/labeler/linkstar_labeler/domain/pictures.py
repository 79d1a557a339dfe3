"""A line of text as a ZPL graphic field: how letters reach a label printer that has no typeface for them.

Letters are drawn once and remembered as whole numbers, one bit a dot and one row after the other, so that a line is made by
shifting letters to their places.
"""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import accumulate
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from linkstar_labeler.domain.label_layout import Text
from linkstar_labeler.domain.typefaces import shown, wide_file

__all__ = ["picture"]

_ROW_BYTES = 160
"""Of the rows letters are kept in: wider than any label."""


class _Letter(NamedTuple):
    """A letter at the left of its rows, and how far the next one stands from it."""

    bits: int
    advance: int


def picture(text: Text) -> str:
    """Return `^GFA…^FS` that draws the line inside its place; the same text gives the same bytes."""
    line, pixels = shown(text.text), int(text.size * 0.85)
    letters = [_letter(char, pixels, text.size) for char in line]
    natural = sum(letter.advance for letter in letters)
    if natural > text.width:
        pixels = max(1, pixels * text.width // natural - 1)
        letters = [_letter(char, pixels, text.size) for char in line]
    bits, width = 0, 0
    for letter, width in zip(letters, accumulate(each.advance for each in letters), strict=True):
        bits |= letter.bits >> (width - letter.advance)
    row = (min(width, text.width) + 7) // 8
    ink = bits.to_bytes(_ROW_BYTES * text.size)
    data = b"".join(ink[start : start + row] for start in range(0, len(ink), _ROW_BYTES))
    return f"^GFA,{len(data)},{len(data)},{row},{data.hex().upper()}^FS"


@lru_cache(maxsize=8192)
def _letter(char: str, pixels: int, height: int) -> _Letter:
    face = _face(pixels)
    ink = Image.new("1", (2 * height + 8, height))
    ImageDraw.Draw(ink).text((0, height * 0.82), char, fill=1, font=face, anchor="ls")
    row, data = (ink.width + 7) // 8, ink.tobytes()
    rows = (data[start : start + row].ljust(_ROW_BYTES, b"\0") for start in range(0, len(data), row))
    return _Letter(int.from_bytes(b"".join(rows)), round(face.getlength(char)))


@cache
def _face(pixels: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(wide_file(), pixels, layout_engine=ImageFont.Layout.BASIC)
