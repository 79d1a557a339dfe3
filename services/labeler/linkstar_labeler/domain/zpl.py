"""ZPL II for a label, in native barcode commands. Text can never be read as a command by the printer; what is not Latin-1
goes to it as a picture, since few printers have such letters.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from linkstar_labeler.domain.label_layout import (
    DOTS_PER_INCH,
    HEIGHT,
    RULES,
    WIDTH,
    Label,
    Placed,
    Text,
    facts_column,
    heading,
    lay_out,
    own_texts,
    place_symbols,
)
from linkstar_labeler.domain.pictures import picture
from linkstar_labeler.domain.symbols import Symbol, Symbology

__all__ = ["field", "render_zpl"]


class _Grain(NamedTuple):
    """How many dots the smallest parts of symbols and lines have."""

    bar: int
    cell: int
    column: int
    row: int


_GRAINS = {203: _Grain(3, 8, 2, 6), 300: _Grain(4, 12, 3, 9)}
_GRAIN = _GRAINS[203]
_START = "\n".join([f"^XA^CI28^PW{WIDTH}^LL{HEIGHT}^LH0,0", *(f"^FO0,{rule.y}^GB{WIDTH},3,3^FS" for rule in RULES)])
_DIGITS = re.compile(r"\d{4,}")
_BEYOND_LATIN = re.compile("[^\x00-\xff]")
_ASCII = {chr(code): f"_{code:02X}" for code in range(128)}
_NOT_PLAIN = re.compile(r"""[^A-Za-z0-9 !"#$%&'()*+,\-./:;<=>?@\[\]{|}`]""")


def field(text: str) -> str:
    """Return `^FH^FD…^FS`: every byte outside a plain set (caret, tilde, underscore, backslash, all non-ASCII) as `_XX`."""
    return f"^FH^FD{_NOT_PLAIN.sub(_hex, text)}^FS"


def render_zpl(label: Label, dpi: int = DOTS_PER_INCH) -> str:
    """Return one `^XA … ^XZ` format of 4x6 inches in UTF-8 (`^CI28`): all that `lay_out` places, in its order, for a printer
    of 203 or 300 dpi.
    """
    if dpi != DOTS_PER_INCH:
        return _finer(label, dpi)
    opening = _remembered_opening if label.from_warehouse else _opening
    body = [opening(label.carrier, label.service, label.sender), _facts(label.facts)]
    body += [_text(text) for text in own_texts(label)]
    body += [_symbol(placed) for placed in place_symbols(label)]
    return "\n".join([*body, "^XZ\n"])


def _finer(label: Label, dpi: int) -> str:
    def dots(length: int) -> int:
        return round(length * dpi / DOTS_PER_INCH)

    layout, grain, width = lay_out(label), _GRAINS[dpi], dots(WIDTH)
    parts = [f"^XA^CI28^PW{width}^LL{dots(HEIGHT)}^LH0,0"]
    parts += [f"^FO0,{dots(rule.y)}^GB{width},{grain.bar},{grain.bar}^FS" for rule in layout.rules]
    parts += [_text(Text(dots(t.x), dots(t.y), dots(t.size), dots(t.width), t.text)) for t in layout.texts]
    parts += [
        _symbol(Placed(dots(p.x), dots(p.y), dots(p.width), dots(p.height), p.symbol), grain) for p in layout.symbols
    ]
    return "\n".join([*parts, "^XZ\n"])


def _opening(carrier: str, service: str, sender: tuple[str, ...]) -> str:
    return "\n".join([_START, *map(_text, heading(carrier, service, sender))])


_remembered_opening = lru_cache(maxsize=1024)(_opening)


@lru_cache(maxsize=4096)
def _facts(facts: tuple[str, ...]) -> str:
    return "\n".join(map(_text, facts_column(facts)))


def _hex(found: re.Match[str]) -> str:
    return _ASCII.get(found[0]) or "".join(f"_{byte:02X}" for byte in found[0].encode())


def _text(text: Text) -> str:
    if not text.text.isascii() and _BEYOND_LATIN.search(text.text):
        return f"^FO{text.x},{text.y}{picture(text)}"
    return f"^FO{text.x},{text.y}^A0N,{text.size},{text.size}{field(text.text)}"


def _symbol(placed: Placed, grain: _Grain = _GRAIN) -> str:
    return f"^FO{placed.x},{placed.y}{_COMMANDS[placed.symbol.symbology](placed, grain)}"


def _bar_width(characters: int, width: int, most: int) -> int:
    """Return the widest module, `most` dots at most, with which that many Code 128 characters and a stop fit `width`."""
    return max(1, min(most, width // (11 * characters + 13)))


def _code_128(placed: Placed, grain: _Grain) -> str:
    """Let the printer choose subsets; the count of characters is an upper bound: pairs of digits, and switches."""
    content = placed.symbol.content
    pairs = sum((len(run) + 1) // 2 + 1 for run in _DIGITS.findall(content))
    characters = 2 + pairs + len(_DIGITS.sub("", content))
    return f"^BY{_bar_width(characters, placed.width, grain.bar)}^BCN,{placed.height},N,N,N,A{field(content)}"


def _gs1_128(placed: Placed, grain: _Grain) -> str:
    """Subset C throughout: `>;` starts it, `>8` is FNC1. Every element of ours is digits of even length."""
    elements = [identifier + value for identifier, value in placed.symbol.elements]
    characters = 2 + sum(1 + len(element) // 2 for element in elements)
    content = ">;>8" + ">8".join(elements)
    return f"^BY{_bar_width(characters, placed.width, grain.bar)}^BCN,{placed.height},N,N,N,N{field(content)}"


def _itf(placed: Placed, grain: _Grain) -> str:
    """Wide bars are three narrow ones: nine modules a digit, and nine for start and stop."""
    module = max(1, min(grain.bar, placed.width // (9 * len(placed.symbol.content) + 9)))
    return f"^BY{module},3^B2N,{placed.height},N,N,N{field(placed.symbol.content)}"


def _data_matrix(placed: Placed, grain: _Grain) -> str:
    side = placed.symbol.side
    size = f"{min(grain.cell, placed.height // side)},200,{side},{side}" if side else f"{grain.cell},200"
    return f"^BXN,{size}{field(placed.symbol.content)}"


def _pdf417(placed: Placed, grain: _Grain) -> str:
    return f"^BY{grain.column}^B7N,{grain.row},4,6{field(placed.symbol.content)}"


def _maxicode(placed: Placed, _grain: _Grain) -> str:
    return f"^BD{_mode(placed.symbol)},1,1{field(_high_priority(placed.symbol) + placed.symbol.content)}"


def _mode(symbol: Symbol) -> int:
    return 2 if symbol.primary[:9].isdigit() else 3


def _high_priority(symbol: Symbol) -> str:
    """ZPL wants service class, country, postcode; the symbol keeps postcode, country, service class."""
    return symbol.primary[-3:] + symbol.primary[-6:-3] + symbol.primary[:-6]


_COMMANDS = {
    Symbology.CODE_128: _code_128,
    Symbology.GS1_128: _gs1_128,
    Symbology.ITF: _itf,
    Symbology.DATA_MATRIX: _data_matrix,
    Symbology.PDF417: _pdf417,
    Symbology.MAXICODE: _maxicode,
}
