"""Carriers' working days: a parcel is not silent because Sunday or Christmas passed."""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import holidays

__all__ = ["CarrierCalendar", "calendar_of", "lasting"]

_HOUR = timedelta(hours=1)
_DAYS_AHEAD = 30
_WEEKDAYS = {"Mon-Fri": 5, "Mon-Sat": 6, "Mon-Sun": 7}


class CarrierCalendar:
    """The days on which one carrier moves parcels, in its own time zone."""

    def __init__(self, zone: str, weekdays: int, country: str = "", subdivision: str | None = None) -> None:
        self._zone = ZoneInfo(zone)
        self._weekdays = weekdays
        self._days: dict[int, tuple[bool, datetime]] = {}
        self._ahead: dict[int, list[tuple[timedelta, datetime]]] = {}
        self._holidays: Mapping[date, str] = holidays.country_holidays(country, subdivision) if country else {}

    def works(self, day: date) -> bool:
        """True when the carrier moves parcels on this local date."""
        return day.weekday() < self._weekdays and day not in self._holidays

    def day_of(self, moment: datetime) -> date:
        """Return the date on which the moment falls in the carrier's time zone."""
        return moment.astimezone(self._zone).date()

    def end_of(self, day: date) -> datetime:
        """Return the UTC instant at which a local date ends."""
        return self._day(day.toordinal())[1]

    def after(self, start: datetime, hours: float) -> datetime:
        """Return the UTC instant at which `hours` have passed on working days; the clock stands still on others."""
        moment, left = start.astimezone(UTC), lasting(hours)
        day = moment.astimezone(self._zone).toordinal()
        works, midnight = self._day(day)
        if works:
            if moment + left <= midnight:
                return moment + left
            left -= midnight - moment
        ahead = self._days_ahead(day)
        at = bisect_left(ahead, (left,))
        if at == len(ahead):
            passed, end = ahead[-1]
            return self.after(end, (left - passed) / _HOUR)
        passed, end = ahead[at]
        return end - (passed - left)

    def between(self, start: datetime, end: datetime, most: float) -> float:
        """Return how many hours passed on working days, or `most` when it were more; 0 when the end comes first."""
        moment, passed, longest = start, timedelta(), timedelta(hours=most)
        day = start.astimezone(self._zone).toordinal()
        while moment < end and passed < longest:
            works, midnight = self._day(day)
            if works:
                passed += min(end, midnight) - moment
            moment, day = midnight, day + 1
        return min(passed, longest) / _HOUR

    def _days_ahead(self, ordinal: int) -> list[tuple[timedelta, datetime]]:
        """Return the working days after a local date: the working time until each has ended, and its end."""
        if ordinal not in self._ahead:
            self._ahead[ordinal] = ahead = []
            passed, (_, begin) = timedelta(), self._day(ordinal)
            for day in range(ordinal + 1, ordinal + 1 + _DAYS_AHEAD):
                works, end = self._day(day)
                if works:
                    passed += end - begin
                    ahead.append((passed, end))
                begin = end
        return self._ahead[ordinal]

    def _day(self, ordinal: int) -> tuple[bool, datetime]:
        """Tell whether a local date is worked on, and the UTC instant at which it ends."""
        if ordinal not in self._days:
            day = date.fromordinal(ordinal)
            midnight = datetime.combine(day + timedelta(days=1), time(), self._zone).astimezone(UTC)
            self._days[ordinal] = (self.works(day), midnight)
        return self._days[ordinal]


@lru_cache(maxsize=10_000)
def lasting(hours: float) -> timedelta:
    """Return so many hours; there are few different ones."""
    return timedelta(hours=hours)


_EVERY_DAY = CarrierCalendar("UTC", 7)


@lru_cache(maxsize=1)
def _calendars() -> dict[str, CarrierCalendar]:
    table = files("linkstar_tracker.domain").joinpath("carrier_calendars.csv").read_text("utf-8")
    return {
        row["carrier"]: CarrierCalendar(
            row["timezone"], _WEEKDAYS[row["working_days"]], row["country"], row["subdivision"] or None
        )
        for row in csv.DictReader(table.splitlines())
    }


def calendar_of(carrier: str) -> CarrierCalendar:
    """Return the carrier's calendar; every day counts for a carrier without one."""
    return _calendars().get(carrier, _EVERY_DAY)
