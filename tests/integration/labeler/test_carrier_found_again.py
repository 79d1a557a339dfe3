"""What FedEx finds by our reference, and that connectors say so."""

from __future__ import annotations

import pytest
from integration.labeler.carrier_rigs import RIGS, Bench, Simulator, as_label

from linkstar_carriers.transport import open_http
from linkstar_labeler.domain.connector import NotFound, OutcomeUnknown, Purchased, Voided


async def test_capability_is_what_is_exercised(simulator: Simulator) -> None:
    async with open_http() as http:
        for rig in RIGS:
            assert Bench(rig, simulator, http).connector.capabilities.finds == rig.finds, rig


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
