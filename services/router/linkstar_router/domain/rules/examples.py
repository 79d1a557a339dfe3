"""Turns a box into an order that lies in it: as plain as the box allows, told in the words rules are written in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import islice, product
from typing import Any, NamedTuple

from linkstar_contracts.text import CURRENCY_EXPONENTS
from linkstar_router.domain.measures import LENGTHS, WEIGHTS
from linkstar_router.domain.rules.boxes import Box
from linkstar_router.domain.rules.facts import FIELDS, NOWHERE, Facts
from linkstar_router.domain.rules.space import Axis, Numbers, Places, Space, Texts, Word
from linkstar_router.domain.rules.vocabulary import VOCABULARIES

__all__ = ["example_in", "told"]

_INCH, _POUND = LENGTHS["in"], WEIGHTS["lb"]
_USUAL: Mapping[str, int] = {
    "weight": 2 * _POUND, "longest_side": 10 * _INCH, "length_girth": 34 * _INCH, "volume": 320 * _INCH**3,
    "parcels": 1, "value": 2500, "day": 739_000, "residential": 1,
}  # fmt: skip
_ROUND: Mapping[str, tuple[int, ...]] = {
    "weight": (_POUND, WEIGHTS["oz"], WEIGHTS["kg"], WEIGHTS["g"], _POUND // 10**4),
    "longest_side": (_INCH, LENGTHS["cm"], _INCH // 10**3), "length_girth": (_INCH, LENGTHS["cm"], _INCH // 10**3),
    "volume": (_INCH**3, LENGTHS["cm"] ** 3), "value": (100,),
}  # fmt: skip
"""Steps in which people state an amount, the usual one first."""
_OTHER: Mapping[str, str] = {"country": "ZZ", "state": "ZZ", "currency": "CHF"}
_SIZES = ("longest_side", "length_girth", "volume")
_TRIES = 400


def example_in(space: Space, box: Box) -> Facts | None:
    """Return an order in the box, or None when no parcel could have such measures or contents."""
    given: dict[str, Any] = {}
    words: dict[str, set[str]] = {}
    numbers: dict[str, list[tuple[int, int]]] = {}
    for axis, cells in zip(space.axes, box, strict=True):
        if isinstance(axis, Word):
            if cells == 2:
                words.setdefault(axis.field, set()).add(axis.pattern.text)
        elif isinstance(axis, Numbers):
            numbers[axis.field] = [axis.span(cell) for cell in _cells(cells)]
        elif _holds_here(axis, given):
            given[axis.field] = _plain_text(axis, cells)
            if isinstance(axis, Places) and not given[axis.field]:
                return None
    for field, found in words.items():
        given[field] = frozenset(found)
    return _measured(given, numbers) if _has_contents(space, box, given) else None


def _cells(mask: int) -> Iterator[int]:
    return (place for place in range(mask.bit_length()) if mask >> place & 1)


def _holds_here(axis: Axis, given: Mapping[str, Any]) -> bool:
    """True unless the axis is about the states or postcodes of another country; the country's axis comes first."""
    home = axis.country if isinstance(axis, Places) else axis.within if isinstance(axis, Texts) else ""
    return not home or given["country"] == home


def _plain_text(axis: Axis, mask: int) -> str:
    cells = list(_cells(mask))
    if isinstance(axis, Places):
        return next((code for cell in cells if (code := _postcode(axis, cell))), "")
    assert isinstance(axis, Texts)  # noqa: S101 - words and numbers are told elsewhere
    usual = getattr(NOWHERE, axis.field) or "US"
    known = [axis.values[cell] for cell in cells if cell < len(axis.values)]
    if usual in known or not known:
        return usual if usual in known else _OTHER.get(axis.field, "another")
    return known[0]


def _postcode(axis: Places, cell: int) -> str:
    """Return a postcode key of a cell, or nothing where no postcode lies between its ends."""
    start = axis.starts[cell]
    code = _after(start[:-1]) if start.endswith("\uffff") else start or "0"
    return code if code and bisect_right(axis.starts, code) == cell + 1 else ""


def _after(prefix: str) -> str:
    """Return the first postcode behind all that begin with a prefix, or nothing."""
    if prefix.isdigit():
        following = str(int(prefix) + 1).zfill(len(prefix))
        return following if len(following) == len(prefix) else ""
    kept = prefix.rstrip("Z")
    return kept[:-1] + ("A" if kept[-1] == "9" else chr(ord(kept[-1]) + 1)) if kept else ""


def _has_contents(space: Space, box: Box, given: dict[str, Any]) -> bool:
    """Give the order the plainest battery class that the box leaves open; False when it closes all of them."""
    if given.get("battery"):
        return True
    absent = {
        axis.pattern.text for axis, cells in zip(space.axes, box, strict=True)
        if isinstance(axis, Word) and axis.field == "battery" and cells == 1
    }  # fmt: skip
    left = sorted(VOCABULARIES["battery"] - absent, key=lambda word: (word != "none", word))
    given["battery"] = frozenset(left[:1])
    return bool(left)


def _measured(given: dict[str, Any], numbers: Mapping[str, list[tuple[int, int]]]) -> Facts | None:
    for field, spans in numbers.items():
        if field not in _SIZES:
            given[field] = _plain_number(field, spans)
            if field in FIELDS[7:14]:
                given[field] = bool(given[field])
    several = len(given["battery"]) > 1
    if several and given.get("parcels", 2) < len(given["battery"]):
        low, high = numbers.get("parcels", [(1, 20)])[-1]
        if high < len(given["battery"]):
            return None
        given["parcels"] = max(low, len(given["battery"]))
    given.setdefault("parcels", len(given["battery"]))
    for field in _USUAL.keys() - {"day", *_SIZES}:
        given.setdefault(field, _USUAL[field] if field != "residential" else True)
    sizes = _sizes(numbers, given["parcels"] > 1)
    return None if sizes is None else NOWHERE._replace(**{"currency": "USD", **given}, **sizes)


def _plain_number(field: str, spans: list[tuple[int, int]]) -> int:
    return next(iter(_candidates(field, spans)))


def _candidates(field: str, spans: list[tuple[int, int]]) -> Iterator[int]:
    """Return numbers of the spans, the plainest first: the usual one, round ones, the ends."""
    usual = _USUAL.get(field, 0)
    if any(low <= usual <= high for low, high in spans):
        yield usual
    for step in (*_ROUND.get(field, ()), 1):
        ends = [
            end for low, high in spans for end in (-(-low // step) * step, high // step * step) if low <= end <= high
        ]
        yield from sorted(ends, key=lambda end: abs(end - usual))


class _Sizes(NamedTuple):
    longest_side: int
    length_girth: int
    volume: int


def _sizes(numbers: Mapping[str, list[tuple[int, int]]], several: bool) -> dict[str, Any] | None:
    """Return measures that parcels can have together, or None."""
    spans = {field: numbers.get(field) for field in _SIZES}
    if not any(spans.values()):
        return {field: _USUAL[field] for field in _SIZES}
    longest = list(_lengths("longest_side", spans["longest_side"], spans["length_girth"]))
    girths = list(_lengths("length_girth", spans["length_girth"], spans["longest_side"]))
    volumes = spans["volume"] or [(1, 10**60)]
    for length, girth in islice(product(longest, girths), _TRIES):
        least, most = _volumes(length, girth, several)
        fitting = [(max(low, least), min(high, most)) for low, high in volumes if max(low, least) <= min(high, most)]
        if fitting:
            return _Sizes(length, girth, _plain_number("volume", fitting))._asdict()
    return None


def _lengths(field: str, own: list[tuple[int, int]] | None, other: list[tuple[int, int]] | None) -> Iterator[int]:
    """Return candidates of one length; a free one takes the proportions that other bounds can need."""
    if own is not None:
        yield from _candidates(field, own)
        return
    yield _USUAL[field]
    for low, high in other or [(1, 100_000 * _INCH)]:
        for end in (low, high):
            yield from (end * 3, end * 5) if field == "length_girth" else (end * 3 // 5, -(-end // 5), end // 3)
    yield from (number * _INCH for number in (48, 100, 1000, 5000, 20_000))


def _volumes(length: int, girth: int, several: bool) -> tuple[int, int]:
    """Return the least and the greatest volume of a parcel of this length, and of this length and girth together."""
    if not length < girth <= 5 * length:
        return 1, 0
    half = (girth - length) // 2
    most = length * (half // 2) * (half - half // 2)
    least = length if half <= length or several else length * length * (half - length)
    return least, most


def told(facts: Facts, fields: Iterable[str]) -> dict[str, str]:
    """Return the fields of an order that matter, in words a rule could use."""
    return {field: _word(field, getattr(facts, field), facts) for field in FIELDS if field in {"country", *fields}}


def _word(field: str, value: Any, facts: Facts) -> str:
    match field:
        case "weight":
            return _amount(value, WEIGHTS, ("lb", "oz", "kg", "g"))
        case "longest_side" | "length_girth":
            return _amount(value, LENGTHS, ("in", "cm", "mm"))
        case "volume":
            return f"{_decimal(value, _INCH**3)} cu in"
        case "value":
            return f"{Decimal(value).scaleb(-CURRENCY_EXPONENTS[facts.currency])} {facts.currency}"
        case "day":
            return date.fromordinal(value).isoformat()
    if isinstance(value, frozenset):
        return ", ".join(sorted(value)) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _amount(quanta: int, units: Mapping[str, int], order: tuple[str, ...]) -> str:
    unit = next((unit for unit in order if quanta % units[unit] == 0), order[0])
    return f"{_decimal(quanta, units[unit])} {unit}"


def _decimal(quanta: int, unit: int) -> str:
    return f"{(Decimal(quanta) / unit).quantize(Decimal('0.0001')).normalize():f}"
