"""Public holidays by country and region, with their names."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

import holidays

__all__ = ["FIRST_YEAR", "LAST_YEAR", "holidays_in"]

FIRST_YEAR, LAST_YEAR = 2025, 2032


@cache
def _all(country: str, region: str) -> dict[int, str]:
    found = holidays.country_holidays(country, subdiv=region or None, years=range(FIRST_YEAR, LAST_YEAR + 1))
    return {day.toordinal(): name for day, name in sorted(found.items())}


def holidays_in(country: str, region: str, names: Collection[str] = ()) -> dict[int, str]:
    """Return the holidays by day (ordinal); with `names` only those, observed on whatever day they are."""
    return {
        day: name for day, name in _all(country, region).items()
        if not names or any(part.removesuffix(" (observed)") in names for part in name.split("; "))
    }  # fmt: skip
