"""The fold depends on the set of scans alone: order, repetition and batching never show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkstar_contracts.events import Place, TrackingStatus
from linkstar_tracker.domain.meanings import StatusMap
from linkstar_tracker.domain.roll_up import roll_up
from linkstar_tracker.domain.scans import Scan, scan_id
from linkstar_tracker.domain.timeline import Timeline, fold

MAP = StatusMap.shipped()
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
CODES = ["PU", "IT", "AR", "OD", "DE", "HL", "DY", "SIM-DM", "RS", "SIM-RT", "DL", "OC", "CA", "??"]


def scan(code: str, hours: float, *, retracts: Scan | None = None, city: str = "") -> Scan:
    at, place = START + timedelta(hours=hours), Place(city=city)
    identity = scan_id("fedex", "449044304137821", code, at, place)
    return Scan(identity, "fedex", "449044304137821", code, at, place=place, retracts=retracts and retracts.scan_id)


def status(*scans: Scan) -> TrackingStatus:
    return fold(scans, MAP).status


@st.composite
def journeys(draw: st.DrawFn) -> list[Scan]:
    plain = [
        scan(draw(st.sampled_from(CODES)), draw(st.integers(0, 6)), city=draw(st.sampled_from(["", "Reno"])))
        for _ in range(draw(st.integers(0, 9)))
    ]
    taken_back = draw(st.lists(st.sampled_from(plain), max_size=2)) if plain else []
    return plain + [scan("IT", 7 + n, retracts=target) for n, target in enumerate(taken_back)]


@settings(max_examples=300)
@given(st.data())
def test_any_permutation_and_repetition_gives_the_same_timeline(data: st.DataObject) -> None:
    journey = data.draw(journeys())
    repeated = journey + data.draw(st.lists(st.sampled_from(journey), max_size=5)) if journey else journey
    assert fold(data.draw(st.permutations(repeated)), MAP) == fold(journey, MAP)


@settings(max_examples=300)
@given(journeys())
def test_a_retracted_scan_counts_as_if_it_had_never_been_made(journey: list[Scan]) -> None:
    taken_back = {each.retracts for each in journey}
    never_made = [each for each in journey if each.retracts is None and each.scan_id not in taken_back]
    assert fold(journey, MAP) == fold(never_made, MAP)


@settings(max_examples=300)
@given(journeys(), st.sampled_from(["PU", "IT", "OD", "DE", "HL", "DL", "??"]), st.integers(0, 9))
def test_a_further_scan_never_takes_a_milestone_away(journey: list[Scan], code: str, hours: int) -> None:
    before, after = fold(journey, MAP), fold([*journey, scan(code, hours, city="Boise")], MAP)
    for milestone in ("accepted_at", "first_attempt_at", "delivered_at"):
        assert getattr(before, milestone) is None or getattr(after, milestone) is not None


@settings(max_examples=200)
@given(journeys(), st.sampled_from(["PU", "IT", "AR", "OD", "DE", "HL", "DY", "SIM-DM", "??", "CA"]))
def test_delivered_stays_delivered_whatever_a_depot_says_later(journey: list[Scan], code: str) -> None:
    delivered = [each for each in journey if each.code not in {"RS", "SIM-RT"}] + [scan("DL", 20)]
    assert status(*delivered, scan(code, 21)) is TrackingStatus.DELIVERED


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ("PU IT OD DL", "delivered"),
        ("PU IT OD DE OD DL", "delivered"),
        ("DL PU", "delivered"),
        ("PU IT PU", "in_transit"),
        ("PU OD AR", "in_transit"),
        ("DL RS", "return_to_sender"),
        ("PU RS IT OD", "return_to_sender"),
        ("PU RS DL", "returned"),
        ("PU RS SIM-RT IT DL", "returned"),
        ("PU SIM-DM IT DL", "delivered"),
        ("??", "unknown"),
        ("PU ??", "accepted"),
        ("OC", "pending"),
        ("?? PU", "accepted"),
        ("CA IT", "in_transit"),
    ],
)
def test_statuses_follow_the_listed_transitions(codes: str, expected: str) -> None:
    assert status(*(scan(code, hour) for hour, code in enumerate(codes.split()))).value == expected


def test_scans_of_one_minute_are_read_in_the_order_of_a_journey() -> None:
    assert status(scan("DL", 1), scan("OD", 1), scan("AR", 1), scan("PU", 1)) is TrackingStatus.DELIVERED


def test_a_retraction_puts_the_parcel_back_and_forgets_the_milestone() -> None:
    delivered = scan("DL", 9)
    timeline = fold([scan("PU", 1), scan("OD", 8), delivered, scan("DL", 9.5, retracts=delivered)], MAP)
    assert (timeline.status, timeline.delivered_at) == (TrackingStatus.OUT_FOR_DELIVERY, None)


def test_the_first_attempt_counts_whether_it_succeeds_or_not() -> None:
    failed = fold([scan("PU", 1), scan("OD", 8), scan("DE", 10), scan("OD", 32), scan("DL", 34)], MAP)
    assert (failed.first_attempt_at, failed.delivered_at) == (START + timedelta(hours=10), START + timedelta(hours=34))
    assert fold([scan("PU", 1), scan("HL", 10)], MAP).first_attempt_at == START + timedelta(hours=10)


def test_a_delivery_to_the_sender_is_no_delivery() -> None:
    assert fold([scan("PU", 1), scan("RS", 8), scan("DL", 30)], MAP).delivered_at is None


def test_a_failed_attempt_is_over_when_the_next_begins() -> None:
    tried = [scan("PU", 1), scan("OD", 8), scan("DE", 10)]
    assert fold([*tried, scan("AR", 12)], MAP).failed == ""
    assert fold([*tried, scan("AR", 12), scan("OD", 30)], MAP).failed is None


def parcel(code: str) -> Timeline:
    return fold([scan(each, hour) for hour, each in enumerate(code.split())], MAP)


@pytest.mark.parametrize(
    ("parcels", "expected"),
    [
        (["PU DL", "PU"], "accepted"),
        (["PU DL", "PU DL"], "delivered"),
        (["PU DL", "PU DE"], "attempt_failed"),
        (["PU DL", "PU RS"], "return_to_sender"),
        (["PU DL", "PU RS SIM-RT"], "returned"),
        (["PU IT", "OC"], "pending"),
        (["PU SIM-DM", "PU RS"], "damaged"),
    ],
)
def test_a_shipment_shows_its_trouble_first_then_its_slowest_parcel(parcels: list[str], expected: str) -> None:
    assert roll_up(map(parcel, parcels)).status.value == expected


def test_a_shipment_is_accepted_with_its_first_parcel_and_delivered_with_its_last() -> None:
    rolled = roll_up([parcel("PU IT OD DL"), parcel("OC")])
    assert (rolled.accepted_at, rolled.first_attempt_at, rolled.delivered_at) == (START, None, None)
    both = roll_up([parcel("PU IT OD DL"), parcel("PU OD DL")])
    assert both.delivered_at == START + timedelta(hours=3)


@settings(max_examples=100)
@given(st.lists(journeys(), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_roll_up_does_not_depend_on_the_order_of_parcels(journeys_: list[list[Scan]], random: object) -> None:
    timelines = [fold(journey, MAP) for journey in journeys_]
    shuffled = timelines.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert roll_up(shuffled).status is roll_up(timelines).status
