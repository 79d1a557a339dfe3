"""What only one carrier has: jobs, hubs, reprints, pages, two calls for one label, many labels in one document."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta

import pytest
from integration.labeler.carrier_rigs import RIGS, Bench, Simulator, bought, today

from linkstar_labeler.carriers.remote import open_http
from linkstar_labeler.domain.connector import NotSent, OutcomeUnknown, Purchased, Refused, Voided
from linkstar_runtime.clock import Clock


class ImpatientClock(Clock):
    """Real time, without waiting."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


FEDEX = next(rig for rig in RIGS if rig.connector == "fedex")


@pytest.mark.parametrize("kind", ["", "timeout_before"])
async def test_fedex_makes_many_parcels_in_a_job(simulator: Simulator, kind: str) -> None:
    async with open_http() as http:
        bench = Bench(FEDEX, simulator, http)
        bench.connector = bench.connect(ImpatientClock())
        if kind:
            bench.fail(kind, "results", times=9)
        outcome = await bench.connector.buy(FEDEX.request(parcels=41))
        assert len(bench.charged) == 1
        if kind:
            assert outcome == OutcomeUnknown("job_pending", "FedEx has not finished the shipment's job")
        else:
            assert isinstance(outcome, Purchased)
            assert len(outcome.parcels) == 41


async def test_fedex_economy_needs_a_hub(simulator: Simulator) -> None:
    async with open_http() as http:
        bench = Bench(dataclasses.replace(FEDEX, settings={}), simulator, http)
        assert "ground_economy" not in bench.connector.capabilities.services
        outcome = await bench.connector.buy(FEDEX.request(service="ground_economy"))
        assert isinstance(outcome, Refused)
        assert bench.sales == []


USPS = next(rig for rig in RIGS if rig.connector == "usps")


async def test_usps_gives_the_label_back_when_no_reprint_is_left(simulator: Simulator) -> None:
    async with open_http() as http:
        bench = Bench(USPS, simulator, http)
        request = USPS.request()
        first, _ = await bought(bench, request)
        found = [await bench.connector.recover(request) for _ in range(5)]
        assert found == [first] * 5
        assert len(bench.charged) == 1
        other = dataclasses.replace(request, ship_on=today() + timedelta(days=1))
        outcome = await bench.connector.buy(other)
        assert isinstance(outcome, OutcomeUnknown)
        assert outcome.code == "key_reused"


CANPAR = next(rig for rig in RIGS if rig.connector == "canpar")


async def test_canpar_lists_every_page(simulator: Simulator) -> None:
    async with open_http() as http:
        bench = Bench(CANPAR, simulator, http)
        for _ in range(12):
            await bought(bench, CANPAR.request())
        listed = await bench.connector.billable(today())
        assert not isinstance(listed, NotSent | OutcomeUnknown)
        assert sorted(label.carrier_id for label in listed) == sorted(str(sale["carrier_id"]) for sale in bench.sales)


@pytest.mark.parametrize("kind", ["timeout_after", "html", "rate_limited", "error_before"])
async def test_canpar_shipment_without_its_labels_is_unknown_and_found(simulator: Simulator, kind: str) -> None:
    """The second call fails: the shipment is bought, and nothing may say that it was not."""
    async with open_http() as http:
        bench = Bench(CANPAR, simulator, http)
        request = CANPAR.request(parcels=2)
        bench.fail(kind, "labels", seconds=0.05 if kind != "rate_limited" else 0)
        assert isinstance(await bench.connector.buy(request), OutcomeUnknown)
        (sale,) = bench.charged
        found = await bench.connector.recover(request)
        assert isinstance(found, Purchased), found
        assert found.carrier_id == sale["carrier_id"]
        assert [parcel.tracking_number for parcel in found.parcels] == sale["tracking_numbers"]


DPD = dataclasses.replace(next(rig for rig in RIGS if rig.connector == "dpd-de"), settings={"label_format": "ZPL"})


async def test_canpar_void_that_cannot_be_looked_up_is_not_declined(simulator: Simulator) -> None:
    """Canpar refuses the void of a voided shipment: only a look-up tells that from a shipment it will bill."""
    async with open_http() as http:
        bench = Bench(CANPAR, simulator, http)
        _, label = await bought(bench, CANPAR.request())
        bench.fail("cut_after", "void")
        assert isinstance(await bench.connector.void(label), OutcomeUnknown)
        bench.fail("error_before", "recover")
        assert isinstance(await bench.connector.void(label), OutcomeUnknown)
        assert isinstance(await bench.connector.void(label), Voided)
        assert bench.charged == []


async def test_dpd_cuts_one_document_into_the_labels_of_its_parcels(simulator: Simulator) -> None:
    async with open_http() as http:
        bench = Bench(DPD, simulator, http)
        outcome, _ = await bought(bench, DPD.request(parcels=3))
        numbers = [parcel.tracking_number for parcel in outcome.parcels]
        assert [sale["tracking_numbers"] for sale in bench.charged] == [numbers]
        for parcel in outcome.parcels:
            assert parcel.document
            assert str(parcel.tracking_number).encode() in parcel.document.content
            assert parcel.document.content.count(b"^XA") == 1
        bench.fail("wrong_label")
        assert isinstance(await bench.connector.buy(DPD.request(parcels=3)), OutcomeUnknown)
