"""How the tests of manifests, carriers' forms and pickups end a day: labels of USPS, bought at its simulator."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
from integration.labeler.carrier_rigs import RIGS, US_SENDER, Simulator
from integration.labeler.label_counter import Counter
from integration.labeler.label_desk import tracked

from linkstar_labeler.domain.purchase_steps import Patience
from linkstar_labeler.handlers import Buyer, Handlers, StoredPurchases
from linkstar_labeler.handlers.manifest_calls import ManifestCalls
from linkstar_labeler.handlers.pickup_calls import PickupCalls
from linkstar_runtime.clock import Clock
from linkstar_runtime.handling import Received

PATIENCE = Patience(lease_s=60, settle_s=50)
[USPS] = [rig for rig in RIGS if rig.connector == "usps"]


async def empty(counter: Counter) -> None:
    """No paper yet, and funds."""
    await counter.admin.execute(
        """TRUNCATE labeler.hand_over, labeler.paper_series, labeler.manifest, labeler.manifest_label,
             labeler.manifest_document, labeler.pickup"""
    )
    assert (await counter.top_up(100_000, "funds")).status_code == 201


async def close(counter: Counter, key: str = "k1", status: int = 201, **more: Any) -> dict[str, Any]:
    body = {"warehouse": "US-NJ", "carrier": "usps"} | more
    answer = await counter.client.post("/v1/manifests", json=body, headers={"idempotency-key": key})
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def on(counter: Counter, manifest: str) -> list[str]:
    found = (await counter.client.get(f"/v1/manifests/{manifest}")).json()
    return [each["shipment_id"] for each in found["on_it"]]


async def scan(counter: Counter, order_id: str) -> None:
    number = (await counter.client.get(f"/v1/labels/{order_id}")).json()["tracking_numbers"][0]
    event = tracked(number, order_id=order_id)
    async with counter.database.transaction() as tx:
        await Handlers(counter.settler).on_tracking_updated([Received(event, event.key, 1)], tx)


async def bind(
    counter: Counter, simulator: Simulator, client: str, account: str = "platform", **changed: Any
) -> httpx.Response:
    """Bind USPS at the simulator."""
    given = USPS.account(simulator.address, client)
    body = {
        "connector": "usps", "base_url": given.base_url, "number": client, "credentials": dict(given.credentials),
        "settings": dict(given.settings), "senders": {"*": US_SENDER.model_dump()}, "drift_percent": 900,
    }  # fmt: skip
    return await counter.client.put(f"/v1/carrier-accounts/usps/{account}", json=body | changed)


async def buy(counter: Counter, *orders: str) -> None:
    """Buy labels of USPS, which lives by the wall clock."""
    counter.clock.advance(Clock().now() - counter.clock.now())
    for order in orders:
        await counter.order(order, "Ada")
    book = StoredPurchases(counter.database, counter.writer, counter.vault, counter.connectors, counter.clock, PATIENCE)
    await Buyer(book, counter.clock, at_once=4).run()


async def ask(counter: Counter, after_s: float = 0.0) -> None:
    counter.clock.advance(timedelta(seconds=after_s))
    await ManifestCalls(counter.database, counter.vault, counter.connectors, counter.clock, PATIENCE).run()
    await PickupCalls(counter.database, counter.connectors, counter.clock, PATIENCE).run()
