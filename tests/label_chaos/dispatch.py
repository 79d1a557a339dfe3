"""The rest of LinkStar around the labelers: publishes routes and cancels, and chooses anew when a label was rejected."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from unit.labeler.label_samples import parcel, route

from label_chaos.ground import TENANT, Ground, Slot
from label_chaos.schedule import PlannedOrder
from linkstar_contracts.event import Event
from linkstar_contracts.events import (
    LabelCreated,
    LabelRejected,
    LabelVoided,
    OrderCancelled,
    RouteChosen,
    TrackingStatus,
    TrackingUpdated,
)  # fmt: skip
from linkstar_contracts.topics import LABELS, ORDER_CHANGES, ROUTES_CHOSEN, TRACKING_UPDATED, Topic
from linkstar_contracts.values import ChargeLine, Consignee, Destination, Money, SealedConsignee
from linkstar_runtime.clock import Clock
from linkstar_runtime.database import Database
from linkstar_runtime.header_names import read_any_header_name
from linkstar_runtime.settings import DatabaseSettings, Settings, VaultSettings
from linkstar_runtime.vault import Vault

__all__ = ["Dispatcher", "TrackedOrder"]

_KINDS: dict[str, type[LabelCreated] | type[LabelRejected] | type[LabelVoided]] = {
    kind.TYPE: kind for kind in (LabelCreated, LabelRejected, LabelVoided)
}
_BEGINNINGS = {"application/pdf": b"%PDF", "application/zpl": b"^XA", "image/png": b"\x89PNG"}
_UNDELIVERABLE = "1 Undeliverable Way"
_LEAST_PAUSE_S, _LONGEST_PAUSE_S = 0.3, 6.0


@dataclass
class TrackedOrder:
    """An order as it stands with the dispatcher."""

    plan: PlannedOrder
    slot: Slot
    sealed: SealedConsignee
    version: int = 0
    """Of its newest route."""
    cancelled: bool = False
    refused: bool = False
    """The carrier will never take it: there is no other route."""
    created: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Tracking numbers told of by `LabelCreated`, by route."""
    events: dict[str, int] = field(default_factory=dict)
    """Versions of the label's events by their ids: a repeated record is no new event."""


class Dispatcher:
    """Orders in, label events back. Use as an async context manager."""

    def __init__(self, ground: Ground) -> None:
        self._ground, self._clock = ground, Clock()
        self._kafka = ground.stack.endpoints["kafka"]
        self.orders: dict[str, TrackedOrder] = {}
        self.rerouted = 0
        self.rejected: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Dispatcher:
        read_any_header_name()
        self._producer = AIOKafkaProducer(bootstrap_servers=self._kafka, acks="all", enable_idempotence=True)
        await self._producer.start()
        self._consumer = AIOKafkaConsumer(
            LABELS.name, bootstrap_servers=self._kafka, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        await self._consumer.start()
        stack = self._ground.stack
        settings = Settings(database=DatabaseSettings(url=stack.infrastructure.admin_url))
        self._database = await Database.connect(settings, "ingest", self._clock)
        self._vault = Vault.from_settings(VaultSettings(master_key_file=stack.home.master_key))
        self._spawn(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._consumer.stop()
        await self._producer.stop()
        await self._database.close()

    async def accept(self, plans: Sequence[PlannedOrder], slot: Slot) -> None:
        """Take orders in and route each of them to the account."""
        receivers = [self._receiver(plan, slot) for plan in plans]
        async with self._database.transaction() as tx:
            wanted = [(TENANT, plan.order_id, each) for plan, each in zip(plans, receivers, strict=True)]
            sealed = await self._vault.seal_many(tx, wanted)
        for plan, each in zip(plans, sealed, strict=True):
            order = self.orders[plan.order_id] = TrackedOrder(plan, slot, each)
            await self._choose(order)
            if plan.cancel_after_s is not None:
                self._spawn(self._cancel(order, plan.cancel_after_s))
            if plan.reroute_after_s is not None:
                self._spawn(self._reroute(order, order.version, plan.reroute_after_s))

    @staticmethod
    def _receiver(plan: PlannedOrder, slot: Slot) -> Consignee:
        receiver = slot.rig.receiver
        return receiver.model_copy(update={"street": _UNDELIVERABLE}) if plan.undeliverable else receiver

    async def printable(self, documents: Mapping[str, Sequence[tuple[str, bytes]]]) -> Counter[str]:
        """Count for each order the sealed documents, media type and content, that open and are what they say they are."""
        sealed = [(order_id, kind, content) for order_id, found in documents.items() for kind, content in found]
        async with self._database.transaction() as tx:
            opened = await self._vault.open_bytes(
                tx, [((TENANT, order_id), content) for order_id, _, content in sealed]
            )
        return Counter(
            order_id for (order_id, kind, _), clear in zip(sealed, opened, strict=True)
            if clear and clear.lstrip().startswith(_BEGINNINGS[kind])
        )  # fmt: skip

    async def hand_over(self, orders: Sequence[TrackedOrder]) -> None:
        """Let the carriers scan the labels of these orders for the first time."""
        for order in orders:
            numbers = order.created[max(order.created)]
            await asyncio.gather(*[
                self._publish(TRACKING_UPDATED, TrackingUpdated(
                    tenant=TENANT, order_id=order.plan.order_id, version=place, occurred_at=self._clock.now(),
                    shipment_id=order.plan.order_id, carrier=order.slot.carrier, service=order.slot.rig.service,
                    status=TrackingStatus.ACCEPTED, accepted=True, delivered=False, parcel=place, tracking_number=number,
                    parcel_status=TrackingStatus.ACCEPTED, scanned_at=self._clock.now(),
                ))
                for place, number in enumerate(numbers, 1)
            ])  # fmt: skip

    async def _listen(self) -> None:
        async for record in self._consumer:
            kind = _KINDS.get(dict(record.headers)["ce_type"].decode())
            if kind is None:
                continue
            event = kind.model_validate_json(record.value)
            order = self.orders.get(event.order_id)
            if order is None or event.ce_id in order.events:
                continue
            order.events[event.ce_id] = event.version
            if isinstance(event, LabelCreated):
                order.created[event.route_version] = tuple(each.tracking_number or "" for each in event.parcels)
            elif isinstance(event, LabelRejected):
                self.rejected[event.code] += 1
                self._rejected(order, event)

    def _rejected(self, order: TrackedOrder, event: LabelRejected) -> None:
        if event.route_version != order.version or order.cancelled:
            return
        if order.plan.undeliverable and event.code in order.slot.rig.said_no.values():
            order.refused = True
            return
        pause_s = (event.retry_at - self._clock.now()).total_seconds() if event.retry_at else 0.0
        self._spawn(self._reroute(order, order.version, min(max(pause_s, _LEAST_PAUSE_S), _LONGEST_PAUSE_S)))

    async def _reroute(self, order: TrackedOrder, version: int, after_s: float) -> None:
        """Choose another route unless somebody did meanwhile."""
        await asyncio.sleep(after_s)
        if order.version == version and not order.cancelled and not order.refused:
            self.rerouted += 1
            await self._choose(order)

    async def _cancel(self, order: TrackedOrder, after_s: float) -> None:
        await asyncio.sleep(after_s)
        order.cancelled = True
        await self._publish(ORDER_CHANGES, OrderCancelled(
            tenant=TENANT, order_id=order.plan.order_id, version=2, occurred_at=self._clock.now()
        ))  # fmt: skip

    async def _choose(self, order: TrackedOrder) -> None:
        order.version += 1
        await self._publish(ROUTES_CHOSEN, self._route(order))

    def _route(self, order: TrackedOrder) -> RouteChosen:
        rig, plan = order.slot.rig, order.plan
        total = Money(amount_minor=self._ground.prices[order.slot.carrier, plan.parcels], currency=rig.currency)
        sample = route(
            order.slot.carrier,
            rig.service,
            tenant=TENANT,
            order_id=plan.order_id,
            version=order.version,
            sealed=order.sealed,
        )
        costed = sample.route.model_copy(update={
            "account": order.slot.account, "total": total, "lines": (ChargeLine(code="base", amount=total),)
        })  # fmt: skip
        receiver = rig.receiver
        return sample.model_copy(update={
            "route": costed, "occurred_at": self._clock.now(),
            "destination": Destination(country=receiver.country, postcode=receiver.postcode[:5].strip()),
            "parcels": tuple(
                parcel(number, receiver.country) for number in range(1, plan.parcels + 1)
            ),
        })  # fmt: skip

    async def _publish(self, topic: Topic, event: Event) -> None:
        headers = event.headers("/label-chaos")
        await self._producer.send_and_wait(topic.name, event.body(), key=event.key.encode(), headers=headers)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            raise error
