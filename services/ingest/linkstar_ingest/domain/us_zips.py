"""The United States ZIP table, read once: state, city names and kind of every five-digit ZIP."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import zipcodes

__all__ = ["UsZip", "city_key", "has_one_receiver", "us_zips"]

_NOT_LETTERS = re.compile(r"[^a-z]+")
_ABBREVIATIONS = {"saint": "st", "fort": "ft", "mount": "mt", "north": "n", "south": "s", "east": "e", "west": "w"}


@dataclass(frozen=True, slots=True)
class UsZip:
    """One ZIP. `cities` holds the preferred city and all known aliases as `city_key`s."""

    state: str
    cities: frozenset[str]
    kind: str


def city_key(city: str) -> str:
    """Return `city` in the form in which names compare: letters only, usual abbreviations applied."""
    words = _NOT_LETTERS.sub(" ", city.lower().replace("'", "")).split()
    return "".join(_ABBREVIATIONS.get(word, word) for word in words)


@lru_cache(maxsize=1)
def us_zips() -> dict[str, UsZip]:
    """Return the table. The first call takes about a second: services call it before they take work."""
    rows: list[dict[str, Any]] = zipcodes.list_all()  # type: ignore[no-untyped-call]
    return {row["zip_code"]: _zip(row) for row in rows}


def has_one_receiver(country: str, postcode: str) -> bool:
    """Tell whether a ZIP belongs to a single organisation."""
    known = us_zips().get(postcode[:5]) if country == "US" else None
    return known is not None and known.kind == "UNIQUE"


def _zip(row: Mapping[str, Any]) -> UsZip:
    names = (row["city"], *row["acceptable_cities"], *row["unacceptable_cities"])
    return UsZip(state=row["state"], cities=frozenset(map(city_key, names)), kind=row["zip_code_type"])
