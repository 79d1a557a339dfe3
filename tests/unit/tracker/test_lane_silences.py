"""What parcels teach about their lanes, and how a learned limit takes the place of a row of the watch rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from unit.tracker.tracked_facts import LABELLED, label, scan

from linkstar_contracts.events import ExceptionRaised, TrackingStatus
from linkstar_performance.silence import BINS
from linkstar_performance.thresholds import Patience
from linkstar_tracker.domain.calendars import CarrierCalendar, calendar_of
from linkstar_tracker.domain.foresight import Foresight
from linkstar_tracker.domain.lessons import Broken, Lesson, given_up, heard_of_again, lesson_of, summed, thinned
from linkstar_tracker.domain.meanings import StatusMap
from linkstar_tracker.domain.policies import SellerPolicy
from linkstar_tracker.domain.shipment import Rules, Shipment
from linkstar_tracker.domain.silences import Expectation, Expectations, Learned, Trust, expect
from linkstar_tracker.domain.timeline import Timeline
from linkstar_tracker.domain.watch import WatchRules

LANE = "fedex US-US|ground|"
TRUST = Trust(silences=200, days=21, least_hours=24, most_hours=168)
MONDAY = datetime(2026, 6, 8, 15, tzinfo=UTC)


def moving(hours: float, status: TrackingStatus = TrackingStatus.IN_TRANSIT) -> Timeline:
    return Timeline(status=status, accepted_at=MONDAY, last_scan_at=MONDAY + timedelta(hours=hours))


def test_a_silence_is_counted_on_the_carriers_clock_under_the_milestone_it_followed() -> None:
    over_sunday = Broken(moving(96), moving(96 + 72, TrackingStatus.OUT_FOR_DELIVERY))
    assert lesson_of(over_sunday, "fedex", LANE) == Lesson(f"in_transit|{LANE}", 8, ended=1)
    on_sundays_too = lesson_of(over_sunday, "no-such-carrier", LANE)
    assert on_sundays_too
    assert on_sundays_too.step == 12


def test_arrival_ends_a_silence_and_is_counted_as_such_with_the_weight_of_what_it_stands_for() -> None:
    arrived = Broken(moving(2), moving(9, TrackingStatus.DELIVERED))
    assert lesson_of(arrived, "fedex", LANE, weight=3) == Lesson(f"in_transit|{LANE}", 1, ended=3, arrived=3)


@pytest.mark.parametrize(
    "broken",
    [
        Broken(moving(9), moving(9)),
        Broken(Timeline(), moving(9)),
        Broken(Timeline(status=TrackingStatus.PENDING, last_scan_at=MONDAY), moving(9)),
        Broken(moving(9), Timeline()),
    ],
    ids=["late", "first", "before-acceptance", "retracted"],
)
def test_what_is_no_silence_of_a_moving_parcel_teaches_nothing(broken: Broken) -> None:
    assert lesson_of(broken, "fedex", LANE) is None


def test_giving_up_is_taken_back_when_the_parcel_is_heard_of_again() -> None:
    late, early = moving(30), moving(10, TrackingStatus.HELD)
    lost = given_up([late, early, Timeline(), moving(1, TrackingStatus.DELIVERED)], LANE)
    assert lost == Lesson(f"held|{LANE}", BINS, lost=1)
    assert heard_of_again(Broken(early, late), LANE) == Lesson(f"held|{LANE}", BINS, lost=-1)
    assert given_up([Timeline()], LANE) is None


def test_large_batches_are_thinned_and_lessons_summed() -> None:
    assert [thinned(count) for count in (0, 1, 100, 101, 1_500)] == [1, 1, 1, 2, 15]
    one, two = Lesson("a|", 1, 2, 1), Lesson("a|", 2, lost=-1)
    assert summed([(3, one), (1, one), (3, two), (3, one)]) == [
        (1, one), (3, Lesson("a|", 1, 4, 2)), (3, two)
    ]  # fmt: skip


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(MOMENTS, st.floats(0, 300))
def test_between_is_the_other_way_round_of_after(start: datetime, hours: float) -> None:
    calendar = calendar_of("usps")
    assert calendar.between(start, calendar.after(start, hours), 480) == pytest.approx(hours, abs=1e-6)


def test_between_stops_counting_and_never_runs_backwards() -> None:
    assert CarrierCalendar("UTC", 7).between(datetime(1990, 1, 1, tzinfo=UTC), MONDAY, 480) == 480
    assert calendar_of("ups").between(MONDAY, MONDAY - timedelta(hours=5), 480) == 0


def counts(per_step: float = 100, lost: float = 4, lane: str = f"in_transit|{LANE}") -> list[Learned]:
    """Silences that last 0 to 24 hours, all alike."""
    return [*(Learned(lane, step, per_step, 10, 0) for step in range(4)), Learned(lane, BINS, 0, 0, lost)]


def expectations(**trust: float) -> Expectations:
    return expect(counts(), Patience(wait_hours=30, least=0.2), TRUST._replace(**trust))


def test_a_limit_follows_from_what_was_seen() -> None:
    expected = expectations().of(f"in_transit|{LANE}")
    assert expected
    assert 21 < expected.usual_hours < 24 <= expected.limit_hours < 40
    assert expected.lost > 0.8, "on this lane nothing takes longer than a day"


def test_limits_stay_within_their_bounds() -> None:
    wide = expectations(least_hours=60, most_hours=168).of(f"in_transit|{LANE}")
    narrow = expectations(least_hours=1, most_hours=10).of(f"in_transit|{LANE}")
    assert wide
    assert narrow
    assert (wide.limit_hours, narrow.limit_hours) == (60, 10)
    assert narrow.lost < 0.05 < wide.lost, "the chance told is that at the limit told"


def test_little_history_is_not_trusted() -> None:
    known = expectations()
    assert known.of(f"in_transit|{LANE}5") is not None, "another zone of the same service"
    assert known.of("in_transit|fedex US-US|express|") is None
    assert known.of(f"held|{LANE}") is None
    assert expectations(silences=405).of(f"in_transit|{LANE}") is None


def test_a_zone_may_hold_the_sign_between_names() -> None:
    assert expect(counts(lane=f"in_transit|{LANE}a|b"), Patience(30), TRUST).of(f"in_transit|{LANE}a|b") is not None


def test_a_budget_of_alerts_makes_wait() -> None:
    """One silence in ten of these ends by arrival, so twenty alerts per thousand parcels are two per thousand silences."""
    slow = [Learned(f"in_transit|{LANE}", step, 1_000 * 0.6**step, 100 * 0.6**step, 0) for step in range(20)]
    seen = [*slow, Learned(f"in_transit|{LANE}", BINS, 0, 0, 2)]
    usual = expect(seen, Patience(wait_hours=20), TRUST)
    thresholds = [usual.threshold_within(budget) for budget in (1000, 60, 30, 20, 1)]
    assert thresholds == sorted(thresholds)
    assert thresholds[0] == usual.threshold < thresholds[2] < thresholds[4]
    lane = f"in_transit|{LANE}"
    ordinary, patient = usual.of(lane), usual.of(lane, 20)
    assert ordinary
    assert patient
    assert patient.limit_hours > ordinary.limit_hours
    assert expect(seen, Patience(wait_hours=20), TRUST, 20).of(lane) == patient


@pytest.mark.parametrize("budget", [40, 20, 10])
def test_a_budget_holds_even_where_silences_outlast_every_usual_limit(budget: int) -> None:
    """A tenth of these parcels take one to three weeks; each has one silence. Without a budget limits end at 168 hours."""
    lane, parcels, lost = f"in_transit|{LANE}", 10_000, 5
    slow = [Learned(lane, step, 0.1 * parcels / 50, 0.1 * parcels / 50, 0) for step in range(25, 75)]
    seen = [Learned(lane, 2, 0.9 * parcels, 0.9 * parcels, 0), *slow, Learned(lane, BINS, 0, 0, lost)]

    def alerts(expected: Expectations, per_1000: int | None) -> float:
        found = expected.of(lane, per_1000)
        assert found
        late = sum(each.ended for each in slow if (each.step + 0.5) * 6 > found.limit_hours)
        return (late + lost) * 1000 / (parcels + lost)

    usual = expect(seen, Patience(wait_hours=80), TRUST)
    assert alerts(usual, None) > 40
    within = budget * 1.1  # silences are counted in bins of six hours
    assert alerts(usual, budget) <= within
    assert alerts(expect(seen, Patience(wait_hours=80), TRUST, budget), None) <= within
    assert usual.of(lane, 1000) == usual.of(lane), "who can bear more does not wait longer"


def test_more_taken_back_than_given_up_counts_as_none() -> None:
    assert expect(counts(lost=-3), Patience(30), TRUST).of(f"in_transit|{LANE}") is not None


KNOWN = Expectation(limit_hours=41.28, usual_hours=20.4, lost=0.12)


class Oracle(Expectations):
    """Knows one lane."""

    def __init__(self) -> None:
        self.asked: set[tuple[str, int | None]] = set()

    def of(self, lane: str, per_1000: int | None = None) -> Expectation | None:
        self.asked.add((lane, per_1000))
        return KNOWN if lane == f"in_transit|{LANE}" else None


def followed(code: str = "IT") -> tuple[Shipment, Rules]:
    rules = Rules(StatusMap.shipped(), WatchRules.shipped(), Foresight(Oracle()))
    shipment = Shipment("demo", "s-1", "s-1", 3)
    shipment.label_created(label(), rules, LABELLED)
    shipment.record(scan("PU", 3), rules, LABELLED + timedelta(hours=3))
    shipment.record(scan(code, 10), rules, LABELLED + timedelta(hours=10))
    return shipment, rules


def test_a_parcel_is_watched_by_its_lane_and_the_exception_says_why() -> None:
    shipment, rules = followed()
    due = shipment.watch_due_at(rules)
    assert due == LABELLED + timedelta(hours=10 + 41.28)
    assert shipment.watch(rules, due - timedelta(minutes=1)) == []
    [raised] = shipment.watch(rules, due)
    assert isinstance(raised, ExceptionRaised)
    assert raised.detail == (
        "Parcel 1: no scan since 2026-06-09 01:00 UTC, limit 41.28 h of working days; "
        "95 % on its lane are scanned within 20 h, lost with 12%"
    )


def test_a_limit_that_becomes_longer_takes_nothing_back_but_a_scan_answers() -> None:
    shipment, rules = followed()
    assert len(shipment.watch(rules, LABELLED + timedelta(hours=52))) == 1
    rules.foresight.expectations = None
    assert shipment.watch(rules, LABELLED + timedelta(hours=53)) == []
    answered = shipment.record(scan("OD", 54), rules, LABELLED + timedelta(hours=54))
    assert [e.state.value for e in answered if isinstance(e, ExceptionRaised)] == ["resolved"]


def test_a_stage_nothing_is_known_of_keeps_its_row() -> None:
    shipment, rules = followed("OD")
    assert shipment.watch_due_at(rules) == LABELLED + timedelta(hours=10 + 96)


def test_acceptance_and_loss_are_not_judged_by_the_lane() -> None:
    rules = Rules(StatusMap.shipped(), WatchRules.shipped(), Foresight(Oracle()))
    shipment = Shipment("demo", "s-1", "s-1", 3)
    shipment.label_created(label(), rules, LABELLED)
    assert shipment.watch_due_at(rules) == LABELLED + timedelta(hours=72)
    shipment, rules = followed()
    raised = shipment.watch(rules, LABELLED + timedelta(hours=300))
    assert [e.detail.partition("limit ")[2] for e in raised if isinstance(e, ExceptionRaised)][1] == "240 h"


def wanting(**policy: object) -> Rules:
    rules = Rules(StatusMap.shipped(), WatchRules.shipped(), Foresight(Oracle()))
    rules.policies.renew({"demo": SellerPolicy.model_validate(policy)}, (1, 1))
    return rules


def rule(**changes: object) -> dict[str, object]:
    return {"code": "track.silent", "stage": "movement", "hours": 12} | changes


@pytest.mark.parametrize(
    ("changes", "hours"),
    [({}, 12), ({"carrier": "fedex"}, 12), ({"carrier": "ups"}, 41.28), ({"stage": "pickup"}, 41.28),
     ({"kind": "return"}, 41.28), ({"code": "track.lost", "hours": 20}, 20)],
    ids=["any", "own-carrier", "other-carrier", "other-stage", "other-kind", "lost"],
)  # fmt: skip
def test_a_sellers_row_goes_before_what_is_learned(changes: dict[str, object], hours: float) -> None:
    shipment, _ = followed()
    due = shipment.watch_due_at(wanting(rules=[rule(**changes)]))
    assert due == LABELLED + timedelta(hours=10 + hours)


def test_a_sellers_row_raises_its_code_once_and_leaves_the_others() -> None:
    shipment, _ = followed()
    rules = wanting(rules=[rule()])
    raised = shipment.watch(rules, LABELLED + timedelta(hours=300))
    assert [(e.code.value, e.detail.partition("limit ")[2]) for e in raised if isinstance(e, ExceptionRaised)] == [
        ("track.silent", "12 h"), ("track.lost", "240 h")
    ]  # fmt: skip


def test_a_sellers_rows_are_nobody_elses() -> None:
    shipment, _ = followed()
    shipment.tenant = "other"
    assert shipment.watch_due_at(wanting(rules=[rule()])) == LABELLED + timedelta(hours=10 + 41.28)


def test_a_sellers_budget_is_asked_for() -> None:
    shipment, _ = followed()
    rules = wanting(alerts_per_1000=15)
    shipment.watch_due_at(rules)
    assert isinstance(rules.foresight.expectations, Oracle)
    assert rules.foresight.expectations.asked == {(f"in_transit|{LANE}", 15)}


@pytest.mark.parametrize(
    "policy",
    [{"rules": [rule(), rule(hours=9)]}, {"rules": [rule(code="track.damaged")]}, {"rules": [rule(hours=0)]},
     {"rules": [rule(stage="sleep")]}, {"alerts_per_1000": 0}, {"alerts": 5}, {"rules": [rule()] * 101}],
)  # fmt: skip
def test_a_policy_that_means_nothing_is_refused(policy: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SellerPolicy.model_validate(policy)
