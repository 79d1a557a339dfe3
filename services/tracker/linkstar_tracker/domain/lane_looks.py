"""What is seen of each lane at one moment: how many parcels wait where, and how many scans their curves let expect."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from linkstar_performance.outages import ON_THE_ROAD, Course, LaneCourse, Look, Tick
from linkstar_performance.silence import HORIZON_HOURS
from linkstar_tracker.domain.calendars import calendar_of
from linkstar_tracker.domain.incidents import LaneKey, carrier_of
from linkstar_tracker.domain.silences import Expectations

__all__ = ["Standing", "course_document", "course_of", "looks_of", "merged"]

_LEAST = 10
"""Parcels that make a place one of its own."""


class Standing(NamedTuple):
    """Parcels that stand alike: same tenant, lane, status and place, last scanned within the same hour."""

    tenant: str
    lane: str
    status: str
    spot: str
    since: datetime
    under_way: int
    stayed: int

    @property
    def key(self) -> LaneKey:
        return self.tenant, self.lane.partition("|")[0]


def looks_of(standing: Iterable[Standing], expected: Expectations, now: datetime) -> dict[LaneKey, dict[str, Look]]:
    """Return a look at each place of each lane; parcels of which too little is known are left out."""
    counts: defaultdict[LaneKey, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0.0]))
    ages: dict[tuple[str, datetime], float] = {}
    for each in standing:
        curve = expected.curve(f"{each.status}|{each.lane}")
        if curve is None:
            continue
        carrier = carrier_of(each.key)
        if (carrier, each.since) not in ages:
            ages[carrier, each.since] = calendar_of(carrier).between(each.since, now, HORIZON_HOURS)
        age = ages[carrier, each.since]
        count = counts[each.key][each.spot]
        count[0] += each.under_way
        count[1] += each.stayed
        count[2] += each.under_way * curve.ending(age, 1.0)
    return {
        lane: {spot: Look(int(here[0]), int(here[1]), here[2]) for spot, here in spots.items()}
        for lane, spots in counts.items()
    }


def merged(looks: Mapping[str, Look], known: Iterable[str]) -> dict[str, Look]:
    """Return looks in which places with few parcels, unless they are known, stand together."""
    own = set(known)
    found: dict[str, Look] = {}
    for spot, look in looks.items():
        name = spot if spot in own or look.under_way >= _LEAST else ON_THE_ROAD
        before = found.get(name, Look(0, 0, 0.0))
        found[name] = Look(before.under_way + look.under_way, before.stayed + look.stayed, before.ahead + look.ahead)
    return found


def course_document(course: LaneCourse) -> str:
    """Return a lane's course as JSON text."""
    return json.dumps({
        "at": round(course.at, 3), "whole": _told(course.whole), "out": sorted(course.out), "busy": sorted(course.busy),
        "places": {name: _told(each) for name, each in sorted(course.places.items())},
    }, separators=(",", ":"))  # fmt: skip


def course_of(document: str) -> LaneCourse:
    """Return the course that a text of `course_document` tells."""
    told = json.loads(document)
    places = {name: _read(each) for name, each in told["places"].items()}
    return LaneCourse(told["at"], _read(told["whole"]), places, frozenset(told["out"]), frozenset(told["busy"]))


def _told(course: Course) -> list[object]:
    ticks = [[round(number, 3) for number in tick] for tick in course.ticks]
    return [course.under_way, round(course.ahead, 3), ticks]


def _read(told: list[object]) -> Course:
    under_way, ahead, ticks = told
    assert isinstance(under_way, int)  # noqa: S101 - as it was written
    assert isinstance(ahead, int | float)  # noqa: S101
    assert isinstance(ticks, list)  # noqa: S101
    return Course(under_way, ahead, tuple(Tick(*tick) for tick in ticks))
