"""Telephone numbers: the ordinary shapes of five countries at once, all others by libphonenumber's rules."""

from __future__ import annotations

import re

import phonenumbers

__all__ = ["is_possible_phone"]

_NORTH_AMERICA = re.compile(
    r"(?:\+?1[ .-]?)?\(?[2-9]\d{2}\)?[ .-]{0,2}[2-9]\d{2}[ .-]?\d{4}(?: ?(?:x|ext\.?) ?\d{1,6})?", re.IGNORECASE
)
_ORDINARY = {
    "US": _NORTH_AMERICA,
    "CA": _NORTH_AMERICA,
    "GB": re.compile(r"(?:\+44|0044|0)(?:\(0\))?[1-9]\d{8,9}"),
    "DE": re.compile(r"(?:\+49|0049|0)(?:\(0\))?[1-9]\d{5,11}"),
    "FR": re.compile(r"(?:\+33|0033|0)(?:\(0\))?[1-9]\d{8}"),
}
_BETWEEN = str.maketrans("", "", " -./\u2011\u2013\u00a0")


def is_possible_phone(country: str, phone: str) -> bool:
    """Tell whether `phone`, as dialled in `country`, has the length and beginning of a number that could exist."""
    ordinary = _ORDINARY.get(country)
    if ordinary is not None:
        written = phone if ordinary is _NORTH_AMERICA else phone.translate(_BETWEEN)
        if ordinary.fullmatch(written):
            return True
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(phone, country))
    except phonenumbers.NumberParseException:
        return False
