"""Batch handlers of returns. Each opens its orders under their lock, applies what it heard, and writes them back; they
commute, since requests, orders, labels and tracking come by topics that know no order among each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from linkstar_contracts.event import Event
from linkstar_contracts.events import LabelCreated, LabelVoided, OrderReceived, ReturnRequested, TrackingUpdated
from linkstar_returns import store
from linkstar_returns.domain.order_returns import OrderReturns, matters
from linkstar_returns.domain.policy import Policy
from linkstar_runtime.handling import Received, Transaction

__all__ = ["Returning"]


class Returning:
    """The handlers, bound to the seller's terms."""

    def __init__(self, policy: Policy, max_orders: int = 500) -> None:
        self._policy = policy
        self._max_orders = max_orders

    async def on_returns_requested(self, batch: Sequence[Received[ReturnRequested]], tx: Transaction) -> list[Event]:
        """Open a return per request; a repeated request changes nothing."""
        orders = await store.open_orders(tx, map(_ref, batch))
        return await self._apply(batch, orders, tx, lambda order: order.requested)

    async def on_orders_received(self, batch: Sequence[Received[OrderReceived]], tx: Transaction) -> list[Event]:
        """Keep what a return will need of each order; our own return shipments are none."""
        outbound = [received for received in batch if received.event.kind == "order"]
        if not outbound:
            return []
        orders = await store.open_orders(tx, map(_ref, outbound))
        return await self._apply(outbound, orders, tx, lambda order: order.order_received, contents=True)

    async def on_labels(self, batch: Sequence[Received[LabelCreated | LabelVoided]], tx: Transaction) -> list[Event]:
        """Note the tracking numbers of returns; labels of the way out say nothing here."""
        own = [received for received in batch if received.event.shipment_id != received.event.order_id]
        if not own:
            return []
        orders = await store.open_known_orders(tx, map(_ref, own))
        events: list[Event] = []
        for received in own:
            order = orders.get((received.event.tenant, received.event.order_id))
            if order and isinstance(received.event, LabelCreated):
                events += order.label_created(received.event, self._policy, tx.now)
            elif order and isinstance(received.event, LabelVoided):
                events += order.label_voided(received.event, self._policy, tx.now)
        await store.save_orders(tx, orders.values())
        return events

    async def on_tracking_updated(self, batch: Sequence[Received[TrackingUpdated]], tx: Transaction) -> list[Event]:
        """Follow returns to the warehouse, note deliveries, and open a return for what comes back undelivered."""
        mattering = [received for received in batch if matters(received.event)]
        orders = await store.open_orders(tx, map(_ref, mattering)) if mattering else {}
        others = [r for r in batch if not matters(r.event) and (r.event.tenant, r.event.order_id) not in orders]
        orders |= await store.open_known_orders(tx, map(_ref, others)) if others else {}
        return await self._apply(batch, orders, tx, lambda order: order.tracked)

    async def expire(self, shards: Sequence[int], tx: Transaction) -> list[Event]:
        """Give up returns that nobody has used for too long; at most `max_orders` orders in one run."""
        orders = await store.orders_with_expired_cases(tx, shards, self._max_orders)
        events = [event for order in orders.values() for event in order.expire(self._policy, tx.now)]
        await store.save_orders(tx, orders.values())
        return events

    async def _apply(
        self, batch: Sequence[Received[Any]], orders: dict[store.OrderKey, OrderReturns], tx: Transaction,
        method: Callable[[OrderReturns], Callable[[Any, Policy, datetime], list[Event]]], *, contents: bool = False,
    ) -> list[Event]:  # fmt: skip
        """Tell each order what was heard of it, in the batch's order."""
        events: list[Event] = []
        for received in batch:
            order = orders.get((received.event.tenant, received.event.order_id))
            if order is not None:
                events += method(order)(received.event, self._policy, tx.now)
        await store.save_orders(tx, orders.values(), contents=contents)
        return events


def _ref(received: Received[Event]) -> store.OrderRef:
    return received.event.tenant, received.event.order_id, received.shard
