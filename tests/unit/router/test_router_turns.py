"""A long batch lets others run: quotes are answered while orders are decided."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from unit.router.routed_orders import ORDERED, received

from linkstar_router.domain.shipment import Shipment, content_of
from linkstar_router.domain.snapshot import Snapshot
from linkstar_router.handlers.desk import Desk, Order
from linkstar_runtime.clock import ManualClock
from linkstar_runtime.handling import Transaction

ORDERS, PER_TURN = 60, 3


class OneMillisecondALook(ManualClock):
    """Every look at it takes a millisecond."""

    def monotonic(self) -> float:
        self._elapsed += 0.001
        return self._elapsed


async def test_others_run_between_the_orders_of_a_batch(snapshot: Snapshot) -> None:
    clock = OneMillisecondALook(ORDERED)
    nowhere = Transaction(cast("Any", None), ORDERED)  # without pools nothing is read or written
    desk = Desk({"demo": snapshot}, 600, {}, (), nowhere, clock)
    content = content_of(received())
    orders = [Order(Shipment("demo", f"shopify-{n}", f"shopify-{n}", 0), content) for n in range(ORDERS)]
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(others())
    steps = await desk.route(orders)
    waiting.cancel()
    assert [step.shipment.shipment_id for step in steps] == [order.shipment.shipment_id for order in orders]
    assert turns >= ORDERS / (PER_TURN + 1)
