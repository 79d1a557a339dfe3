"""ZPL II for a label, in native barcode commands. Text can never be read as a command by the printer; what is not Latin-1
goes to it as a picture, since few printers have such letters.
"""

from __future__ import annotations

import re
from functools import lru_cache

from linkstar_labeler.domain.label_layout import (
    HEIGHT,
    RULES,
    WIDTH,
    Label,
    Placed,
    Text,
    facts_column,
    heading,
    own_texts,
    place_symbols,
)
from linkstar_labeler.domain.pictures import picture
from linkstar_labeler.domain.symbols import Symbol, Symbology

__all__ = ["field", "render_zpl"]

_START = "\n".join([f"^XA^CI28^PW{WIDTH}^LL{HEIGHT}^LH0,0", *(f"^FO0,{rule.y}^GB{WIDTH},3,3^FS" for rule in RULES)])
_DIGITS = re.compile(r"\d{4,}")
_BEYOND_LATIN = re.compile("[^\x00-\xff]")
_ASCII = {chr(code): f"_{code:02X}" for code in range(128)}
_NOT_PLAIN = re.compile(r"""[^A-Za-z0-9 !"#$%&'()*+,\-./:;<=>?@\[\]{|}`]""")


def field(text: str) -> str:
    """Return `^FH^FD…^FS`: every byte outside a plain set (caret, tilde, underscore, backslash, all non-ASCII) as `_XX`."""
    return f"^FH^FD{_NOT_PLAIN.sub(_hex, text)}^FS"


def render_zpl(label: Label) -> str:
    """Return one `^XA … ^XZ` format of 4x6 inches at 203 dpi in UTF-8 (`^CI28`): all that `lay_out` places, in its order."""
    opening = _remembered_opening if label.from_warehouse else _opening
    body = [opening(label.carrier, label.service, label.sender), _facts(label.facts)]
    body += [_text(text) for text in own_texts(label)]
    body += [_symbol(placed) for placed in place_symbols(label)]
    return "\n".join([*body, "^XZ\n"])


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


def _symbol(placed: Placed) -> str:
    return f"^FO{placed.x},{placed.y}{_COMMANDS[placed.symbol.symbology](placed)}"


def _bar_width(characters: int, width: int) -> int:
    """Return the widest module, 3 dots at most, with which that many Code 128 characters and a stop fit `width` dots."""
    return max(1, min(3, width // (11 * characters + 13)))


def _code_128(placed: Placed) -> str:
    """Let the printer choose subsets; the count of characters is an upper bound: pairs of digits, and switches."""
    content = placed.symbol.content
    pairs = sum((len(run) + 1) // 2 + 1 for run in _DIGITS.findall(content))
    characters = 2 + pairs + len(_DIGITS.sub("", content))
    return f"^BY{_bar_width(characters, placed.width)}^BCN,{placed.height},N,N,N,A{field(content)}"


def _gs1_128(placed: Placed) -> str:
    """Subset C throughout: `>;` starts it, `>8` is FNC1. Every element of ours is digits of even length."""
    elements = [identifier + value for identifier, value in placed.symbol.elements]
    characters = 2 + sum(1 + len(element) // 2 for element in elements)
    content = ">;>8" + ">8".join(elements)
    return f"^BY{_bar_width(characters, placed.width)}^BCN,{placed.height},N,N,N,N{field(content)}"


def _itf(placed: Placed) -> str:
    """Wide bars are three narrow ones: nine modules a digit, and nine for start and stop."""
    module = max(1, min(3, placed.width // (9 * len(placed.symbol.content) + 9)))
    return f"^BY{module},3^B2N,{placed.height},N,N,N{field(placed.symbol.content)}"


def _data_matrix(placed: Placed) -> str:
    side = placed.symbol.side
    size = f"{min(8, placed.height // side)},200,{side},{side}" if side else "8,200"
    return f"^BXN,{size}{field(placed.symbol.content)}"


def _pdf417(placed: Placed) -> str:
    return f"^BY2^B7N,6,4,6{field(placed.symbol.content)}"


def _maxicode(placed: Placed) -> str:
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
