"""Machine-readable symbols: what a scanner reads from them, and their modules, drawn by libzint.

A symbol knows nothing of paper: renderers ask for its modules (PDF) or its content (ZPL printers draw their own).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import zint

__all__ = ["EOT", "GS", "MAXICODE_DOTS", "RS", "Modules", "Symbol", "Symbology", "code_128", "data_matrix", "gs1_128",
           "itf", "maxicode", "modules", "pdf417"]  # fmt: skip

GS, RS, EOT = "\x1d", "\x1e", "\x04"
MAXICODE_DOTS = 8
"""Bitmap dots per MaxiCode module unit: print resolution, since a hexagon vector drawing is not readable."""


class Symbology(Enum):
    """The symbologies our carriers print."""

    CODE_128 = "code_128"
    GS1_128 = "gs1_128"
    ITF = "itf"
    DATA_MATRIX = "data_matrix"
    PDF417 = "pdf417"
    MAXICODE = "maxicode"

    @property
    def linear(self) -> bool:
        """True for one row of bars."""
        return self in (Symbology.CODE_128, Symbology.GS1_128, Symbology.ITF)


class Symbol(NamedTuple):
    """One symbol. `content` is what a scanner reports (GS1 elements in order, `primary` apart in MaxiCode)."""

    symbology: Symbology
    content: str
    caption: str = ""
    elements: tuple[tuple[str, str], ...] = ()
    primary: str = ""
    side: int = 0
    """Cells along a Data Matrix, where the carrier fixes them."""


@dataclass(frozen=True, slots=True)
class Modules:
    """A symbol as black and white cells, row by row; `rows[y][x]` is nonzero where it is black."""

    width: int
    rows: tuple[bytes, ...]

    @property
    def height(self) -> int:
        """Number of rows."""
        return len(self.rows)


def code_128(text: str, caption: str = "") -> Symbol:
    """Return a plain Code 128 of `text`."""
    return Symbol(Symbology.CODE_128, text, caption or text)


def gs1_128(*elements: tuple[str, str], caption: str = "") -> Symbol:
    """Return a GS1-128 of application identifiers and values, e.g. `("420", zip), ("94", …)`."""
    text = "".join(f"({identifier}){value}" for identifier, value in elements)
    return Symbol(Symbology.GS1_128, text, caption or text, elements)


def itf(digits: str, caption: str = "") -> Symbol:
    """Return Deutsche Post's Leitcode (14 digits) or Identcode (12) as Interleaved 2 of 5, its check digit included."""
    return Symbol(Symbology.ITF, digits, caption or digits)


def data_matrix(text: str, side: int = 0) -> Symbol:
    """Return a square ECC 200 Data Matrix, as small as the text allows or of `side` cells."""
    return Symbol(Symbology.DATA_MATRIX, text, side=side)


def pdf417(text: str) -> Symbol:
    """Return a PDF417 of ISO 15434 text."""
    return Symbol(Symbology.PDF417, text)


def maxicode(postcode: str, country: str, service: str, message: str) -> Symbol:
    """Return a MaxiCode: mode 2 for a nine-digit postcode, mode 3 for a six-character one. Country is ISO numeric."""
    return Symbol(Symbology.MAXICODE, message, primary=f"{postcode}{country}{service}")


def modules(symbol: Symbol) -> Modules:
    """Draw `symbol`. A linear symbol has one row; MaxiCode is drawn at `MAXICODE_DOTS` per unit."""
    drawn = zint.Symbol()
    drawn.show_text = False
    _prepare(drawn, symbol)
    drawn.encode(_zint_data(symbol))
    drawn.buffer()
    bitmap = drawn.bitmap
    if bitmap is None:
        raise ValueError(f"no bitmap for {symbol.symbology.value}")
    height, width, depth = bitmap.shape or (0, 0, 0)
    rows = range(1 if symbol.symbology.linear else height)
    red = bytes(bitmap)[: len(rows) * width * depth : depth].translate(_INVERTED)
    return Modules(width, tuple(red[y * width : (y + 1) * width] for y in rows))


def _zint_data(symbol: Symbol) -> str:
    if symbol.symbology is Symbology.GS1_128:
        return "".join(f"[{identifier}]{value}" for identifier, value in symbol.elements)
    if symbol.symbology is Symbology.ITF:
        return symbol.content[:-1]
    return symbol.content


def _prepare(drawn: zint.Symbol, symbol: Symbol) -> None:
    identcode = symbol.symbology is Symbology.ITF and len(symbol.content) == 12
    drawn.symbology = zint.Symbology.DPIDENT if identcode else _ZINT[symbol.symbology]
    drawn.scale = 0.5  # one pixel per module
    if symbol.symbology is Symbology.DATA_MATRIX:
        drawn.option_3 = zint.DataMatrixOptions.SQUARE
        drawn.option_2 = _SQUARES[symbol.side]
    elif symbol.symbology is Symbology.PDF417:
        drawn.option_2 = 6
    elif symbol.symbology is Symbology.MAXICODE:
        drawn.option_1 = 2 if symbol.primary[:9].isdigit() else 3
        drawn.primary = symbol.primary
        drawn.scale = MAXICODE_DOTS / 10


_SQUARES = {0: 0, 32: 10}
"""libzint's numbers of Data Matrix sizes."""
_INVERTED = bytes(255 - value for value in range(256))
_ZINT = {
    Symbology.CODE_128: zint.Symbology.CODE128,
    Symbology.GS1_128: zint.Symbology.GS1_128,
    Symbology.ITF: zint.Symbology.DPLEIT,
    Symbology.DATA_MATRIX: zint.Symbology.DATAMATRIX,
    Symbology.PDF417: zint.Symbology.PDF417,
    Symbology.MAXICODE: zint.Symbology.MAXICODE,
}
