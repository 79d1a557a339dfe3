"""Places and lanes that stop scanning: the sum of missing scans, whom it blames, and when it is over."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkstar_performance.outages import WHOLE_LANE, Course, LaneCourse, Look, Suspicion

SUSPICION = Suspicion()
DAYS = 3


def steady(parcels: int, hourly: float, scanned: bool = True) -> Look:
    """A place where as many parcels come as go; when nothing is scanned, all of them stay."""
    return Look(parcels, parcels - round(parcels * hourly) if scanned else parcels, parcels * hourly)


def lived(course: LaneCourse, hours: int, **places: Look) -> LaneCourse:
    for _ in range(hours):
        course = course.looked_at(1.0, places, SUSPICION)
    return course


def hours_until_out(course: LaneCourse, **places: Look) -> int:
    for hour in range(1, 24 * 14):
        course = course.looked_at(1.0, places, SUSPICION)
        if course.out:
            return hour
    raise AssertionError("never")


USUAL = {"memphis": steady(100, 0.1), "reno": steady(100, 0.1), "laredo": steady(100, 0.1)}


def test_ordinary_days_arouse_no_suspicion() -> None:
    course = lived(LaneCourse(), 24 * 10, **USUAL)
    assert course.out == frozenset()
    assert course.whole.score == 0
    assert course.course("memphis").expected == pytest.approx(240, rel=0.01)
    assert course.share("memphis") == pytest.approx(1 / 3)


def test_nothing_is_suspected_before_a_day_was_seen() -> None:
    assert lived(LaneCourse(), 24, memphis=steady(10_000, 0.1, scanned=False)).whole.score == 0


def test_a_place_that_stops_is_blamed_alone_within_a_day() -> None:
    course = lived(LaneCourse(), 24 * DAYS, **USUAL)
    stopped = USUAL | {"memphis": steady(100, 0.1, scanned=False)}
    assert 12 <= hours_until_out(course, **stopped) <= 24
    assert lived(course, 24, **stopped).out == {"memphis"}


def test_a_lane_that_stops_is_one_outage_and_not_one_for_each_place() -> None:
    course = lived(LaneCourse(), 24 * DAYS, **USUAL)
    stopped = {name: steady(100, 0.1, scanned=False) for name in USUAL}
    course = lived(course, 48, **stopped)
    assert course.out == {WHOLE_LANE}
    assert course.course(WHOLE_LANE).missing > 500


def test_few_parcels_take_longer_and_never_a_day_to_forget() -> None:
    few = {"memphis": steady(20, 0.1), "reno": steady(20, 0.1)}
    course = lived(LaneCourse(), 24 * DAYS, **few)
    assert hours_until_out(course, **few | {"memphis": steady(20, 0.1, scanned=False)}) > hours_until_out(
        lived(LaneCourse(), 24 * DAYS, **USUAL), **USUAL | {"memphis": steady(100, 0.1, scanned=False)}
    )


def test_an_outage_is_over_when_a_days_scans_are_seen_again() -> None:
    out = lived(lived(LaneCourse(), 24 * DAYS, **USUAL), 36, **USUAL | {"memphis": steady(100, 0.1, scanned=False)})
    again = lived(out, 12, **USUAL)
    assert again.out == {"memphis"}, "half a day is not enough"
    assert lived(out, 24, **USUAL).out == frozenset()
    assert lived(out, 24 * 5, **USUAL).out == frozenset(), "and does not begin anew"


def test_a_place_nobody_waits_at_any_more_is_no_outage() -> None:
    out = lived(lived(LaneCourse(), 24 * DAYS, **USUAL), 36, **USUAL | {"memphis": steady(100, 0.1, scanned=False)})
    rest = {name: look for name, look in USUAL.items() if name != "memphis"}
    course = lived(out, 24 * 3, **rest)
    assert course.out == frozenset()
    assert "memphis" not in course.places


def test_parcels_without_a_place_count_for_the_lane_alone() -> None:
    course = lived(LaneCourse(), 24 * DAYS, **{"": steady(300, 0.1)})
    assert lived(course, 48, **{"": steady(300, 0.1, scanned=False)}).out == {WHOLE_LANE}


def test_a_rest_day_neither_expects_nor_accuses() -> None:
    course = lived(LaneCourse(), 24 * DAYS, **USUAL)
    still = course.looked_at(0.0, {name: steady(100, 0.1, scanned=False) for name in USUAL}, SUSPICION)
    assert still.whole.score == 0
    assert still.whole.expected == course.whole.expected


FEW = settings(max_examples=25)
COUNTS = st.lists(st.tuples(st.floats(0, 200), st.floats(0, 200)), min_size=1, max_size=60)


def summed(counts: list[tuple[float, float]], more: float = 0.0) -> Course:
    course = Course()
    for hour, (expected, seen) in enumerate(counts, 1):
        course = course.told(hour * 1.0, expected, seen + more, SUSPICION)
    return course


@FEW
@given(COUNTS, st.floats(0, 50))
def test_more_scans_are_never_more_suspicious(counts: list[tuple[float, float]], more: float) -> None:
    assert 0 <= summed(counts, more).score <= summed(counts).score + 1e-9


@FEW
@given(COUNTS)
def test_only_a_day_and_the_sum_before_it_are_kept(counts: list[tuple[float, float]]) -> None:
    course = summed(counts)
    assert len(course.ticks) <= 25
    assert course.expected == pytest.approx(sum(expected for expected, _ in counts[-24:]))


@FEW
@given(st.dictionaries(st.sampled_from(["a", "b", "c", ""]), st.integers(0, 300), min_size=1), st.data())
def test_whatever_is_seen_at_most_one_thing_is_blamed_at_a_time_for_a_lane(
    places: Mapping[str, int], data: st.DataObject
) -> None:
    course = LaneCourse()
    for _ in range(data.draw(st.integers(24, 40))):
        scanned = data.draw(st.booleans())
        course = course.looked_at(1.0, {name: steady(count, 0.2, scanned) for name, count in places.items()}, SUSPICION)
        assert course.out <= course.places.keys() | {WHOLE_LANE}
        assert all(each.score >= 0 for each in course.places.values())
