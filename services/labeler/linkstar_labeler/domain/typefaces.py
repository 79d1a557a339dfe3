"""Which typeface prints a character. Both travel inside what is printed, so that paper never depends on what fonts a reader,
a printer or this machine has.

Bitstream Vera prints Latin; its ASCII letters travel with every paper, cut out and compressed once per process. WenQuanYi
Micro Hei prints Chinese, Japanese, Korean, Cyrillic, Greek and rarer Latin letters: of these travel what is used. It is
opened when the first such character is met.
"""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any

import paperang_p2_fonts_cjk
from reportlab.pdfbase.pdfdoc import PDFArray, PDFName
from reportlab.pdfbase.pdfmetrics import getFont, registerFont
from reportlab.pdfbase.ttfonts import TTFont

__all__ = ["LATIN", "WIDE", "opened", "runs", "shown", "wide_file"]

LATIN, WIDE = "Vera", "WenQuanYiMicroHei"
_SYMBOLS = frozenset({"So", "Sk", "Cn", "Co", "Mn", "Me"})
# Letters that neither typeface has and that do not decompose.
_LETTERS = {"ẞ": "SS", "ẚ": "a", "ỻ": "ll", "Ỻ": "LL"}

_ASCII = (*[0] * 32, *range(32, 128))
"""What every paper carries of a typeface whose ASCII letters are ready."""
_PAGE = 256


class _ReadyFont(TTFont):  # type: ignore[misc]
    """A typeface whose ASCII letters travel with every paper, all of them and alone in a file of their own, which is made
    once. Other letters that are used travel in further files.
    """

    def __init__(self, name: str, filename: str) -> None:
        super().__init__(name, filename, asciiReadable=1)
        cut = self.face.makeSubset
        letters = cut(_ASCII)
        self.face.makeSubset = lambda subset: letters if tuple(subset) == _ASCII else cut(subset)
        self._packed = cache(zlib.compress)
        self._widths = f"[ {' '.join(f'{self.face.getCharWidth(code):g}' for code in _ASCII)} ]"

    def splitString(self, text: str, doc: Any, encoding: str = "utf-8") -> Any:
        if doc not in self.state:
            self._assignState(doc).nextCode = _PAGE
        return super().splitString(text, doc, encoding)

    def addObjects(self, doc: Any) -> None:
        name = self.getSubsetInternalName(0, doc)[1:]
        super().addObjects(doc)
        written, known = doc.idToObject["BasicFonts"].dict[name], doc.idToObject
        written.Widths = self._widths
        for part in (f"toUnicodeCMap:{written.BaseFont}", f"fontFile:{self.face.filename}({written.BaseFont})"):
            self._pack(known[part])

    def _pack(self, stream: Any) -> None:
        content = stream.content
        stream.content = self._packed(content if isinstance(content, bytes) else content.encode("ascii"))
        stream.dictionary["Filter"] = PDFArray([PDFName("FlateDecode")])


def wide_file() -> Path:
    """Return the file of the wide typeface."""
    return Path(str(files(paperang_p2_fonts_cjk) / "fonts" / "wqy-microhei.ttc"))


@cache
def opened(face: str) -> str:
    """Make `face` known to the PDF writer, once per process, and return its name."""
    font = _ReadyFont(LATIN, "Vera.ttf") if face == LATIN else TTFont(WIDE, str(wide_file()), subfontIndex=0)
    font.face.get_table = cache(font.face.get_table)  # some are megabytes, read for every paper
    registerFont(font)
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
