"""Journeys as carriers document them, through the carriers' own doors: every step, and the end in any order of arrival."""

from __future__ import annotations

from datetime import UTC
from random import Random

import pytest
from unit.tracker.documented_journeys import CARRIERS, Journey, journeys_of
from unit.tracker.test_shipment_aggregate import RULES, apply, empty, state
from unit.tracker.test_status_rows import ROWS, SOURCES
from unit.tracker.tracked_facts import label

from linkstar_contracts.events import TrackingUpdated
from linkstar_tracker.domain.carrier_doors import DOORS, GENERIC
from linkstar_tracker.domain.meanings import UNKNOWN, StatusMap
from linkstar_tracker.domain.timeline import Timeline, fold

MAP = StatusMap.shipped()
JOURNEYS = [journey for carrier in CARRIERS for journey in journeys_of(carrier)]
MILESTONES = ("accepted", "first_attempt", "delivered")
ORDERS = 6
"""Orders of arrival each journey is told in, besides its own and the reverse."""

every_journey = pytest.mark.parametrize("journey", JOURNEYS, ids=str)


def stands(timeline: Timeline) -> tuple[str, str, str]:
    party = timeline.party.value
    return timeline.status.value, timeline.substatus or "", "" if party == "unset" else party


@every_journey
def test_each_scan_moves_the_parcel_as_documented(journey: Journey) -> None:
    scans = journey.scans()
    assert len(scans) == len(journey.rows)
    before = Timeline()
    for told, row in enumerate(journey.rows, 1):
        timeline = fold(scans[:told], MAP)
        assert stands(timeline) == (row["status"], row["substatus"], row["party"]), row
        for name in MILESTONES:
            now, reached = getattr(timeline, f"{name}_at"), row["reached"].split()
            then = None if f"-{name}" in reached else getattr(before, f"{name}_at")
            assert now == (scans[told - 1].scanned_at if name in reached else then), (name, row)
        before = timeline


@every_journey
def test_any_order_of_arrival_ends_in_the_same_shipment(journey: Journey) -> None:
    made = label(numbers=(journey.number,)).model_copy(update={"carrier": journey.carrier})
    lived = [made, *journey.scans()]
    ends = []
    for seed in range(ORDERS + 2):
        facts = lived if seed == 0 else lived[::-1]
        if seed > 1:
            facts = [*lived, *Random(seed).choices(lived, k=3)]
            Random(seed).shuffle(facts)
        shipment, versions = empty(), []
        for fact in facts:
            versions += [event.version for event in apply(shipment, fact) if isinstance(event, TrackingUpdated)]
        assert versions == list(range(1, len(versions) + 1))
        ends.append(state(shipment))
        last = journey.rows[-1]
        assert stands(shipment.parcels(RULES)[1]) == (last["status"], last["substatus"], last["party"])
    assert all(end == ends[0] for end in ends)


@every_journey
def test_every_code_is_understood_and_named_by_its_door(journey: Journey) -> None:
    for scan in journey.scans():
        assert scan.carrier == journey.carrier
        assert scan.tracking_number == journey.number
        assert MAP.meaning(scan.carrier, scan.code) is not UNKNOWN, scan.code
        assert scan.scanned_at.tzinfo is UTC


def test_every_carrier_of_the_map_has_journeys_with_a_source() -> None:
    assert {row["carrier"] for row in ROWS} == set(CARRIERS)
    assert {journey.source for journey in JOURNEYS} <= {source["source"] for source in SOURCES}
    assert {journey.rows[0]["made"] for journey in JOURNEYS} == {"recorded", "composed"}


def test_every_door_that_reads_is_used_by_its_carrier() -> None:
    reading = {name for name, door in DOORS.items() if door.reads is not None} - {GENERIC}
    assert {journey.door for journey in JOURNEYS} - {GENERIC} == reading
    assert all(journey.door in {GENERIC, journey.carrier} for journey in JOURNEYS)


@pytest.mark.parametrize("carrier", CARRIERS)
def test_every_status_a_carrier_can_tell_is_told_in_one_of_its_journeys(carrier: str) -> None:
    told = {MAP.meaning(carrier, scan.code).status for journey in journeys_of(carrier) for scan in journey.scans()}
    tellable = {row["status"] for row in ROWS if row["carrier"] == carrier and row["status"]}
    assert tellable <= {status.value for status in told if status is not None}
