"""When a carrier collects at a warehouse: its days, the cut-off of each, and the day a label goes out with.

All is local to the warehouse. The facts are those of the calendar that router decides by; a seller may agree on another
cut-off and on days without a collection.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays

__all__ = ["Collections", "HandOver", "collections_of", "zone_of"]

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MOST_DAYS = 500
"""No carrier stays away that long: how far a day of collection is looked for."""


@dataclass(frozen=True, slots=True)
class Collections:
    """A carrier's usual days and cut-off. With names in `closed` it keeps those public holidays only."""

    country: str
    subdivision: str
    weekdays: frozenset[int]
    cut_off: time
    closed: frozenset[str]

    def open_on(self, day: date) -> bool:
        """Return whether the carrier collects on a day."""
        return day.weekday() in self.weekdays and not self._holiday(day)

    def _holiday(self, day: date) -> bool:
        name = _holidays(self.country, self.subdivision, day.year).get(day) if self.country else None
        if name is None:
            return False
        return not self.closed or any(part.removesuffix(" (observed)") in self.closed for part in name.split("; "))


@dataclass(frozen=True, slots=True)
class HandOver:
    """How a seller's parcels leave one warehouse with one carrier."""

    collections: Collections
    zone: ZoneInfo
    cut_off: time
    closed_on: frozenset[date] = frozenset()

    def open_on(self, day: date) -> bool:
        """Return whether parcels are collected on a day."""
        return day not in self.closed_on and self.collections.open_on(day)

    def cut_off_on(self, day: date) -> datetime:
        """Return the last instant at which a label still goes out on a day."""
        return datetime.combine(day, self.cut_off, self.zone)

    def local_day(self, at: datetime) -> date:
        """Return the warehouse's date at an instant."""
        return at.astimezone(self.zone).date()

    def day_of(self, at: datetime) -> date:
        """Return the day with which a label made at an instant goes out: today before the cut-off, else the next."""
        today = self.local_day(at)
        return self._first(today if at <= self.cut_off_on(today) else today + timedelta(days=1))

    def closing_day(self, at: datetime) -> date:
        """Return the day somebody means who closes at an instant: today when parcels are collected, else the next."""
        return self._first(self.local_day(at))

    def last_cut_off(self, at: datetime) -> datetime:
        """Return the newest cut-off that is not after an instant."""
        today = self.local_day(at)
        last = next(day for day in _days(today, -1) if self.open_on(day) and self.cut_off_on(day) <= at)
        return self.cut_off_on(last)

    def next_cut_off(self, at: datetime) -> datetime:
        """Return the first cut-off after an instant."""
        today = self.local_day(at)
        passed = at >= self.cut_off_on(today)
        return self.cut_off_on(self._first(today + timedelta(days=int(passed))))

    def _first(self, day: date) -> date:
        return next(each for each in _days(day, 1) if self.open_on(each))


def collections_of(carrier: str) -> Collections:
    """Return a carrier's usual days and cut-off: its own, or those for every other."""
    known = _collections()
    return known.get(carrier) or known["*"]


def _days(first: date, step: int) -> Iterator[date]:
    return (first + timedelta(days=step * ahead) for ahead in range(_MOST_DAYS))


@cache
def _holidays(country: str, subdivision: str, year: int) -> dict[date, str]:
    return dict(holidays.country_holidays(country, subdiv=subdivision or None, years=year))


@cache
def _collections() -> dict[str, Collections]:
    text = files("linkstar_labeler").joinpath("facts/collections.csv").read_text("utf-8")
    return {row["carrier"]: _collection(row) for row in csv.DictReader(text.splitlines())}


def _collection(row: dict[str, str]) -> Collections:
    weekdays = frozenset(_WEEKDAYS.index(word) for word in row["weekdays"].split())
    closed = frozenset(name for name in row["closed"].split(";") if name)
    return Collections(row["country"], row["subdivision"], weekdays, time.fromisoformat(row["cut_off"]), closed)


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name; raises ValueError for one that does not exist."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("is no IANA time zone") from error
