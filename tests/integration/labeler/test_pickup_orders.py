"""What a driver is told of: the parcels of one account, and times that are in order wherever the warehouse is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from integration.labeler.carrier_rigs import Simulator, running_simulator
from integration.labeler.label_counter import Counter
from integration.labeler.test_manifests import bind, buy, close, empty
from unit.labeler.label_samples import route

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator() as running:
        yield running


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
