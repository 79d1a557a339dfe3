"""The aggregate: whatever the arrival order of labels, voids and scans, one state; versions dense; alarms that answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from unit.tracker.tracked_facts import LABELLED, NUMBERS, label, scan, void

from linkstar_contracts.event import Event
from linkstar_contracts.events import (
    ExceptionRaised,
    LabelCreated,
    LabelVoided,
    ShipmentUpdated,
    TrackingUpdated,
)  # fmt: skip
from linkstar_tracker.domain.disputes import Denial, denied, dispute_of
from linkstar_tracker.domain.label import TrackedLabel
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.domain.shipment import Rules, Shipment

RULES = Rules.shipped()


def empty() -> Shipment:
    return Shipment("demo", "s-1", "s-1", 0)


def apply(shipment: Shipment, fact: LabelCreated | LabelVoided | Scan, hours: float = 0) -> list[Event]:
    now = LABELLED + timedelta(hours=hours)
    if isinstance(fact, LabelCreated):
        return shipment.label_created(fact, RULES, now)
    if isinstance(fact, LabelVoided):
        return shipment.label_voided(fact, RULES, now)
    return shipment.record(fact, RULES, now)


def follow(*facts: LabelCreated | LabelVoided | Scan) -> tuple[Shipment, list[Event]]:
    shipment = empty()
    return shipment, [event for fact in facts for event in apply(shipment, fact)]


def state(shipment: Shipment) -> tuple[object, ...]:
    latest = shipment.current(RULES, LABELLED)
    shown = latest.model_dump(exclude={"version"}) if latest else None
    opened = {alarm.code for alarm in shipment.alarms.values() if alarm.open}
    return shown, shipment.parcels(RULES), shipment.label_version, shipment.voided, opened, shipment.watch_due_at(RULES)


def told(events: Sequence[Event]) -> list[str]:
    return [event.status.value for event in events if isinstance(event, TrackingUpdated)]


def raised(events: Sequence[Event]) -> list[tuple[str, int, str]]:
    return [(e.exception_id, e.version, e.state.value) for e in events if isinstance(e, ExceptionRaised)]


DELIVERED = scan("DL", 50)
FACTS = (
    label(1), void(2), label(3, NUMBERS), scan("PU", 3), scan("OD", 48), DELIVERED, scan("IT", 30, number=NUMBERS[1]),
    scan("DL", 51, retracts=DELIVERED), scan("DE", 49), scan("??", 60), scan("PU", 2, number="449044304137899"),
)  # fmt: skip


@settings(max_examples=300)
@given(st.permutations(FACTS), st.lists(st.sampled_from(FACTS), max_size=4))
def test_every_arrival_order_ends_in_the_same_state(order: list[LabelCreated | LabelVoided | Scan],
                                                    again: list[LabelCreated | LabelVoided | Scan]) -> None:  # fmt: skip
    shipment, events = follow(*order, *again)
    assert state(shipment) == state(follow(*FACTS)[0])
    versions = [event.version for event in events if isinstance(event, TrackingUpdated)]
    assert versions == list(range(1, len(versions) + 1))


def test_a_repeated_fact_causes_nothing() -> None:
    shipment, _ = follow(label(), scan("PU", 3))
    assert apply(shipment, label()) == apply(shipment, scan("PU", 3)) == apply(shipment, void(1)) == []


def test_each_scan_is_told_once_and_a_late_one_does_not_turn_the_clock_back() -> None:
    _, events = follow(label(), scan("PU", 3), scan("OD", 48), scan("IT", 20))
    assert told(events) == ["pending", "accepted", "out_for_delivery", "out_for_delivery"]


def test_scans_before_the_label_are_told_with_it_in_order_of_time() -> None:
    _, events = follow(scan("OD", 48), scan("PU", 3), label())
    assert told(events) == ["pending", "accepted", "out_for_delivery"]


def test_a_void_cancels_and_stops_the_watch_but_a_moving_parcel_is_followed() -> None:
    shipment, events = follow(label(), void())
    assert told(events) == ["pending", "cancelled"]
    assert shipment.watch_due_at(RULES) is None
    assert told(apply(shipment, scan("PU", 3))) == ["accepted"]


def test_a_label_that_comes_after_its_void_stays_void() -> None:
    shipment, events = follow(void(), label())
    assert told(events) == ["cancelled"]
    assert shipment.voided


def test_a_scan_that_changes_nothing_is_kept_but_not_told() -> None:
    delivered, retraction = scan("DL", 50), scan("DL", 51, retracts=scan("DL", 50))
    shipment, events = follow(label(), retraction, delivered)
    assert told(events) == ["pending"]
    assert len(shipment.scans) == 2


def test_a_retraction_is_told_as_one() -> None:
    _, events = follow(label(), scan("PU", 3), DELIVERED, scan("DL", 51, retracts=DELIVERED))
    last = events[-1]
    assert isinstance(last, TrackingUpdated)
    assert (last.status.value, last.delivered, last.retraction) == ("accepted", False, True)


def test_a_parcel_without_a_number_is_announced_when_it_has_one() -> None:
    shipment, events = follow(label(1, ["pending"]))
    assert events == []
    assert told(apply(shipment, label(2))) == ["pending"]


def test_attempts_open_and_resolve_and_recur_under_a_new_id() -> None:
    _, events = follow(
        label(), scan("PU", 3), scan("DE", 10), scan("AR", 12), scan("OD", 30), scan("DE", 34), scan("DL", 60)
    )
    assert raised(events) == [
        ("track.delivery_failed.s-1", 1, "open"), ("track.delivery_failed.s-1", 2, "resolved"),
        ("track.delivery_failed.s-1~~2", 1, "open"), ("track.delivery_failed.s-1~~2", 2, "resolved"),
    ]  # fmt: skip


def test_what_recurs_is_not_taken_for_the_first_of_another_order() -> None:
    _, events = follow(label(), scan("PU", 3), scan("DE", 10), scan("OD", 30), scan("DE", 34))
    other = Shipment("demo", "s-1.2", "s-1.2", 0)
    theirs = [each for fact in (label(order="s-1.2"), scan("PU", 3), scan("DE", 10)) for each in apply(other, fact)]
    assert len({name for name, _, _ in raised(events)}) == 2
    assert not {name for name, _, _ in raised(events)} & {name for name, _, _ in raised(theirs)}


@pytest.mark.parametrize(
    ("code", "exception"),
    [("SIM-DM", "damaged"), ("DY", "held"), ("RS", "return_to_sender"), ("DE", "delivery_failed")],
)
def test_trouble_is_raised_and_delivery_answers_it(code: str, exception: str) -> None:
    shipment, events = follow(label(), scan("PU", 3), scan(code, 10))
    assert raised(events) == [(f"track.{exception}.s-1", 1, "open")]
    back = "SIM-RT" if code == "RS" else "DL"
    assert raised(apply(shipment, scan(back, 40))) == [(f"track.{exception}.s-1", 2, "resolved")]


def test_silence_becomes_loss_and_the_next_scan_answers_both() -> None:
    shipment, _ = follow(label(), scan("PU", 1))
    hours_until = [97.0, 241.0]
    for hours in hours_until:
        due = shipment.watch_due_at(RULES)
        assert due is not None
        assert due == LABELLED + timedelta(hours=hours)
        shipment.watch(RULES, due)
    assert shipment.watch_due_at(RULES) is None
    answered = raised(apply(shipment, scan("AR", 250), 250))
    assert answered == [("track.silent.s-1", 2, "resolved"), ("track.lost.s-1", 2, "resolved")]


def test_no_acceptance_is_raised_once_and_answered_by_the_first_scan() -> None:
    shipment, _ = follow(label())
    late = LABELLED + timedelta(hours=73)
    assert raised(shipment.watch(RULES, late)) == [("track.no_acceptance.s-1", 1, "open")]
    assert shipment.watch(RULES, late) == []
    assert raised(apply(shipment, scan("PU", 80), 80)) == [("track.no_acceptance.s-1", 2, "resolved")]


def test_a_backlog_of_old_scans_raises_no_silence() -> None:
    shipment, _ = follow(label())
    assert raised(apply(shipment, scan("PU", 1), 500)) == []


def test_one_silent_parcel_of_two_is_noticed() -> None:
    shipment, _ = follow(label(1, NUMBERS), scan("PU", 1), scan("DL", 30), scan("PU", 2, number=NUMBERS[1]))
    [silent] = shipment.watch(RULES, LABELLED + timedelta(hours=99))
    assert isinstance(silent, ExceptionRaised)
    assert silent.detail.startswith("Parcel 2: no scan since 2026-06-08 17:00 UTC")


class Following(RuleBasedStateMachine):
    """Random lives of a shipment: whatever happens, versions are dense and nothing is told twice."""

    def __init__(self) -> None:
        super().__init__()
        self.shipment, self.hours, self.labels = empty(), 0.0, 0
        self.events: list[Event] = []

    def tell(self, fact: LabelCreated | LabelVoided | Scan) -> None:
        self.events += apply(self.shipment, fact, self.hours)

    @rule(hours=st.floats(0.5, 120))
    def time_passes(self, hours: float) -> None:
        self.hours += hours
        self.events += self.shipment.watch(RULES, LABELLED + timedelta(hours=self.hours))

    @rule(numbers=st.sampled_from([NUMBERS, NUMBERS[:1], ("pending",)]))
    def labelled(self, numbers: tuple[str, ...]) -> None:
        self.labels += 1
        self.tell(label(self.labels, numbers))

    @rule()
    def voided(self) -> None:
        self.labels += 1
        self.tell(void(self.labels))

    @rule(
        code=st.sampled_from(["PU", "IT", "OD", "DE", "HL", "DY", "SIM-DM", "RS", "SIM-RT", "DL", "??"]),
        ago=st.integers(0, 30),
        number=st.sampled_from(NUMBERS),
    )
    def scanned(self, code: str, ago: int, number: str) -> None:
        self.tell(scan(code, max(0.0, self.hours - ago), number=number))

    @precondition(lambda self: self.shipment.label)
    @rule(reference=st.sampled_from(["c-1", "c-2"]), parcel=st.sampled_from([None, 1, 2]))
    def denied(self, reference: str, parcel: int | None) -> None:
        label, parcels = self.shipment.label, self.shipment.parcels(RULES)
        if label and (
            trouble := denied(Denial(reference=reference, reason="not_received", parcel=parcel), label, parcels)
        ):
            self.events += self.shipment.open(trouble, RULES, LABELLED + timedelta(hours=self.hours))

    @rule(reference=st.sampled_from(["c-1", "c-2"]))
    def settled(self, reference: str) -> None:
        if alarm := dispute_of(self.shipment.alarms.values(), reference):
            self.events += self.shipment.settle(alarm, LABELLED + timedelta(hours=self.hours), "found")

    @precondition(lambda self: self.shipment.scans)
    @rule(data=st.data())
    def retracted(self, data: st.DataObject) -> None:
        target = data.draw(st.sampled_from(sorted(self.shipment.scans.values(), key=lambda each: each.scan_id)))
        self.tell(scan("DE", self.hours, number=target.tracking_number, retracts=target))

    @invariant()
    def versions_are_dense(self) -> None:
        seen: dict[tuple[str, str], int] = {}
        for event in self.events:
            key = (event.TYPE, event.aggregate_id)
            assert event.version == seen.get(key, 0) + 1
            seen[key] = event.version

    @invariant()
    def what_is_told_is_what_validation_would_make_of_it(self) -> None:
        latest = self.shipment.current(RULES, LABELLED)
        for event in (*self.events[-3:], *([latest] if latest else ())):
            validated = type(event).model_validate(dict(event))
            assert (event, event.body()) == (validated, validated.body())
        label = self.shipment.label
        assert label is None or TrackedLabel.read(label.text) == label

    @invariant()
    def exceptions_open_and_resolve_in_turn(self) -> None:
        open_codes = [alarm.code for alarm in self.shipment.alarms.values() if alarm.open]
        assert len(open_codes) == len(set(open_codes))

    @invariant()
    def the_latest_state_is_the_last_told(self) -> None:
        latest = self.shipment.current(RULES, LABELLED)
        if isinstance(latest, ShipmentUpdated):
            last = [event for event in self.events if isinstance(event, TrackingUpdated)][-1]
            assert (last.version, last.shipment_id) == (latest.version, latest.shipment_id)

    @invariant()
    def what_has_arrived_or_is_void_is_not_watched(self) -> None:
        latest = self.shipment.current(RULES, LABELLED)
        if latest and latest.status.value in {"delivered", "returned", "cancelled"}:
            assert self.shipment.watch_due_at(RULES) is None


Following.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestFollowing = Following.TestCase
