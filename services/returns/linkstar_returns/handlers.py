"""Batch handlers of returns. Each opens its orders under their lock, applies what it heard, and writes them back; they
commute, since requests, orders, labels and tracking come by topics that know no order among each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from linkstar_contracts.event import Event, Head
from linkstar_contracts.events import LabelCreated, LabelVoided, OrderReceived, ReturnRequested, TrackingUpdated
from linkstar_contracts.tracking_events import LABELLED
from linkstar_returns import store
from linkstar_returns.domain.order_returns import OrderReturns, matters
from linkstar_returns.domain.policy import Policy
from linkstar_runtime.handling import Linked, Outcome, Received, Transaction

__all__ = ["Returning", "linked", "of_way_out", "starts_way_out"]

Tell = Callable[[OrderReturns, Received[Any]], list[Event]]
"""Tells an order what was heard of it; returns the events this causes."""


def of_way_out(head: Head) -> bool:
    """True for a label of the way out: only those of returns, `<order>~R1`, matter here."""
    return bool(head.subject) and "~" not in head.subject


def starts_way_out(head: Head) -> bool:
    """True for the first tracking of the way out before any scan: nothing has come back, and nothing is taken back."""
    return of_way_out(head) and head.version == 1 and head.milestone == LABELLED


class Returning:
    """The handlers, bound to the seller's terms."""

    def __init__(self, policy: Policy, max_orders: int = 500) -> None:
        self._policy = policy
        self._max_orders = max_orders

    async def on_returns_requested(self, batch: Sequence[Received[ReturnRequested]], tx: Transaction) -> list[Outcome]:
        """Open a return per request; a repeated request changes nothing."""
        orders = await store.open_orders(tx, map(_ref, batch))
        return await self._apply(
            batch, orders, tx, lambda order, received: order.requested(received.event, self._policy, tx.now)
        )

    async def on_orders_received(self, batch: Sequence[Received[OrderReceived]], tx: Transaction) -> list[Outcome]:
        """Keep what a return will need of each order; our own return shipments are none."""
        outbound = [received for received in batch if received.event.kind == "order"]
        if not outbound:
            return []

        def keep(order: OrderReturns, received: Received[OrderReceived]) -> list[Event]:
            return order.order_received(received.json(), self._policy, tx.now, received.traceparent)

        new: dict[store.OrderKey, OrderReturns] = {}
        for received in outbound:
            keep(new.setdefault(_ref(received)[:2], OrderReturns(*_ref(received))), received)
        kept = await store.keep_new_orders(tx, new.values())
        known = [r for r in outbound if (r.event.tenant, r.event.order_id) not in kept]
        orders = await store.open_orders(tx, map(_ref, known)) if known else {}
        return await self._apply(known, orders, tx, keep, contents=True) if known else []

    async def on_labels(self, batch: Sequence[Received[LabelCreated | LabelVoided]], tx: Transaction) -> list[Outcome]:
        """Note the tracking numbers of returns; labels of the way out say nothing here."""
        own = [received for received in batch if received.event.shipment_id != received.event.order_id]
        if not own:
            return []
        orders = await store.open_known_orders(tx, map(_ref, own))

        def note(order: OrderReturns, received: Received[LabelCreated | LabelVoided]) -> list[Event]:
            if isinstance(received.event, LabelCreated):
                return order.label_created(received.event, self._policy, tx.now)
            return order.label_voided(received.event, self._policy, tx.now)

        return await self._apply(own, orders, tx, note)

    async def on_tracking_updated(self, batch: Sequence[Received[TrackingUpdated]], tx: Transaction) -> list[Outcome]:
        """Follow returns to the warehouse, note deliveries, and open a return for what comes back undelivered."""
        mattering = [received for received in batch if matters(received.event)]
        orders = await store.open_orders(tx, map(_ref, mattering)) if mattering else {}
        others = [r for r in batch if not matters(r.event) and (r.event.tenant, r.event.order_id) not in orders]
        known = await store.on_their_way(tx, map(_ref, others)) if others else []
        orders |= await store.open_known_orders(tx, known) if known else {}
        if not orders:
            return []
        return await self._apply(
            batch, orders, tx, lambda order, received: order.tracked(received.event, self._policy, tx.now)
        )

    async def expire(self, shards: Sequence[int], tx: Transaction) -> list[Linked]:
        """Give up returns that nobody has used for too long; at most `max_orders` orders in one run."""
        orders = await store.orders_with_expired_cases(tx, shards, self._max_orders)
        events = [each for order in orders.values() for each in linked(order, order.expire(self._policy, tx.now))]
        await store.save_orders(tx, orders.values())
        return events

    async def _apply(
        self, batch: Sequence[Received[Any]], orders: dict[store.OrderKey, OrderReturns], tx: Transaction, tell: Tell, *,
        contents: bool = False,
    ) -> list[Outcome]:  # fmt: skip
        """Tell each order what was heard of it, in the batch's order."""
        outcomes: list[Outcome] = []
        for received in batch:
            order = orders.get((received.event.tenant, received.event.order_id))
            if order is not None:
                outcomes += linked(order, tell(order, received))
        await store.save_orders(tx, orders.values(), contents=contents)
        return outcomes


def linked(order: OrderReturns, events: Iterable[Event]) -> list[Linked]:
    """Tie what happens weeks after an order to the order's trace."""
    return [Linked(event, (order.traceparent,)) for event in events]


def _ref(received: Received[Event]) -> store.OrderRef:
    return received.event.tenant, received.event.order_id, received.shard
