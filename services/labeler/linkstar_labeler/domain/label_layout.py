"""The 4x6 inch label as data: one description that ZPL and PDF print alike, in dots of a 203 dpi printer."""

from __future__ import annotations

import unicodedata
from itertools import accumulate
from typing import NamedTuple

from linkstar_labeler.domain.symbols import Symbol, Symbology

__all__ = [
    "DOTS_PER_INCH", "HEIGHT", "RULES", "WIDTH", "Label", "Layout", "Placed", "Rule", "Text", "facts_column", "heading",
    "lay_out", "own_texts", "place_symbols", "wrap",
]  # fmt: skip

DOTS_PER_INCH = 203
WIDTH, HEIGHT = 4 * DOTS_PER_INCH, 6 * DOTS_PER_INCH
_MARGIN = 30
_INNER = WIDTH - 2 * _MARGIN


class Label(NamedTuple):
    """What one parcel's label says. `symbols` come in the order tracking, data, routing; the latter two may be absent."""

    carrier: str
    service: str
    sender: tuple[str, ...]
    receiver: tuple[str, ...]
    facts: tuple[str, ...]
    reference: str
    tracking: Symbol
    data: Symbol | None = None
    routing: Symbol | None = None
    notice: str = ""
    from_warehouse: bool = False
    """The sender is no person: what it looks like on paper may be remembered."""


class Text(NamedTuple):
    """One line of text, top left at (x, y), `size` dots high, at most `width` dots wide."""

    x: int
    y: int
    size: int
    width: int
    text: str


class Rule(NamedTuple):
    """A horizontal line across the label."""

    y: int


class Placed(NamedTuple):
    """A symbol inside the box (x, y, width, height)."""

    x: int
    y: int
    width: int
    height: int
    symbol: Symbol


class Layout(NamedTuple):
    """Everything on one label."""

    texts: tuple[Text, ...]
    rules: tuple[Rule, ...]
    symbols: tuple[Placed, ...]


RULES = tuple(Rule(y) for y in (110, 225, 510, 780, 1105))


def lay_out(label: Label) -> Layout:
    """Place a label's content. Text too long for its place is wrapped, then cut; nothing ever overlaps a symbol."""
    texts = [*heading(label.carrier, label.service, label.sender), *facts_column(label.facts), *own_texts(label)]
    return Layout(tuple(texts), RULES, tuple(place_symbols(label)))


def heading(carrier: str, service: str, sender: tuple[str, ...]) -> list[Text]:
    """Place the first texts of a label: carrier, service and sender."""
    texts = [
        *_column(_MARGIN, 30, 56, 420, (carrier,)),
        *_column(470, 42, 34, WIDTH - 470 - _MARGIN, (service,)),
        *_column(_MARGIN, 117, 19, 440, ("FROM", *_fitting(sender, 19, 440, 4))),
    ]
    return [text for text in texts if text.text]


def facts_column(facts: tuple[str, ...]) -> list[Text]:
    """Place the texts that follow the heading: what is said of the parcel."""
    return [text for text in _column(490, 125, 22, WIDTH - 490 - _MARGIN, facts[:4]) if text.text]


def own_texts(label: Label) -> list[Text]:
    """Place the texts that follow the facts: receiver, reference, notice, captions."""
    caption = label.tracking.caption
    left = _centre(caption, 30)
    texts = [
        Text(_MARGIN, 235, 24, 300, "SHIP TO"),
        *_column(_MARGIN + 20, 265, 32, _INNER - 20, _fitting(label.receiver, 32, _INNER - 20, 7)),
        *_column(_MARGIN, 1125, 24, _INNER, (f"REF {label.reference}",)),
        *_column(_MARGIN, 1155, 56, _INNER, (label.notice,)),
        *_column(left, 1055, 30, WIDTH - left - _MARGIN, (caption,)),
    ]
    if label.routing is not None:
        texts += _column(350, 705, 28, WIDTH - 350 - _MARGIN, (label.routing.caption,))
    if label.data is not None and label.data.symbology.linear:
        texts += _column(_MARGIN + 5, 705, 24, 280, (label.data.caption,))
    return [text for text in texts if text.text]


def place_symbols(label: Label) -> list[Placed]:
    """Place the symbols."""
    symbols = [Placed(_MARGIN + 20, 810, _INNER - 40, 235, label.tracking)]
    if label.data is not None:
        symbols.append(_place_data(label.data))
    if label.routing is not None:
        symbols.append(Placed(330, 550, WIDTH - 330 - _MARGIN, 140, label.routing))
    return symbols


def _place_data(symbol: Symbol) -> Placed:
    if symbol.symbology.linear:
        return Placed(_MARGIN + 10, 550, 240, 140, symbol)
    return Placed(_MARGIN, 525, 480 if symbol.symbology is Symbology.PDF417 else 250, 235, symbol)


def wrap(text: str, size: int, width: int) -> tuple[str, ...]:
    """Break `text` into lines that fit `width` dots at `size`, at spaces where there are any."""
    if _dots(text, size) <= width:
        whole = " ".join(text.split())
        return (whole,) if whole else ()
    lines, line = [], ""
    for word in text.split():
        candidate = f"{line} {word}".strip()
        if _dots(candidate, size) <= width:
            line = candidate
            continue
        if line:
            lines.append(line)
        while _dots(word, size) > width:
            head = _cut(word, size, width)
            lines.append(head)
            word = word[len(head) :]
        line = word
    return (*lines, line) if line else tuple(lines)


def _fitting(lines: tuple[str, ...], size: int, width: int, most: int) -> tuple[str, ...]:
    """Return at most `most` lines: wrapped while there is room, the last lines (city, country) always kept."""
    wrapped = [part for line in lines for part in wrap(line, size, width)]
    if len(wrapped) <= most:
        return tuple(wrapped)
    plain = [line for line in lines if line]
    return tuple(plain if len(plain) <= most else plain[: most - 2] + plain[-2:])


def _column(x: int, y: int, size: int, width: int, lines: tuple[str, ...]) -> list[Text]:
    step = size + 3 if size < 30 else size
    return [Text(x, y + step * row, size, width, _cut(line, size, width)) for row, line in enumerate(lines)]


def _centre(text: str, size: int) -> int:
    return max(_MARGIN, (WIDTH - _dots(text, size)) // 2)


def _cut(text: str, size: int, width: int) -> str:
    if _dots(text, size) <= width:
        return text
    ends = accumulate(_dots(char, size) for char in text)
    return text[: sum(end <= width for end in ends)]


def _dots(text: str, size: int) -> int:
    """Estimate the printed width: East Asian wide characters are square, others 0.55 as wide as high."""
    narrow = size * 11 // 20
    if text.isascii():
        return len(text) * narrow
    return sum(size if unicodedata.east_asian_width(char) in "WF" else narrow for char in text)
