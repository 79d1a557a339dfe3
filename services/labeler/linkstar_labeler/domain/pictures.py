"""A line of text as a ZPL graphic field: how letters reach a label printer that has no typeface for them."""

from __future__ import annotations

from functools import cache

from PIL import Image, ImageDraw, ImageFont

from linkstar_labeler.domain.label_layout import Text
from linkstar_labeler.domain.typefaces import shown, wide_file

__all__ = ["picture"]


def picture(text: Text) -> str:
    """Return `^GFA…^FS` that draws the line inside its place; the same text gives the same bytes."""
    line = shown(text.text)
    face = _face(int(text.size * 0.85))
    natural = face.getlength(line)
    if natural > text.width:
        face = _face(max(1, int(text.size * 0.85 * text.width / natural)))
    ink = Image.new("1", (min(text.width, int(face.getlength(line)) + 2), text.size))
    ImageDraw.Draw(ink).text((0, text.size * 0.82), line, fill=1, font=face, anchor="ls")
    row = (ink.width + 7) // 8
    total = row * ink.height
    return f"^GFA,{total},{total},{row},{ink.tobytes().hex().upper()}^FS"


@cache
def _face(pixels: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(wide_file(), pixels, layout_engine=ImageFont.Layout.BASIC)
