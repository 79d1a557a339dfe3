"""One group member on in-memory backends (or a given store): polls, delivers and sweeps as the application does."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from linkstar_contracts.events import OrderCancelled, OrderCancelRequested
from linkstar_contracts.topics import ORDER_CHANGES, ORDERS_INBOUND, PARTITIONS
from linkstar_runtime.batch import BatchRunner
from linkstar_runtime.clock import Clock
from linkstar_runtime.dead_letters import Circuit
from linkstar_runtime.decoding import Decoder
from linkstar_runtime.emitter import Emitter
from linkstar_runtime.handling import Handler, Received
from linkstar_runtime.ids import SeededIds
from linkstar_runtime.ownership import Ownership
from linkstar_runtime.records import OutgoingRecord
from linkstar_runtime.service import Subscription, Timer
from linkstar_runtime.shards import shard_of
from linkstar_runtime.stage import Stage
from linkstar_runtime.sweep import Sweep
from linkstar_runtime.telemetry import Telemetry
from linkstar_runtime.testing import MemoryBroker, MemoryConsumer, MemoryProducer
from linkstar_runtime.timers import Timers
from linkstar_runtime.writer import Writer

__all__ = ["Member", "cancel_request", "count_cancels", "publish"]

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def cancel_request(order_id: str, tenant: str = "demo") -> OrderCancelRequested:
    """The smallest input event there is."""
    return OrderCancelRequested(tenant=tenant, order_id=order_id, occurred_at=AT, reason="test")


def publish(broker: MemoryBroker, event: OrderCancelRequested, **changes: Any) -> tuple[int, int]:
    """Put an event on orders-inbound as a well-behaved client does; returns (partition, offset)."""
    partition = changes.get("partition", shard_of(event.key, PARTITIONS))
    record = OutgoingRecord(
        changes.get("key", event.key.encode()), changes.get("value", event.body()),
        changes.get("headers", event.headers("/test")), 1_000,
    )  # fmt: skip
    return partition, broker.append("orders-inbound", partition, record)


async def count_cancels(batch: Sequence[Received[OrderCancelRequested]], tx: Any) -> list[OrderCancelled]:
    """Example handler over the memory store: one OrderCancelled per order, whatever is repeated."""
    keys = sorted({received.key for received in batch})
    await tx.lock(keys)
    events = []
    for received in batch:
        if tx.get(received.key) is None:
            tx.put(received.key, received.event.reason)
            event = received.event
            events.append(
                OrderCancelled(
                    tenant=event.tenant, order_id=event.order_id, version=2, occurred_at=tx.now, reason="test"
                )
            )
    return events


class Member:
    """A stage with its sweep. `turn()` is one poll and one sweep."""

    def __init__(
        self, broker: MemoryBroker, store: Any, handler: Handler = count_cancels, *, name: str = "member-1",
        shards: range | Sequence[int] = range(PARTITIONS), circuit: Circuit | None = None, timers: tuple[Timer, ...] = (),
        clock: Clock | None = None,
    ) -> None:  # fmt: skip
        clock, ids, telemetry = clock or Clock(), SeededIds(1), Telemetry("example", ())
        subscriptions = (Subscription(ORDERS_INBOUND, (OrderCancelRequested,), handler),)
        self.producer, self.telemetry = MemoryProducer(broker), telemetry
        self.emitter = Emitter(self.producer, telemetry)
        self.store = store
        decoder = Decoder(subscriptions, "", PARTITIONS)
        self.runner = BatchRunner(
            "example", "0", subscriptions, (ORDER_CHANGES,), "", PARTITIONS, store, self.emitter, circuit or Circuit(),
            clock, telemetry,
        )  # fmt: skip
        self.pages: list[str] = []
        self.ownership = Ownership(
            name, decoder.topics, broker.cluster_id, store, self.emitter, clock, ids, self.pages.append, 0.0
        )
        self.consumer = MemoryConsumer(broker, [("orders-inbound", shard) for shard in shards])
        self.ownership.consumer = self.consumer
        self.stage = Stage("example", decoder, self.runner, self.ownership, self.emitter, store, clock, ids, 0.01)
        self.sweep = Sweep(
            self.stage, self.ownership, self.emitter, store,
            Timers(timers, self.runner, self.ownership, store, clock, telemetry), clock,
        )  # fmt: skip
        self.writer = Writer("example", self.runner, store, telemetry, PARTITIONS, self.sweep.kick, self._owned)

    def _owned(self) -> Collection[int]:
        return self.ownership.owned.keys()

    async def turn(self, max_records: int = 500) -> None:
        """One poll with its delivery, then one sweep without waiting."""
        records = self.consumer.poll(max_records)
        if records:
            await self.stage.deliver(records)
        self.sweep._last_slow = -1e9
        self.stage.last_delivery = -1e9
        await self.sweep.turn()
        await asyncio.sleep(0.001)

    async def settle(self, turns: int = 12) -> None:
        """Turn until quiet."""
        for _ in range(turns):
            await self.turn()
