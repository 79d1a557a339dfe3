"""What a driver is told of: the parcels of one account, and times that are in order wherever the warehouse is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from integration.labeler.carrier_rigs import Simulator
from integration.labeler.label_counter import Counter
from integration.labeler.manifest_desk import ask, bind, buy, close, empty
from unit.labeler.label_samples import route

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def _fresh(counter: Counter) -> None:
    await empty(counter)


async def book(counter: Counter, key: str, **more: Any) -> dict[str, Any]:
    tomorrow = (counter.clock.now() + timedelta(days=1)).date()
    body = {"warehouse": "US-NJ", "carrier": "usps", "day": str(tomorrow), "ready": "09:00", "closes": "17:00"}
    told: dict[str, Any] = (
        await counter.client.post("/v1/pickups", json=body | more, headers={"idempotency-key": key})
    ).json()
    return told


async def test_an_account_s_driver_comes_for_its_own_parcels_only(counter: Counter, simulator: Simulator) -> None:
    for account, test in (("platform", True), ("own", False), ("second", False)):
        assert (await bind(counter, simulator, f"driver-{account}", account, test=test)).status_code == 200
    await counter.order("trial", "Ada", test=True)
    await buy(counter)
    assert (await book(counter, "p1", account="own"))["code"] == "nothing_to_collect"
    for order, account in (("o1", "own"), ("o2", "second"), ("o3", "second")):
        await counter.order(order, "Ada", route=route().route.model_copy(update={"account": account}))
    await buy(counter)
    booked = {account: await book(counter, account, account=account) for account in ("own", "second", "platform")}
    assert {account: (told["parcels"], told["weight_g"]) for account, told in booked.items()} == {
        "own": (1, 681), "second": (2, 2 * 681), "platform": (1, 681),
    }  # fmt: skip
    day = (counter.clock.now() + timedelta(days=2)).date()
    await close(counter, include_late=True, day=str(day))
    assert (await book(counter, "p2", account="second", day=str(day)))["parcels"] == 2


async def test_a_pickup_s_times_are_compared_as_instants(counter: Counter, simulator: Simulator) -> None:
    await bind(counter, simulator, "driver-spring")
    counter.clock.advance(datetime(2027, 3, 13, 12, tzinfo=UTC) - counter.clock.now())
    spring = {"day": "2027-03-14", "timezone": "America/New_York", "parcels": 1, "weight_g": 500}
    # the clocks go from 02:00 to 03:00: half past two is half past three
    assert (await book(counter, "p1", ready="02:30", closes="03:00", **spring))["code"] == "times_reversed"
    assert (await book(counter, "p2", ready="02:30", closes="03:45", **spring))["state"] == "requested"


async def test_a_pickup_is_booked_once_and_never_asked_for_again(counter: Counter, simulator: Simulator) -> None:
    client = "pickup"
    await bind(counter, simulator, client)
    await buy(counter, "o1", "o2")
    tomorrow = (counter.clock.now() + timedelta(days=1)).date()
    body = {"warehouse": "US-NJ", "carrier": "usps", "day": str(tomorrow), "ready": "09:00", "closes": "17:00"}

    async def book(key: str, **more: Any) -> Any:
        return (await counter.client.post("/v1/pickups", json=body | more, headers={"idempotency-key": key})).json()

    first = await book("p1")
    assert (first["pickup_id"], first["state"], first["parcels"], first["weight_g"]) == (
        "P0000001", "requested", 2, 2 * 681,
    )  # fmt: skip
    assert await book("p1") == first
    assert (await book("p2"))["code"] == "pickup_exists"
    await ask(counter)
    booked = (await counter.client.get("/v1/pickups/P0000001")).json()
    assert (booked["state"], bool(booked["confirmation"])) == ("booked", True)
    assert (await counter.client.delete("/v1/pickups/P0000001")).json()["code"] == "cancel_with_carrier"
    gone = await counter.client.delete("/v1/pickups/P0000001", params={"told_carrier": True})
    assert gone.json()["state"] == "cancelled"
    simulator.fail("timeout_after", "pickup", client, seconds=0.05)
    assert (await book("p3"))["pickup_id"] == "P0000002"
    for _ in range(3):
        await ask(counter, 100)
    lost = (await counter.client.get("/v1/pickups", params={"state": "unknown"})).json()["pickups"]
    assert [each["pickup_id"] for each in lost] == ["P0000002"]
    assert (await book("p4"))["code"] == "pickup_exists"
    answered = await counter.client.post("/v1/pickups/P0000002/answer", json={"confirmation": "WTC1"})
    assert (answered.json()["state"], answered.json()["confirmation"]) == ("booked", "WTC1")
    assert (await counter.client.post("/v1/pickups/P0000002/answer", json={"confirmation": None})).status_code == 409
    for changed, code in (
        ({"carrier": "ups"}, "pickup_not_offered"),
        ({"closes": "08:00"}, "times_reversed"),
        ({"day": "2020-01-01"}, "day_too_far"),
        ({"warehouse": "US-XX"}, "timezone_unknown"),
        ({"warehouse": "US-XX", "timezone": "America/Chicago"}, "nothing_to_collect"),
    ):
        assert (await book(f"bad-{code}", **changed))["code"] == code
