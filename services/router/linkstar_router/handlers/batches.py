"""Batch handlers of the router. They commute: whatever the arrival order, the newest order content and attempt win."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from linkstar_contracts.event import Event
from linkstar_contracts.events import LabelRejected, LabelVoided, OrderCancelled, OrderChanged, OrderReceived
from linkstar_router import store
from linkstar_router.domain.decision import is_timezone
from linkstar_router.domain.rules.catalogue import shipped_catalogue
from linkstar_router.domain.shipment import Key, Shipment, Step, cancelled, content_of, refused
from linkstar_router.domain.snapshot import Snapshot
from linkstar_router.handlers.desk import Desk, Order, open_desk
from linkstar_router.store import capacity
from linkstar_router.store.packbook import Packbook
from linkstar_router.store.rulebook import Rulebook
from linkstar_runtime.clock import Clock
from linkstar_runtime.handling import Outcome, Received, Reject, Transaction

__all__ = ["Router"]

_HELD_PER_RUN = 200
Told = TypeVar("Told", bound=OrderReceived | OrderChanged | OrderCancelled)


class Router:
    """The handlers with what they decide from. Nothing in here changes after construction."""

    def __init__(self, snapshot: Snapshot, penalty_minor: int, clock: Clock) -> None:
        self._packbook = Packbook(snapshot)
        self._penalty_minor = penalty_minor
        self._clock = clock
        self._rulebook = Rulebook(shipped_catalogue())

    async def on_orders_received(self, batch: Sequence[Received[OrderReceived]], tx: Transaction) -> list[Outcome]:
        """Route new shipments. A shipment already known in any version, cancelled ones included, is left alone."""
        routable, rejects = _sorted_out(batch)
        first: dict[Key, Order] = {}
        for received in routable:
            shipment = _new(received, received.event.shipment_id)
            if shipment.key not in first:
                first[shipment.key] = Order(shipment, content_of(received.event))
        desk = await self._desk(tx, first)
        if desk.capped:  # a repeated order must not take capacity
            known = await store.known(tx, first)
            first = {key: order for key, order in first.items() if key not in known}
        steps = {step.shipment.key: step for step in await desk.route(list(first.values()))}
        unknown = await store.insert_new(tx, [steps[key].shipment for key in sorted(steps)])
        return [*await _told(tx, [step for key, step in steps.items() if key in unknown]), *rejects]

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
        events = {
            key: received.event for key, received in newest.items()
            if known[key].order_version < received.event.version
        }  # fmt: skip
        orders = [
            Order(_with_clean_slate(known[key]), content_of(event))
            for key, event in events.items() if isinstance(event, OrderChanged)
        ]  # fmt: skip
        desk = await self._desk(tx, events)
        routes = await desk.route(orders, await capacity.uses_of(tx, events))
        steps = {step.shipment.key: step for step in routes} | {
            key: cancelled(known[key], event.version, tx.now)
            for key, event in events.items() if isinstance(event, OrderCancelled)
        }  # fmt: skip
        await store.save(tx, [step.shipment for step in steps.values()])
        return [*await _told(tx, [steps[key] for key in events]), *rejects]

    async def on_labels(self, batch: Sequence[Received[LabelRejected | LabelVoided]], tx: Transaction) -> list[Event]:
        """Choose anew without the service that refused the newest attempt, and give back what is not used any more.

        What is told of older attempts is history.
        """
        known = await store.lock(tx, {(received.event.tenant, received.event.shipment_id) for received in batch})
        barred: dict[Key, Shipment] = {}
        for received in batch:
            event = received.event
            shipment = known.get((event.tenant, event.shipment_id))
            found = refused(shipment, event) if shipment and isinstance(event, LabelRejected) else None
            if found is not None:
                barred.setdefault(found.key, found)
        voided = {
            (received.event.tenant, received.event.shipment_id, received.event.route_version)
            for received in batch if isinstance(received.event, LabelVoided)
        }  # fmt: skip
        former = [
            use for use in await capacity.uses_of(tx, known)
            if use[:2] in barred or (*use[:2], use.attempt) in voided
        ]  # fmt: skip
        desk = await self._desk(tx, barred)
        steps = await desk.route([_again(shipment) for shipment in barred.values()], former)
        await store.save(tx, [step.shipment for step in steps])
        return await _told(tx, steps)

    async def retry_held(self, shards: Sequence[int], tx: Transaction) -> list[Event]:
        """Choose anew for held shipments as soon as what held them may be gone: a service that was barred for a time,
        rules, capacity.
        """
        due = await store.lock_due(tx, shards, tx.now, _HELD_PER_RUN)
        if not due:
            return []
        desk = await self._desk(tx, [shipment.key for shipment in due])
        steps = await desk.route([_again(_unbarred(shipment, tx)) for shipment in due])
        await store.save(tx, [step.shipment for step in steps])
        return await _told(tx, steps)

    async def _desk(self, tx: Transaction, keys: Iterable[Key]) -> Desk:
        tenants = {tenant for tenant, _ in keys}
        return await open_desk(self._packbook, self._penalty_minor, self._rulebook, tx, tenants, self._clock)


def _again(shipment: Shipment) -> Order:
    if shipment.content is None:
        raise ValueError(f"shipment {shipment.shipment_id} was routed without content")
    return Order(shipment, shipment.content)


def _sorted_out(batch: Sequence[Received[Told]]) -> tuple[list[Received[Told]], list[Reject]]:
    """Split off what can never be routed: an order whose warehouse has no local time."""
    routable: list[Received[Told]] = []
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
