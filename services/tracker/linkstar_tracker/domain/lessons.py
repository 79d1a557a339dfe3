"""What parcels' silences teach about their lanes: each one that ends, each that never seems to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from linkstar_performance.silence import BINS, HORIZON_HOURS, bin_of
from linkstar_tracker.domain.calendars import calendar_of
from linkstar_tracker.domain.timeline import TERMINAL, Timeline

__all__ = [
    "ARRIVAL", "Broken", "Lesson", "arrival_of", "given_up", "heard_of_again", "lane_key", "lesson_of", "summed", "thinned",
]  # fmt: skip

_MOST_LESSONS = 100

ARRIVAL = "arrival"
"""Stands for the stage where the whole way from acceptance to arrival is counted."""


class Broken(NamedTuple):
    """A silence that a scan has ended: where the parcel stood, and where it stands now."""

    before: Timeline
    after: Timeline


class Lesson(NamedTuple):
    """What is counted of a lane's silences of one length: how many ended, how many of them by the parcel's arrival, and how
    many are given up as never ending.
    """

    lane: str
    step: int
    ended: int = 0
    arrived: int = 0
    lost: int = 0


def lane_key(timeline: Timeline, lane: str) -> str:
    """Return the name under which a parcel's present silence is counted."""
    return f"{timeline.status.value}|{lane}"


def lesson_of(broken: Broken, carrier: str, lane: str, weight: int = 1) -> Lesson | None:
    """Return what a broken silence teaches; nothing when its scan came late, or the parcel had not begun to move."""
    before, after = broken
    if before.last_scan_at is None or before.accepted_at is None or after.last_scan_at is None:
        return None
    if after.last_scan_at <= before.last_scan_at:
        return None
    hours = calendar_of(carrier).between(before.last_scan_at, after.last_scan_at, HORIZON_HOURS)
    return Lesson(lane_key(before, lane), bin_of(hours), weight, weight if after.status in TERMINAL else 0)


def arrival_of(broken: Broken, carrier: str, lane: str, weight: int = 1) -> Lesson | None:
    """Return how long a parcel took from acceptance to arrival; nothing unless this scan was its delivery."""
    before, after = broken
    if before.delivered_at or after.delivered_at is None or after.accepted_at is None:
        return None
    hours = calendar_of(carrier).between(after.accepted_at, after.delivered_at, HORIZON_HOURS)
    return Lesson(f"{ARRIVAL}|{lane}", bin_of(hours), weight, weight)


def given_up(timelines: Iterable[Timeline], lane: str) -> Lesson | None:
    """Return what a shipment teaches that counts as lost from now on: its parcel silent for longest."""
    moving = [
        (each.last_scan_at, lane_key(each, lane))
        for each in timelines
        if each.accepted_at and each.last_scan_at and each.status not in TERMINAL
    ]
    return Lesson(min(moving)[1], BINS, lost=1) if moving else None


def heard_of_again(broken: Broken, lane: str) -> Lesson:
    """Take back what was counted when the parcel was given up."""
    return Lesson(lane_key(broken.before, lane), BINS, lost=-1)


def thinned(silences: int) -> int:
    """Return for how many silences one is counted, with their weight, so that no batch counts many more than a hundred."""
    return max(1, -(-silences // _MOST_LESSONS))


def summed(lessons: Iterable[tuple[int, Lesson]]) -> list[tuple[int, Lesson]]:
    """Return one lesson per shard, lane and length, in sorted order."""
    ended, arrived, lost = (
        Counter[tuple[int, str, int]](),
        Counter[tuple[int, str, int]](),
        Counter[tuple[int, str, int]](),
    )
    for shard, lesson in lessons:
        key = shard, lesson.lane, lesson.step
        ended[key] += lesson.ended
        arrived[key] += lesson.arrived
        lost[key] += lesson.lost
    return [(key[0], Lesson(*key[1:], ended[key], arrived[key], lost[key])) for key in sorted(ended)]
