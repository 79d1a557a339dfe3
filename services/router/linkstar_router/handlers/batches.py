"""Batch handlers of the router. They commute: whatever the arrival order, the newest order content and attempt win."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from linkstar_contracts.event import Event
from linkstar_contracts.events import LabelRejected, OrderCancelled, OrderChanged, OrderReceived
from linkstar_router import store
from linkstar_router.domain.decision import is_timezone
from linkstar_router.domain.shipment import Key, Shipment, Step, cancelled, content_of, refused, routed
from linkstar_router.domain.snapshot import Snapshot
from linkstar_runtime.handling import Outcome, Received, Reject, Transaction

__all__ = ["Router"]

_HELD_PER_RUN = 200
Order = TypeVar("Order", bound=OrderReceived | OrderChanged | OrderCancelled)


class Router:
    """The handlers with what they decide from. Nothing in here changes after construction."""

    def __init__(self, snapshot: Snapshot, penalty_minor: int) -> None:
        self._snapshot = snapshot
        self._penalty_minor = penalty_minor

    async def on_orders_received(self, batch: Sequence[Received[OrderReceived]], tx: Transaction) -> list[Outcome]:
        """Route new shipments. A shipment already known in any version, cancelled ones included, is left alone."""
        first: dict[Key, Step] = {}
        routable, rejects = _sorted_out(batch)
        for received in routable:
            shipment = _new(received, received.event.shipment_id)
            if shipment.key not in first:
                first[shipment.key] = self._route(shipment, received.event, tx)
        unknown = await store.insert_new(tx, [first[key].shipment for key in sorted(first)])
        return [*await _told(tx, [step for key, step in first.items() if key in unknown]), *rejects]

    async def on_order_changes(
        self, batch: Sequence[Received[OrderChanged | OrderCancelled]], tx: Transaction
    ) -> list[Outcome]:
        """Route changed content anew, mark cancelled orders. Of several versions only the newest is acted on."""
        newest: dict[Key, Received[OrderChanged | OrderCancelled]] = {}
        routable, rejects = _sorted_out(batch)
        for received in routable:
            key = (received.event.tenant, _shipment_id(received.event))
            if key not in newest or newest[key].event.version < received.event.version:
                newest[key] = received
        await store.seed(tx, [_new(received, key[1]) for key, received in newest.items()])
        known = await store.lock(tx, newest)
        steps = [
            self._changed(known[key], received.event, tx)
            for key, received in newest.items()
            if known[key].order_version < received.event.version
        ]
        await store.save(tx, [step.shipment for step in steps])
        return [*await _told(tx, steps), *rejects]

    async def on_labels(self, batch: Sequence[Received[LabelRejected]], tx: Transaction) -> list[Event]:
        """Choose anew without the service that refused the newest attempt; refusals of older attempts are history."""
        known = await store.lock(tx, {(received.event.tenant, received.event.shipment_id) for received in batch})
        steps: dict[Key, Step] = {}
        for received in batch:
            shipment = known.get((received.event.tenant, received.event.shipment_id))
            barred = refused(shipment, received.event) if shipment and shipment.key not in steps else None
            if barred is not None:
                steps[barred.key] = self._again(barred, tx)
        await store.save(tx, [step.shipment for step in steps.values()])
        return await _told(tx, list(steps.values()))

    async def retry_held(self, shards: Sequence[int], tx: Transaction) -> list[Event]:
        """Choose anew for held shipments as soon as a service that was barred for a time is available again."""
        due = await store.lock_due(tx, shards, tx.now, _HELD_PER_RUN)
        steps = [self._again(_unbarred(shipment, tx), tx) for shipment in due]
        await store.save(tx, [step.shipment for step in steps])
        return await _told(tx, steps)

    def _changed(self, shipment: Shipment, event: OrderChanged | OrderCancelled, tx: Transaction) -> Step:
        if isinstance(event, OrderCancelled):
            return cancelled(shipment, event.version, tx.now)
        return self._route(_with_clean_slate(shipment), event, tx)

    def _route(self, shipment: Shipment, event: OrderReceived | OrderChanged, tx: Transaction) -> Step:
        return routed(shipment, content_of(event), self._snapshot, tx.now, self._penalty_minor)

    def _again(self, shipment: Shipment, tx: Transaction) -> Step:
        if shipment.content is None:
            raise ValueError(f"shipment {shipment.shipment_id} was routed without content")
        return routed(shipment, shipment.content, self._snapshot, tx.now, self._penalty_minor)


def _sorted_out(batch: Sequence[Received[Order]]) -> tuple[list[Received[Order]], list[Reject]]:
    """Split off what can never be routed: an order whose warehouse has no local time."""
    routable: list[Received[Order]] = []
    rejects: list[Reject] = []
    for received in batch:
        event = received.event
        if isinstance(event, OrderCancelled) or is_timezone(event.warehouse.timezone):
            routable.append(received)
        else:
            fix = "warehouse.timezone is no IANA time zone; use a name such as Europe/London"
            rejects.append(Reject(received, "route.timezone_unknown", fix))
    return routable, rejects


def _new(received: Received[Event], shipment_id: str) -> Shipment:
    return Shipment(received.event.tenant, shipment_id, received.event.order_id, received.shard)


def _shipment_id(event: OrderChanged | OrderCancelled) -> str:
    return event.shipment_id if isinstance(event, OrderChanged) else event.order_id


def _with_clean_slate(shipment: Shipment) -> Shipment:
    """What a carrier refused was the former content."""
    return replace(shipment, barred={})


def _unbarred(shipment: Shipment, tx: Transaction) -> Shipment:
    barred = {service: until for service, until in shipment.barred.items() if until is None or until > tx.now}
    return replace(shipment, barred=barred)


async def _told(tx: Transaction, steps: Iterable[Step]) -> list[Event]:
    """Store the decisions of these steps and return their events."""
    taken = list(steps)
    await store.record(tx, [step.record for step in taken if step.record is not None])
    return [event for step in taken for event in step.events]
