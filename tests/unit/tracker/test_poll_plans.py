"""When parcels are asked for: by what their lanes show, never past a budget, the most urgent first."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkstar_carriers.tracking import TRACKED
from linkstar_contracts.events import TrackingStatus
from linkstar_performance.silence import BINS
from linkstar_performance.thresholds import Patience
from linkstar_tracker.domain.foresight import foresee
from linkstar_tracker.domain.polling import (
    GIVEN_UP,
    SAFETY_NET,
    Followed,
    Poll,
    PollBudget,
    Polling,
    PollStage,
    retry_after,
    usual_wait,
)
from linkstar_tracker.domain.silences import Learned, Trust
from linkstar_tracker.domain.timeline import Timeline

S = TrackingStatus
MONDAY = datetime(2026, 6, 8, 15, tzinfo=UTC)
LANE = "fedex US-US|ground|5"


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def followed(status: TrackingStatus, scanned: datetime | None = MONDAY, told: bool = False) -> Followed:
    accepted = None if status is S.PENDING else scanned
    timeline = Timeline(status=status, accepted_at=accepted, last_scan_at=scanned)
    return Followed("fedex", LANE, timeline, MONDAY, told)


def wait(parcel: Followed, asked_at: datetime | None = None, polling: Polling | None = None) -> timedelta:
    plan = (polling or Polling()).plan(parcel, asked_at)
    assert plan is not None
    return plan.due_at - plan.known_at


@pytest.mark.parametrize("status", [S.DELIVERED, S.RETURNED, S.CANCELLED])
def test_nobody_asks_for_a_parcel_that_has_arrived(status: TrackingStatus) -> None:
    assert Polling().plan(followed(status), None) is None


def test_a_tour_is_followed_by_the_hour_and_a_return_is_not() -> None:
    tour = wait(followed(S.OUT_FOR_DELIVERY)), wait(followed(S.OUT_FOR_DELIVERY), MONDAY + hours(30))
    assert hours(0.5) <= tour[0] < hours(1) < tour[1] <= hours(1.5)
    assert wait(followed(S.RETURN_TO_SENDER)) > wait(followed(S.IN_TRANSIT)) > hours(1.5)


def test_long_silence_is_asked_for_ever_more_rarely_and_in_the_end_no_more() -> None:
    parcel, asked, gaps = followed(S.IN_TRANSIT), MONDAY, []
    polling = Polling()
    while (plan := polling.plan(parcel, asked)) is not None:
        gaps.append(plan.due_at - asked)
        asked = plan.due_at
    assert asked - MONDAY > GIVEN_UP
    assert gaps[0] < hours(6)
    assert max(gaps[:3]) < min(gaps[-3:])
    assert len(gaps) < GIVEN_UP / hours(2) / 4


def test_a_new_scan_starts_the_count_anew() -> None:
    scanned = MONDAY + hours(50)
    plan = Polling().plan(followed(S.IN_TRANSIT, scanned), asked_at=MONDAY + hours(40))
    assert plan is not None
    assert plan.known_at == scanned
    assert plan.due_at - scanned == wait(followed(S.IN_TRANSIT, MONDAY))


def test_what_the_carrier_tells_by_itself_is_asked_for_as_a_safety_net_only() -> None:
    assert wait(followed(S.IN_TRANSIT, told=True)) == SAFETY_NET
    assert wait(followed(S.OUT_FOR_DELIVERY, told=True)) == SAFETY_NET


def test_days_without_work_do_not_count() -> None:
    saturday_night = datetime(2026, 6, 14, 3, 30, tzinfo=UTC)
    friday, saturday = (
        wait(followed(S.IN_TRANSIT, at)._replace(carrier="usps"))
        for at in (saturday_night - timedelta(days=1), saturday_night)
    )
    assert friday < hours(3)
    assert saturday == hours(24)


def lane(name: str, ends: dict[int, float]) -> list[Learned]:
    return [Learned(f"in_transit|{name}", step, count, 0.0, 0.0) for step, count in ends.items()]


def test_lanes_are_asked_for_by_what_they_usually_show() -> None:
    quick, slow = "fedex US-US|express|1", "fedex US-US|economy|8"
    counts = lane(quick, {0: 900.0, 1: 100.0}) + lane(slow, {8: 700.0, 9: 300.0})
    polling = Polling(foresee(counts, Patience(80.0, 0.35), Trust(50.0, 0, 24.0, 168.0)))
    parcel = followed(S.IN_TRANSIT)
    early, late = (wait(parcel._replace(lane=name), polling=polling) for name in (quick, slow))
    assert early <= hours(3)
    assert late > hours(20)
    unknown = wait(parcel._replace(carrier="ups", lane="ups US-US|ground|2"), polling=polling)
    assert unknown == wait(parcel._replace(carrier="ups"))


def test_lost_parcels_are_worth_fewer_calls() -> None:
    ended = lane(LANE, dict.fromkeys(range(4), 100.0))
    sound = Polling(foresee(ended, Patience(80.0, 0.35), Trust(50.0, 0, 24.0, 168.0)))
    leaky = Polling(
        foresee([*ended, Learned(f"in_transit|{LANE}", BINS, 0.0, 0.0, 200.0)], Patience(80.0, 0.35),
                Trust(50.0, 0, 24.0, 168.0))
    )  # fmt: skip
    asked = MONDAY + hours(22)
    assert wait(followed(S.IN_TRANSIT), asked, leaky) > wait(followed(S.IN_TRANSIT), asked, sound)


@given(st.floats(0, 2000), st.floats(0.05, 12), st.floats(1, 100))
def test_usual_wait_is_when_news_is_expected_to_have_gone_unseen_for_as_long_as_is_bearable(
    age: float, bearable: float, usual: float
) -> None:
    d = usual_wait(PollStage(usual, bearable, 1, 24), age)
    steps = 2000
    scale = usual + age
    unseen = sum(1 - (scale / (scale + d * (step + 0.5) / steps)) ** 2 for step in range(steps)) * d / steps
    assert unseen == pytest.approx(bearable, rel=0.01)


@settings(max_examples=60)
@given(st.integers(1, 5000), st.sampled_from([60, 3600, 86_400]), st.lists(st.floats(0, 0.2), max_size=120))
def test_no_period_sees_more_calls_than_allowed_wherever_it_begins(calls: int, per_s: int, pauses: list[float]) -> None:
    budget = PollBudget(calls, per_s)
    at, left, made = 0.0, budget.burst, [(0.0, 0)]
    for pause in pauses:
        at, left = at + pause * per_s, budget.filled(left, pause * per_s)
        take = int(left)
        left -= take
        made.append((at, take))
    for begin, _ in made:
        assert sum(count for moment, count in made if begin <= moment < begin + per_s) <= calls


def test_the_more_urgent_goes_first() -> None:
    tour = Poll(MONDAY, MONDAY + hours(1))
    way_back = Poll(MONDAY, MONDAY + hours(20))
    now = MONDAY + hours(21)
    assert tour.urgency(now) > way_back.urgency(now) > 1
    assert Poll(MONDAY, MONDAY).urgency(MONDAY) == 0


def test_retries_back_off() -> None:
    waits = [retry_after(failures) for failures in range(1, 40)]
    assert waits[0] == timedelta(minutes=5)
    assert all(later >= earlier for earlier, later in pairwise(waits))
    assert waits[-1] == hours(6)


def test_every_polled_carrier_has_a_budget_with_its_source() -> None:
    assert set(PollBudget.shipped()) == set(TRACKED)
    for table in ("poll_budgets.csv", "poll_stages.csv"):
        rows = csv.DictReader(files("linkstar_tracker.domain").joinpath(table).read_text("utf-8").splitlines())
        assert all(row["source"] for row in rows)
