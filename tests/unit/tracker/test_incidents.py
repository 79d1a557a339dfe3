"""Incidents: which parcels they explain, until when those are left alone, and what a lane's course remembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.tracker.test_lane_silences import expectations
from unit.tracker.tracked_facts import LABELLED, label, scan

from linkstar_contracts.event import Event
from linkstar_contracts.events import ExceptionRaised, ExceptionState
from linkstar_performance.outages import WHOLE_LANE, LaneCourse, Look, Suspicion
from linkstar_tracker.domain.incidents import Incident, Incidents, begun, incident_key
from linkstar_tracker.domain.lane_looks import Standing, course_document, course_of, looks_of, merged
from linkstar_tracker.domain.shipment import Rules, Shipment

LANE = "fedex US-US"
DUE = 10 + 96
"""When the parcel's silence strikes, in hours."""


def after(hours: float) -> datetime:
    return LABELLED + timedelta(hours=hours)


def incident(
    spot: str = "Memphis, US", *, busy: bool = False, began: float = 60, ended: float | None = None
) -> Incident:
    opened = Incident(
        "demo", "track.incident.x", LANE, spot, busy, 100, 3, 80, ExceptionState.OPEN, 1, after(began), after(began)
    )
    return opened if ended is None else opened.ended(LaneCourse(), after(ended))


def followed(code: str = "AR", city: str = "Memphis", *incidents: Incident) -> tuple[Shipment, Rules]:
    rules = Rules.shipped()
    rules.incidents.renew(incidents, (1, 1))
    shipment = Shipment("demo", "s-1", "s-1", 3)
    shipment.label_created(label(), rules, LABELLED)
    shipment.record(scan(code, 10, city=city), rules, after(10))
    return shipment, rules


def watched(shipment: Shipment, rules: Rules, hours: float) -> Sequence[Event]:
    rules.incidents.look(after(hours))
    return shipment.watch(rules, after(hours))


def codes(events: Sequence[Event]) -> list[str]:
    return [event.code.value for event in events if isinstance(event, ExceptionRaised)]


@pytest.mark.parametrize(
    ("code", "city", "of", "explained"),
    [
        ("AR", "Memphis", incident(), True), ("AR", "Reno", incident(), False), ("AR", "Reno", incident(WHOLE_LANE), True),
        ("AR", "", incident(WHOLE_LANE), True), ("AR", "", incident(), False), ("DP", "Reno", incident(), False),
        ("DP", "Reno", incident(busy=True), True), ("AR", "Reno", incident(busy=True), False),
        ("AR", "Memphis", replace(incident(), tenant="other"), False),
        ("AR", "Memphis", replace(incident(), lane="ups US-US"), False),
    ],
)  # fmt: skip
def test_parcels_where_nothing_is_scanned_are_not_asked_after_one_by_one(
    code: str, city: str, of: Incident, *, explained: bool
) -> None:
    shipment, rules = followed(code, city, of)
    assert ("track.silent" not in codes(watched(shipment, rules, DUE + 24))) == explained
    due = shipment.watch_due_at(rules)
    assert due is not None
    assert not explained or due == after(DUE + 25), "looked at again within the hour"


def test_a_parcel_still_silent_a_working_day_after_the_end_is_told_and_points_to_the_incident() -> None:
    shipment, rules = followed("AR", "Memphis", incident(ended=100))
    assert shipment.watch_due_at(rules) is not None
    assert codes(watched(shipment, rules, 123)) == []
    [event] = watched(shipment, rules, 100 + 48 + 1)  # a Sunday lies between
    assert isinstance(event, ExceptionRaised)
    assert event.evidence == ("track.incident.x",)


def test_loss_is_told_whatever_is_out_and_a_scan_after_the_end_explains_nothing() -> None:
    shipment, rules = followed("AR", "Memphis", incident())
    assert codes(watched(shipment, rules, 10 + 240)) == ["track.lost"]
    shipment, rules = followed("AR", "Memphis", incident(began=1, ended=5))
    assert codes(watched(shipment, rules, DUE + 24)) == ["track.silent"]


def test_no_incident_puts_nothing_off() -> None:
    incidents = Incidents()
    shipment, rules = followed()
    assert incidents.postponed("demo", f"{LANE}|ground|", shipment.parcels(rules), []) == []


def test_an_incident_counts_what_its_course_does_and_has_a_name_of_its_own() -> None:
    course = LaneCourse()
    for _ in range(30):
        course = course.looked_at(1.0, {"Köln, DE": Look(40, 36, 4.0), "Kassel": Look(900, 0, 900)}, Suspicion())
    first, second = (begun(("demo", LANE), "Köln, DE", course, number, LABELLED) for number in (1, 2))
    assert (first.expected, first.seen, first.parcels, first.busy) == (96, 96, 40, False)
    assert begun(("demo", LANE), WHOLE_LANE, course, 1, LABELLED).parcels == 940
    names = {first.incident_id, second.incident_id, begun(("demo", LANE), "Koln, DE", course, 1, LABELLED).incident_id}
    assert len(names) == 3
    event = first.event()
    assert (event.key, event.place, event.version) == (f"demo/{incident_key(LANE)}", "Köln, DE", 1)
    assert first.ended(course, LABELLED).event().version == 2


@settings(max_examples=25)
@given(st.text(min_size=1, max_size=60), st.text(max_size=130))
def test_any_place_makes_a_valid_event(lane: str, spot: str) -> None:
    told = begun(("demo", "fedex US-US"), spot, LaneCourse(), 1, LABELLED).event()
    assert type(told).model_validate_json(told.body()).exception_id == told.exception_id
    assert incident_key(lane).isascii()


def standing(spot: str, hours: int, under_way: int, stayed: int, status: str = "in_transit") -> Standing:
    return Standing("demo", f"{LANE}|ground|", status, spot, after(-hours), under_way, stayed)


def test_a_look_counts_parcels_and_what_their_curves_let_expect() -> None:
    looks = looks_of(
        [standing("Reno", 3, 40, 30), standing("Reno", 20, 10, 10), standing("Reno", 9, 7, 7, "held"),
         standing("Memphis", 30, 5, 0)],
        expectations(), LABELLED,
    )[("demo", LANE)]  # fmt: skip
    assert (looks["Reno"].under_way, looks["Reno"].stayed) == (50, 40), "nothing is known of held parcels"
    assert 40 / 24 < looks["Reno"].ahead < 40 / 10 + 10 / 2
    assert looks["Memphis"].ahead < 5


def test_small_places_stand_together_until_they_are_known() -> None:
    looks = {"a": Look(9, 1, 1.0), "b": Look(3, 2, 0.5), "c": Look(10, 5, 2.0), "": Look(4, 0, 0.25)}
    assert merged(looks, {"b"}) == {"": Look(13, 1, 1.25), "b": looks["b"], "c": looks["c"]}


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=50))
def test_a_course_is_kept_as_text_and_goes_on_as_before(counts: list[tuple[int, int]]) -> None:
    course = kept = LaneCourse()
    for under_way, stayed in counts:
        looks = {"a": Look(under_way, stayed, under_way / 7), "b": Look(30, 25, 4.0)}
        course, kept = course.looked_at(1.0, looks, Suspicion()), kept.looked_at(1.0, looks, Suspicion())
        kept = course_of(course_document(kept))
    assert kept.out == course.out
    assert kept.whole.score == pytest.approx(course.whole.score, abs=0.5)
