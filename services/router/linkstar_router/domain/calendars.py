"""Business calendars of carriers: when they collect, when they deliver, and the dates a transit time leads to.

A calendar is the holidays of the warehouse's region (for pick-ups) and of the destination's (for deliveries), the carrier's
weekdays, and overrides of single days. Learned transit times will come in as other quantiles for `Calendar.dates`.
"""

from __future__ import annotations

import tomllib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from importlib.resources import files
from typing import Any, NamedTuple

from linkstar_router.domain.closures import FIRST_YEAR, LAST_YEAR, holidays_in

__all__ = ["Calendar", "CalendarBook", "Closure", "Dates", "load_calendars", "read_calendars"]

_REMEMBERED = 4096
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Dates(NamedTuple):
    """Ship date and the dates by which half and nine tenths of such parcels arrive, as day ordinals."""

    ship: int
    p50: int
    p90: int


class Closure(NamedTuple):
    """A day that differs from its weekday, with the reason."""

    day: int
    name: str
    pickup: bool
    delivery: bool


class Calendar:
    """Days on which a carrier collects and delivers, as sorted ordinals; dates beyond the known years give None."""

    def __init__(self, cut_off: time, pickups: Iterable[int], deliveries: Iterable[int]) -> None:
        self._cut_off = cut_off
        self._pickups, self._deliveries = tuple(pickups), tuple(deliveries)
        self._known: dict[tuple[int, tuple[int, int]], Dates | None] = {}

    def ready(self, local: datetime, cut_off: time | None = None) -> int:
        """Return the first day a parcel decided at this local time can be collected, open or not: cut-offs count."""
        return local.toordinal() + (local.time() > (cut_off or self._cut_off))

    def dates(self, ready: int, transit: tuple[int, int]) -> Dates | None:
        """Return the dates of a parcel ready on a day, for transit times p50 and p90 in delivery days."""
        question = (ready, transit)
        if question not in self._known:
            self._known[question] = self._dates(ready, transit)
        return self._known[question]

    def last_safe(self, before: int, transit: tuple[int, int]) -> int | None:
        """Return the last pick-up day from which nine tenths of such parcels arrive before a day."""
        for ship in reversed(self._pickups[: bisect_left(self._pickups, before)]):
            dates = self._dates(ship, transit)
            if dates is not None and dates.p90 < before:
                return ship
        return None

    def open_on(self, day: int) -> tuple[bool, bool]:
        """Return whether the carrier collects and whether it delivers on a day."""
        return day in self._pickups, day in self._deliveries

    def _dates(self, ready: int, transit: tuple[int, int]) -> Dates | None:
        at = bisect_left(self._pickups, ready)
        if at == len(self._pickups):
            return None
        ship = self._pickups[at]
        first = bisect_right(self._deliveries, ship) - 1
        p50, p90 = first + transit[0], first + transit[1]
        return Dates(ship, self._deliveries[p50], self._deliveries[p90]) if p90 < len(self._deliveries) else None


class _Override(NamedTuple):
    """A day on which a carrier does otherwise; an empty region means all."""

    day: int
    region: str
    name: str
    pickup: bool
    delivery: bool


class _Plan(NamedTuple):
    """A carrier's calendar as data: what it does where no region is known, and by which rules."""

    country: str
    region: str
    cut_off: time
    pickup: frozenset[int]
    delivery: frozenset[int]
    closed: tuple[str, ...]
    overrides: tuple[_Override, ...]

    def holidays(self, region: str) -> dict[int, str]:
        """Return the holidays the carrier keeps in a region."""
        return holidays_in(self.country, region or self.region, self.closed)

    def days(self, weekdays: frozenset[int], region: str, field: str) -> list[int]:
        """Return the days open for pick-up or delivery in a region."""
        first, last = date(FIRST_YEAR, 1, 1).toordinal(), date(LAST_YEAR, 12, 31).toordinal()
        closed = self.holidays(region)
        open_days = {day for day in range(first, last + 1) if (day - 1) % 7 in weekdays and day not in closed}
        for override in self.overrides:
            if override.region in ("", region or self.region):
                (open_days.add if getattr(override, field) else open_days.discard)(override.day)
        return sorted(open_days)


class CalendarBook(Mapping[str, Calendar]):
    """Carriers' calendars by name. Those of other regions than the carrier's own are made when asked for, then kept."""

    def __init__(self, plans: Mapping[str, _Plan], cut_offs: Mapping[tuple[str, str], time]) -> None:
        self._plans, self._cut_offs = plans, cut_offs
        self._made: dict[tuple[str, str, str], Calendar] = {}
        self._closures: dict[tuple[str, str], list[Closure]] = {}
        self._on_the_way: dict[tuple[str, Dates], tuple[Closure, ...]] = {}

    def __getitem__(self, name: str) -> Calendar:
        return self.between(name, "", "")

    def __iter__(self) -> Iterator[str]:
        return iter(self._plans)

    def __len__(self) -> int:
        return len(self._plans)

    def between(self, name: str, origin: str, target: str) -> Calendar:
        """Return the calendar of a carrier for parcels from one region to another; empty regions are the carrier's own."""
        key = (name, origin, target)
        if key not in self._made:
            plan = self._plans[name]
            self._made[key] = Calendar(
                plan.cut_off,
                plan.days(plan.pickup, origin, "pickup"),
                plan.days(plan.delivery, target, "delivery"),
            )
        return self._made[key]

    def cut_off(self, name: str, warehouse: str) -> time:
        """Return the local time until which a carrier takes a day's parcels at a warehouse."""
        return self._cut_offs.get((name, warehouse), self._plans[name].cut_off)

    def closures(self, name: str, region: str, since: int, until: int) -> list[Closure]:
        """Return the days of a period on which a carrier does otherwise than on other such weekdays, in a region."""
        known = self._closures.get((name, region))
        if known is None:
            known = self._closures[name, region] = list(self._all_closures(name, region))
        first = bisect_left(known, since, key=lambda closure: closure.day)
        last = bisect_right(known, until, lo=first, key=lambda closure: closure.day)
        return known[first:last]

    def on_the_way(self, name: str, dates: Dates) -> tuple[Closure, ...]:
        """Return the closures between the ship date and the day by which nine of ten parcels are there."""
        known = self._on_the_way.get((name, dates))
        if known is None:
            if len(self._on_the_way) >= _REMEMBERED:
                self._on_the_way.clear()
            found = self.closures(name, "", dates.ship, dates.p90)
            known = self._on_the_way[name, dates] = tuple(
                closure for closure in found if not (closure.pickup and closure.delivery)
            )
        return known

    def _all_closures(self, name: str, region: str) -> Iterator[Closure]:
        plan, calendar = self._plans[name], self.between(name, region, region)
        named = plan.holidays(region) | {
            override.day: override.name for override in plan.overrides
            if override.region in ("", region or plan.region)
        }  # fmt: skip
        for day in sorted(named):
            usual = ((day - 1) % 7 in plan.pickup, (day - 1) % 7 in plan.delivery)
            if calendar.open_on(day) != usual:
                yield Closure(day, named[day], *calendar.open_on(day))


def load_calendars() -> CalendarBook:
    """Return the shipped calendars."""
    text = files("linkstar_router").joinpath("tariffs", "calendars.toml").read_text(encoding="utf-8")
    return read_calendars(text)


def read_calendars(text: str) -> CalendarBook:
    """Return the calendars of a TOML text."""
    data = tomllib.loads(text)
    overrides: dict[str, list[_Override]] = {}
    for spec in data.get("override", ()):
        overrides.setdefault(spec["calendar"], []).append(
            _Override(spec["date"].toordinal(), spec.get("region", ""), spec["name"], spec["pickup"], spec["delivery"])
        )
    cut_offs = {
        (spec["calendar"], spec["warehouse"]): time.fromisoformat(spec["cut_off"]) for spec in data.get("cut_off", ())
    }
    plans = {spec["name"]: _plan(spec, overrides.pop(spec["name"], [])) for spec in data["calendar"]}
    unknown = sorted(overrides.keys() | {name for name, _ in cut_offs} - plans.keys())
    if unknown:
        raise ValueError(
            f"calendars.toml: there is no calendar {unknown[0]!r} to override; name one of {sorted(plans)}"
        )
    return CalendarBook(plans, cut_offs)


def _plan(spec: Mapping[str, Any], overrides: Iterable[_Override]) -> _Plan:
    return _Plan(
        spec["country"], spec["subdivision"], time.fromisoformat(spec["cut_off"]), _weekdays(spec["pickup"]),
        _weekdays(spec["delivery"]), tuple(spec["closed"]), tuple(overrides),
    )  # fmt: skip


def _weekdays(words: str) -> frozenset[int]:
    return frozenset(_DAYS.index(word) for word in words.split())
