"""How each field of a rule's conditions is written, and the typed condition that it means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from linkstar_contracts.text import CURRENCY_EXPONENTS
from linkstar_router.domain.areas import postcode_key
from linkstar_router.domain.measures import parse_limit
from linkstar_router.domain.rules.conditions import AnyOf, Between, Condition, Flag, InPostcodes, OneOf, Pattern
from linkstar_router.domain.rules.faults import spelled_like

__all__ = ["CONDITIONS", "LIMITS", "VOCABULARIES", "Unreadable", "day_of", "money", "read_conditions"]


class Unreadable(ValueError):
    """A value that cannot be taken; `args` are code, what is wrong and how to mend it."""


VOCABULARIES: Mapping[str, frozenset[str]] = {
    "level": frozenset({"economy", "standard", "expedited", "next_day"}),
    "kind": frozenset({"order", "return"}),
    "battery": frozenset({"none", "in_equipment", "with_equipment", "standalone"}),
}
"""All values of the fields that have few."""
_TEXTS = ("country", "state", "channel", "warehouse", "level", "kind")
_SETS = ("battery", "sku", "category", "tag")
_FLAGS = ("residential", "po_box", "signature", "insurance", "appointment", "liquid", "hazmat")
LIMITS: Mapping[str, tuple[int, int]] = {
    "weight": (1, parse_limit("weight", "1000000 kg")),
    "longest_side": (1, parse_limit("longest", "100000 in")),
    "length_girth": (1, parse_limit("length_girth", "500000 in")),
    "volume": (1, parse_limit("longest", "100000 in") ** 3),
    "parcels": (1, 20),
    "value": (0, 20 * 10**12),
}
"""The least and the most an order can have, in quanta or minor units."""
_BOUNDS = {"over": (1, 1), "at_least": (1, 0), "under": (-1, 1), "up_to": (-1, 0)}
"""Which side a bound closes, and how far the last value allowed lies inside of it."""
_COUNTRY = re.compile(r"^[A-Z]{2}$")
_PLAIN_NUMBER = re.compile(r"^[0-9]{1,9}(\.[0-9]{1,4})?( |$)")


def read_conditions(when: Mapping[str, Any]) -> Iterator[tuple[str, Condition | Unreadable]]:
    """Return the typed conditions of a rule's `when` in its order, each with its field, or why it cannot be read."""
    for field, value in when.items():
        try:
            for condition in _read(field, value, when):
                yield field, condition
        except Unreadable as unreadable:
            yield field, unreadable


def _read(field: str, value: Any, when: Mapping[str, Any]) -> tuple[Condition, ...]:
    if field not in CONDITIONS:
        raise Unreadable("rules.unknown_field", f"there is no field {field!r}", spelled_like(str(field), CONDITIONS))
    return CONDITIONS[field](field, value, when)


def _text(field: str, value: Any, when: Mapping[str, Any]) -> tuple[Condition, ...]:
    negated, words = _listed(value, "not")
    within = _only_country(field, when) if field == "state" else ""
    values = frozenset(word.upper() if field in ("country", "state") else word for word in words)
    _known_words(field, values)
    return (OneOf(field, values, negated, within),)


def _known_words(field: str, values: frozenset[str]) -> None:
    if field == "country":
        for value in values:
            if not _COUNTRY.match(value):
                raise Unreadable("rules.bad_value", f"{value!r} is no country", "use two letters such as US or GB")
    elif field in VOCABULARIES:
        for value in sorted(values - VOCABULARIES[field]):
            raise Unreadable("rules.bad_value", f"{value!r} is no {field}", spelled_like(value, VOCABULARIES[field]))


def _only_country(field: str, when: Mapping[str, Any]) -> str:
    """Return the one country that `when` names: states and postcodes mean nothing without it."""
    country = when.get("country")
    words = country if isinstance(country, list) else [country]
    if len(words) != 1 or not isinstance(words[0], str):
        fix = "name exactly one country in the same rule, such as country: US"
        raise Unreadable("rules.country_needed", f"{field} without its country", fix)
    return words[0].upper()


def _set(field: str, value: Any, _when: Mapping[str, Any]) -> tuple[Condition, ...]:
    negated, words = _listed(value, "none")
    patterns = sorted({Pattern(word.removesuffix("*"), word.endswith("*")) for word in words})
    if field in VOCABULARIES:
        _known_words(field, frozenset(map(str, patterns)))
    return (AnyOf(field, tuple(patterns), negated),)


def _listed(value: Any, negation: str) -> tuple[bool, list[str]]:
    """Return whether the words are excluded, and the words: one, a list, or a list below `not` or `none`."""
    negated = isinstance(value, dict) and list(value) == [negation]
    given = value[negation] if negated else value
    words = given if isinstance(given, list) else [given]
    if not words:
        raise Unreadable("rules.never_matches", "an empty list fits no order", "name at least one value")
    for word in words:
        if not isinstance(word, str) or not word.strip():
            fix = "write a word or a list of words; NO, 02134 and the like in quotes, or YAML takes them for something else"
            raise Unreadable("rules.not_text", f"{word!r} is no text", fix)
    return negated, [word.strip() for word in words]


def _flag(field: str, value: Any, _when: Mapping[str, Any]) -> tuple[Condition, ...]:
    if not isinstance(value, bool):
        raise Unreadable("rules.bad_value", f"{value!r} is neither true nor false", "write true or false")
    return (Flag(field, value),)


def _postcodes(field: str, value: Any, when: Mapping[str, Any]) -> tuple[Condition, ...]:
    country = _only_country(field, when)
    _, words = _listed(value, "")
    return (InPostcodes(country, tuple(sorted(_span(country, word) for word in words))),)


def _span(country: str, text: str) -> tuple[str, str]:
    first, _, last = (part.strip() for part in text.partition("-"))
    low, high = (postcode_key(country, end.removesuffix("*")) for end in (first, last or first))
    if low > high:
        raise Unreadable("rules.never_matches", f"{text!r} ends before it begins", "write the lower postcode first")
    return low, high


def _number(field: str, value: Any, _when: Mapping[str, Any]) -> tuple[Condition, ...]:
    bounds = value if isinstance(value, dict) else {"": value}
    low, high = LIMITS[field]
    currencies: set[str] = set()
    for word, text in bounds.items():
        if word not in _BOUNDS:
            example = {"parcels": "2", "value": "100.00 USD", "volume": "2 cu ft"}.get(field, "5 lb")
            fix = f"write {field}: {{over: {example}}}; over, at_least, under and up_to may be combined"
            raise Unreadable("rules.bad_bound", f"{word or text!r} is no bound", fix)
        amount, currency = _amount(field, text)
        currencies.add(currency)
        side, inside = _BOUNDS[word]
        if side > 0:
            low = max(low, amount + inside)
        else:
            high = min(high, amount - inside)
    if low > high:
        raise Unreadable("rules.never_matches", "no order lies between these bounds", "lower `over` or raise `up_to`")
    least, most = LIMITS[field]
    between = Between(field, low if low > least else None, high if high < most else None)
    return (_of_currency(currencies), between) if field == "value" else (between,)


def _of_currency(currencies: set[str]) -> OneOf:
    if len(currencies) != 1:
        raise Unreadable("rules.bad_value", "the bounds are in several currencies", "write one rule for each currency")
    return OneOf("currency", frozenset(currencies))


def _amount(field: str, text: Any) -> tuple[int, str]:
    if field == "parcels":
        if not isinstance(text, int) or isinstance(text, bool):
            raise Unreadable("rules.bad_value", f"{text!r} is no number of parcels", "write a whole number")
        return text, ""
    if field == "value":
        return money(text)
    measure = "longest" if field == "longest_side" else field
    try:
        if not _PLAIN_NUMBER.match(text):
            raise ValueError(text)
        return parse_limit(measure, _in_inches(text) if field == "volume" else text), ""
    except (ValueError, TypeError):
        example = {"weight": "5 lb, 80 oz, 2.5 kg or 500 g", "volume": "2 cu ft, 3456 cu in or 60000 cu cm"}.get(field)
        fix = f"write a number and a unit: {example or '48 in, 120 cm or 1200 mm'}"
        raise Unreadable("rules.bad_unit", f"{text!r} is no {field.replace('_', ' ')}", fix) from None


def _in_inches(text: str) -> str:
    number, _, unit = text.partition(" ")
    return f"{Decimal(number) * 1728} cu in" if unit == "cu ft" else text


def money(text: Any) -> tuple[int, str]:
    """Return an amount such as `12.50 USD` in minor units, with its currency; raises Unreadable."""
    number, _, currency = str(text).partition(" ")
    amount = Decimal("0.5")
    if _PLAIN_NUMBER.match(str(text)) and currency in CURRENCY_EXPONENTS:
        amount = Decimal(number).scaleb(CURRENCY_EXPONENTS[currency])
    if amount != amount.to_integral_value():
        fix = "write an amount and its currency, such as 12.50 USD"
        raise Unreadable("rules.bad_amount", f"{text!r} is no amount of money", fix)
    return int(amount), currency


def day_of(value: Any) -> int:
    """Return a date as an ordinal; raises Unreadable."""
    if isinstance(value, date):
        return value.toordinal()
    try:
        return date.fromisoformat(value).toordinal()
    except (TypeError, ValueError):
        raise Unreadable("rules.bad_date", f"{value!r} is no date", "write it as 2026-11-27") from None


_Reader = Callable[[str, Any, Mapping[str, Any]], tuple[Condition, ...]]
CONDITIONS: Mapping[str, _Reader] = {
    **dict.fromkeys(_TEXTS, _text), **dict.fromkeys(_SETS, _set), **dict.fromkeys(_FLAGS, _flag),
    **dict.fromkeys(LIMITS, _number), "postcode": _postcodes,
}  # fmt: skip
"""Every field of `when`, with its reader."""
