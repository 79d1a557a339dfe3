"""Where parcels are, as carriers' simulators tell it over HTTP, and what FedEx finds by our reference."""

from __future__ import annotations

from datetime import datetime

import pytest
from integration.labeler.carrier_rigs import RIGS, Bench, Simulator, as_label

from linkstar_labeler.carriers.remote import open_http
from linkstar_labeler.domain.connector import NotFound, NotSent, OutcomeUnknown, Purchased, Refused, Voided
from linkstar_sandbox.carrier_apis.magic import TRACKING
from linkstar_sandbox.carriers.codes import Meaning, scan_code

TRACKED = [rig for rig in RIGS if rig.tracks]
LAST = {
    "accepted": Meaning.ACCEPTED, "in_transit": Meaning.HUB, "out_for_delivery": Meaning.OUT_FOR_DELIVERY,
    "delivered": Meaning.DELIVERED, "attempt_failed": Meaning.ATTEMPT_FAILED, "returned": Meaning.RETURNED,
}  # fmt: skip


tracking = pytest.mark.parametrize("bench", TRACKED, ids=str, indirect=True)


async def test_capability_is_what_is_exercised(simulator: Simulator) -> None:
    async with open_http() as http:
        for rig in RIGS:
            can = Bench(rig, simulator, http).connector.capabilities
            assert (can.tracks, can.finds) == (rig.tracks, rig.finds), rig


@tracking
async def test_scans_come_in_the_carriers_words_oldest_first(bench: Bench) -> None:
    for ending, state in TRACKING.items():
        scans = await bench.connector.track(f"98765432101{ending}")
        if state == "unknown":
            assert isinstance(scans, NotFound)
            continue
        assert isinstance(scans, tuple), scans
        times = [datetime.fromisoformat(scan.at) for scan in scans]
        assert times == sorted(times)
        assert all(scan.text and (scan.postcode, scan.country) == ("07105", "US") for scan in scans)
        if state in LAST:
            assert scans[-1].code == scan_code(bench.rig.connector, LAST[state])


@tracking
async def test_sold_parcel_is_known_and_a_strange_number_is_not(bench: Bench) -> None:
    bought = await bench.connector.buy(bench.rig.request())
    assert isinstance(bought, Purchased), bought
    scans = await bench.connector.track(bought.parcels[0].tracking_number)
    assert isinstance(scans, tuple), scans
    assert len(scans) == 1
    assert isinstance(await bench.connector.track("../../../nothing/../99"), NotFound | Refused)


@tracking
@pytest.mark.parametrize("kind", ["timeout_after", "error_after", "html", "truncated", "field_lost", "rate_limited"])
async def test_question_without_an_answer_may_be_asked_again(bench: Bench, kind: str) -> None:
    bench.fail(kind, "track")
    failed = await bench.connector.track("9876543210105")
    assert isinstance(failed, NotSent | OutcomeUnknown), failed
    bench.connector = bench.connect()
    assert isinstance(await bench.connector.track("9876543210105"), tuple)


@pytest.mark.parametrize("bench", [rig for rig in RIGS if rig.finds], ids=str, indirect=True)
async def test_lost_shipment_is_found_by_reference_and_cancelled(bench: Bench) -> None:
    request = bench.rig.request(parcels=2)
    assert isinstance(await bench.connector.recover(request), NotFound)
    bench.fail("timeout_after")
    assert isinstance(await bench.connector.buy(request), OutcomeUnknown)
    found = await bench.connector.recover(request)
    assert isinstance(found, Purchased), found
    [sale] = bench.charged
    assert [parcel.tracking_number for parcel in found.parcels] == sale["tracking_numbers"]
    numbers = tuple(parcel.tracking_number for parcel in found.parcels)
    assert await bench.connector.void(as_label(request, found.carrier_id, numbers)) == Voided()
    assert bench.charged == []
    assert isinstance(await bench.connector.recover(request), NotFound)
