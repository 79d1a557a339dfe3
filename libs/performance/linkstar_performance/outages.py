"""Places and lanes that stop scanning: a cumulative sum of expected against seen scans, whole working days at a time.

A day is compared with a day because carriers sort at night and deliver by daylight: within one hour nothing can be expected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import log
from typing import NamedTuple

__all__ = ["BUSY_SHARE", "ON_THE_ROAD", "WHOLE_LANE", "Course", "LaneCourse", "Look", "Suspicion", "Tick"]

WHOLE_LANE = "*"
BUSY_SHARE = 0.1
"""A place with so much of its lane's scans is where parcels on the road may well be going."""
ON_THE_ROAD = ""
"""Stands for the parcels that wait at no place, and those of places with few."""
_DAY_H = 24.0


class Look(NamedTuple):
    """What there is to see of a place at one moment."""

    under_way: int
    """Parcels that were last scanned there."""
    stayed: int
    """Those of the look before that no scan has told of since."""
    ahead: float
    """How many of those under way are expected to be scanned within the next working hour."""


class Tick(NamedTuple):
    """The scans that were expected and seen up to a moment on the carrier's working clock, and the sum that came of it."""

    at: float
    expected: float
    seen: float
    score: float


class Suspicion(NamedTuple):
    """When too few scans are called an outage, and when it is over."""

    share: float = 0.2
    """Of the expected scans, seen during an outage: what the sum tells from ordinary days."""
    dispersion: float = 3.0
    """How much more the scans of a day vary than independent ones: they come by the truck."""
    alarm: float = 10.0
    recovered: float = 0.7
    """Share of a day's expected scans with which an outage is over."""
    concentrated: float = 0.7
    """Share of a lane's missing scans that makes one place the cause."""

    def evidence(self, expected: float, seen: float) -> float:
        """Return the logarithm of how much likelier so few scans are in an outage than on an ordinary day."""
        return (expected * (1 - self.share) - seen * log(1 / self.share)) / self.dispersion


@dataclass(frozen=True, slots=True)
class Course:
    """The last working day of a place or a lane, look by look."""

    under_way: int = 0
    ahead: float = 0.0
    ticks: tuple[Tick, ...] = ()

    @property
    def score(self) -> float:
        """The cumulative sum by now."""
        return self.ticks[-1].score if self.ticks else 0.0

    @property
    def expected(self) -> float:
        """Scans expected within the last working day."""
        return sum(tick.expected for tick in self._day())

    @property
    def seen(self) -> float:
        """Scans seen within the last working day."""
        return sum(tick.seen for tick in self._day())

    @property
    def missing(self) -> float:
        """Scans expected within the last working day, and not seen."""
        return self.expected - self.seen

    def after(self, at: float, hours: float, look: Look, suspicion: Suspicion) -> Course:
        """Return the course after a look, so many working hours after the one before."""
        share = 1 - (1 - min(self.ahead / self.under_way, 1.0)) ** hours if self.under_way else 0.0
        told = self.told(at, self.under_way * share, max(self.under_way - look.stayed, 0), suspicion)
        return replace(told, under_way=look.under_way, ahead=look.ahead)

    def told(self, at: float, expected: float, seen: float, suspicion: Suspicion) -> Course:
        """Return the course with one more tick. The sum goes on from the one a working day earlier; before there is one,
        nothing is suspected.
        """
        before = [tick for tick in self.ticks if tick.at <= at - _DAY_H]
        day = [tick for tick in self.ticks if tick.at > at - _DAY_H]
        score = 0.0
        if before:
            whole = expected + sum(tick.expected for tick in day)
            news = suspicion.evidence(whole, seen + sum(tick.seen for tick in day))
            score = max(0.0, before[-1].score + news)
        return replace(self, ticks=(*before[-1:], *day, Tick(at, expected, seen, score)))

    def begun_anew(self) -> Course:
        """Return the course with its sum at nothing."""
        return replace(self, ticks=tuple([tick._replace(score=0.0) for tick in self.ticks]))

    def _day(self) -> Iterable[Tick]:
        return (tick for tick in self.ticks if tick.at > self.ticks[-1].at - _DAY_H)


@dataclass(frozen=True, slots=True)
class LaneCourse:
    """A lane with the places on it, and where it is out at present: places, or the whole lane."""

    at: float = 0.0
    whole: Course = field(default_factory=Course)
    places: Mapping[str, Course] = field(default_factory=dict)
    out: frozenset[str] = frozenset()
    busy: frozenset[str] = frozenset()
    """Places that are out through which so much of the lane passed that parcels on the road may well wait for them."""

    @property
    def silent(self) -> frozenset[str]:
        """Whose scans are not missed on the rest of the lane."""
        return self.out | {ON_THE_ROAD} if self.busy else self.out

    def course(self, name: str) -> Course:
        """Return the course of a place, or of the whole lane."""
        return self.whole if name == WHOLE_LANE else self.places.get(name, Course())

    def looked_at(self, hours: float, looks: Mapping[str, Look], suspicion: Suspicion) -> LaneCourse:
        """Return the lane after a look at all its places, so many working hours after the one before."""
        at, gone = self.at + hours, Look(0, 0, 0.0)
        places = {
            name: self.places.get(name, Course()).after(at, hours, looks.get(name, gone), suspicion)
            for name in sorted(self.places.keys() | looks.keys())
        }
        heard = [course.ticks[-1] for name, course in places.items() if name not in self.silent]
        whole = self.whole.told(
            at, sum(tick.expected for tick in heard), sum(tick.seen for tick in heard), suspicion
        )  # fmt: skip
        kept = {
            name: course for name, course in places.items() if name in self.out or course.expected > 0 or name in looks
        }
        return LaneCourse(at, whole, kept, self.out, self.busy)._judged(suspicion)

    def share(self, place: str) -> float:
        """Return which part of the lane's expected scans are those of a place."""
        everywhere = sum(course.expected for course in self.places.values())
        return self.course(place).expected / everywhere if everywhere else 0.0

    def _judged(self, suspicion: Suspicion) -> LaneCourse:
        over = frozenset(name for name in self.out if self._over(name, suspicion))
        if over:
            return self._relieved(over)
        newly = self._newly(suspicion)
        busy = self.busy | {name for name in newly - {WHOLE_LANE} if self.share(name) >= BUSY_SHARE}
        found = replace(self, out=self.out | newly, busy=busy)
        return replace(found, whole=found._rest()) if newly - {WHOLE_LANE} else found

    def _relieved(self, over: frozenset[str]) -> LaneCourse:
        """Return the lane after outages that are over: what is held against them is forgotten."""
        everywhere = WHOLE_LANE in over
        places = {
            name: course.begun_anew() if everywhere or name in over else course for name, course in self.places.items()
        }
        relieved = replace(self, places=places, out=self.out - over, busy=self.busy - over)
        return replace(relieved, whole=relieved._rest())

    def _over(self, name: str, suspicion: Suspicion) -> bool:
        course = self.course(name)
        return course.seen >= suspicion.recovered * course.expected

    def _newly(self, suspicion: Suspicion) -> frozenset[str]:
        """What an alarm is about: one place if most of the lane's missing scans are missing there, else the whole lane."""
        if WHOLE_LANE in self.out:
            return frozenset()
        places = {name: course for name, course in self.places.items() if name not in self.out | {ON_THE_ROAD}}
        if self.whole.score < suspicion.alarm:
            return frozenset(name for name, course in places.items() if course.score >= suspicion.alarm)
        worst = max(places, key=lambda name: places[name].missing, default=WHOLE_LANE)
        if places and places[worst].missing >= suspicion.concentrated * self.whole.missing:
            return frozenset({worst})
        return frozenset({WHOLE_LANE})

    def _rest(self) -> Course:
        """Return the course of the lane as if the places that are out had never belonged to it; its sum begins anew."""
        summed: dict[float, tuple[float, float]] = {}
        for name, course in self.places.items():
            for tick in course.ticks if name not in self.silent else ():
                expected, seen = summed.get(tick.at, (0.0, 0.0))
                summed[tick.at] = expected + tick.expected, seen + tick.seen
        ticks = [Tick(at, *counts, 0.0) for at, counts in sorted(summed.items())]
        return Course(ticks=tuple(ticks))
