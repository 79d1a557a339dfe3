"""Publishing orders and seeing each come out accepted at the other end, timed by one clock."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from pydantic import BaseModel

from linkstar_bench.orders import OrderRecord
from linkstar_bench.wire import PartitionWriter, WireRecord
from linkstar_contracts.topics import ORDERS_INBOUND, PARTITIONS, TRACKING_UPDATED
from linkstar_runtime.clock import Clock

__all__ = ["Finish", "LoadFailed", "publish", "wire_records"]

_CHUNK = 2_000
_STALL_S = 60.0


class LoadFailed(Exception):
    """Orders did not come out: the run has no result."""


class _Tracked(BaseModel):
    tenant: str
    order_id: str
    accepted: bool = False


class Finish:
    """A downstream reader of `tracking-updated`: when was each order first seen accepted by its carrier."""

    def __init__(self, bootstrap: str, clock: Clock, prefix: str = "") -> None:
        self._clock, self._topic = clock, prefix + TRACKING_UPDATED.name
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=50
        )
        self.seen_at: dict[tuple[str, str], float] = {}

    async def __aenter__(self) -> Finish:
        await self._consumer.start()
        self._consumer.assign([TopicPartition(self._topic, partition) for partition in range(PARTITIONS)])
        await self._consumer.seek_to_end()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    async def await_all(self, orders: Sequence[OrderRecord], tell_every: int = 0) -> None:
        """Return when every order was seen; raise `LoadFailed` when nothing comes for a minute."""
        waiting = {order.key for order in orders} - self.seen_at.keys()
        last = self._clock.monotonic()
        while waiting:
            before = len(waiting)
            waiting.difference_update(self._note(await self._poll()))
            now = self._clock.monotonic()
            last = now if len(waiting) < before else last
            if now - last > _STALL_S:
                raise LoadFailed(f"{len(waiting)} of {len(orders)} orders not accepted, such as {min(waiting)}")
            if tell_every and before // tell_every != len(waiting) // tell_every:
                print(f"  {len(orders) - len(waiting)} of {len(orders)} accepted", flush=True)

    async def _poll(self) -> list[ConsumerRecord]:
        found = await self._consumer.getmany(timeout_ms=50, max_records=2_000)
        return [record for part in found.values() for record in part]

    def _note(self, records: Sequence[ConsumerRecord]) -> list[tuple[str, str]]:
        now = self._clock.monotonic()
        seen = []
        for record in records:
            event = _Tracked.model_validate_json(record.value)
            if event.accepted:
                key = (event.tenant, event.order_id)
                self.seen_at.setdefault(key, now)
                seen.append(key)
        return seen


def wire_records(orders: Sequence[OrderRecord]) -> list[WireRecord]:
    """Return what is written to Kafka for these orders."""
    return [(o.partition, o.message.key, o.message.value, list(o.message.headers)) for o in orders]


async def publish(writer: PartitionWriter, orders: Sequence[OrderRecord], prefix: str = "") -> None:
    """Publish all orders as fast as the broker takes them, a few thousand at a time."""
    for start in range(0, len(orders), _CHUNK):
        await writer.write(prefix + ORDERS_INBOUND.name, wire_records(orders[start : start + _CHUNK]))
        await asyncio.sleep(0)
