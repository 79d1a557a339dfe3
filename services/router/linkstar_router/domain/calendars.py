"""Business calendars of carriers: when they collect, when they deliver, and the dates a transit time leads to."""

from __future__ import annotations

import tomllib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import date, datetime, time
from importlib.resources import files
from typing import NamedTuple

import holidays

__all__ = ["Calendar", "Dates", "load_calendars"]

FIRST_YEAR, LAST_YEAR = 2025, 2032
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Dates(NamedTuple):
    """Ship date and the dates by which half and nine tenths of such parcels arrive, as day ordinals."""

    ship: int
    p50: int
    p90: int


class Calendar:
    """Days on which a carrier collects and delivers, as sorted ordinals; dates beyond the known years give None."""

    def __init__(self, cut_off: time, pickups: Iterable[int], deliveries: Iterable[int]) -> None:
        self._cut_off = cut_off
        self._pickups, self._deliveries = tuple(pickups), tuple(deliveries)
        self._known: dict[tuple[int, tuple[int, int]], Dates | None] = {}

    def ready(self, local: datetime) -> int:
        """Return the first day a parcel decided at this local time can be collected, open or not: cut-offs count."""
        return local.toordinal() + (local.time() > self._cut_off)

    def dates(self, ready: int, transit: tuple[int, int]) -> Dates | None:
        """Return the dates of a parcel ready on a day, for transit times p50 and p90 in delivery days."""
        question = (ready, transit)
        if question not in self._known:
            self._known[question] = self._dates(ready, transit)
        return self._known[question]

    def _dates(self, ready: int, transit: tuple[int, int]) -> Dates | None:
        at = bisect_left(self._pickups, ready)
        if at == len(self._pickups):
            return None
        ship = self._pickups[at]
        first = bisect_right(self._deliveries, ship) - 1
        p50, p90 = first + transit[0], first + transit[1]
        return Dates(ship, self._deliveries[p50], self._deliveries[p90]) if p90 < len(self._deliveries) else None


def load_calendars() -> dict[str, Calendar]:
    """Return the shipped calendars by name."""
    text = files("linkstar_router").joinpath("tariffs", "calendars.toml").read_text(encoding="utf-8")
    return {spec["name"]: _compile(spec) for spec in tomllib.loads(text)["calendar"]}


def _compile(spec: dict[str, str | list[str]]) -> Calendar:
    closed = _closed(str(spec["country"]), str(spec["subdivision"]) or None, list(spec["closed"]))
    return Calendar(
        time.fromisoformat(str(spec["cut_off"])),
        _open_days(str(spec["pickup"]), closed),
        _open_days(str(spec["delivery"]), closed),
    )


def _closed(country: str, subdivision: str | None, names: list[str]) -> frozenset[int]:
    found = holidays.country_holidays(country, subdiv=subdivision, years=range(FIRST_YEAR, LAST_YEAR + 1))
    return frozenset(
        day.toordinal()
        for day, name in found.items()
        if not names or any(part.removesuffix(" (observed)") in names for part in name.split("; "))
    )


def _open_days(weekdays: str, closed: frozenset[int]) -> list[int]:
    first, last = date(FIRST_YEAR, 1, 1).toordinal(), date(LAST_YEAR, 12, 31).toordinal()
    wanted = {_DAYS.index(word) for word in weekdays.split()}
    return [day for day in range(first, last + 1) if (day - 1) % 7 in wanted and day not in closed]
