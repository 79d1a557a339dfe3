"""Which typeface prints a character. Both travel inside what is printed, so that paper never depends on what fonts a reader,
a printer or this machine has.

Bitstream Vera prints Latin; WenQuanYi Micro Hei prints Chinese, Japanese, Korean, Cyrillic, Greek and rarer Latin letters.
It is opened when the first such character is met.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path

import paperang_p2_fonts_cjk
from reportlab.pdfbase.pdfmetrics import getFont, registerFont
from reportlab.pdfbase.ttfonts import TTFont

__all__ = ["LATIN", "WIDE", "opened", "runs", "shown", "wide_file"]

LATIN, WIDE = "Vera", "WenQuanYiMicroHei"
_SYMBOLS = frozenset({"So", "Sk", "Cn", "Co", "Mn", "Me"})
# Letters that neither typeface has and that do not decompose.
_LETTERS = {"ẞ": "SS", "ẚ": "a", "ỻ": "ll", "Ỻ": "LL"}


def wide_file() -> Path:
    """Return the file of the wide typeface."""
    return Path(str(files(paperang_p2_fonts_cjk) / "fonts" / "wqy-microhei.ttc"))


@cache
def opened(face: str) -> str:
    """Make `face` known to the PDF writer, once per process, and return its name."""
    registerFont(TTFont(LATIN, "Vera.ttf") if face == LATIN else TTFont(WIDE, str(wide_file()), subfontIndex=0))
    return face


def runs(text: str) -> Iterator[tuple[str, str]]:
    """Split `text` into runs of one typeface each, after replacing what neither has (see `shown`)."""
    for face, chars in groupby(shown(text), key=_face):
        yield face or LATIN, "".join(chars)


def shown(text: str) -> str:
    """Return `text` as it can be printed: a letter that no typeface has becomes its base letter, or `?`; emoji and other
    pictures are left out, unless nothing else would remain.
    """
    if text.isascii():
        return text
    printed = " ".join("".join(map(_printable, text)).split())
    return printed or ("?" if text.strip() else "")


@cache
def _printable(char: str) -> str:
    if char.isspace():
        return " "
    if _face(char):
        return char
    if char in _LETTERS:
        return _LETTERS[char]
    base = "".join(part for part in unicodedata.normalize("NFKD", char) if _face(part))
    return base or ("" if unicodedata.category(char) in _SYMBOLS else "?")


@cache
def _face(char: str) -> str:
    """Return the typeface that has `char`, or nothing."""
    return next((face for face in (LATIN, WIDE) if getFont(opened(face)).face.charToGlyph.get(ord(char))), "")
