"""Publishing orders and seeing each come out accepted at the other end, timed by one clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from linkstar_bench.orders import OrderRecord
from linkstar_bench.wire import PartitionWriter, WireRecord
from linkstar_contracts.topics import ORDERS_INBOUND, PARTITIONS, TRACKING_UPDATED
from linkstar_runtime.clock import Clock
from linkstar_runtime.kafka import FETCH_BYTES

__all__ = ["Finish", "Key", "LoadFailed", "accepted", "by_key", "publish", "publish_paced", "wire_records"]

Key = tuple[str, str]
Sign = Callable[[ConsumerRecord], Key | None]
"""Tells which order a record shows to be finished, if any."""
_ACCEPTED = ("ce_milestone", b"accepted")
_CHUNK = 2_000
_STALL_S = 90.0
_TICK_S = 0.01


class LoadFailed(Exception):
    """Orders did not come out: the run has no result."""


def accepted(record: ConsumerRecord) -> Key | None:
    """The order is finished when its parcel is with the carrier, as the record's head tells."""
    return _key(record) if _ACCEPTED in record.headers else None


def _key(record: ConsumerRecord) -> Key:
    tenant, _, order_id = record.key.decode().partition("/")
    return tenant, order_id


def by_key(occurrence: int = 1) -> Sign:
    """The order is finished with the n-th record under its key: all that a relay without content can show."""
    seen: dict[bytes, int] = {}

    def sign(record: ConsumerRecord) -> Key | None:
        count = seen[record.key] = seen.get(record.key, 0) + 1
        return _key(record) if count == occurrence else None

    return sign


class Finish:
    """A downstream reader: when was each order first seen finished."""

    def __init__(
        self, bootstrap: str, clock: Clock, prefix: str = "", topic: str = TRACKING_UPDATED.name, sign: Sign = accepted
    ) -> None:
        self._clock, self._topic, self._sign = clock, prefix + topic, sign
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=50, fetch_min_bytes=FETCH_BYTES
        )
        self.seen_at: dict[Key, float] = {}

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
        """Return when every order was seen; raise `LoadFailed` when nothing comes for a minute and a half."""
        waiting = {order.key for order in orders} - self.seen_at.keys()
        last = self._clock.monotonic()
        while waiting:
            before = len(waiting)
            waiting.difference_update(self._note(await self._poll()))
            now = self._clock.monotonic()
            last = now if len(waiting) < before else last
            if now - last > _STALL_S:
                raise LoadFailed(f"{len(waiting)} of {len(orders)} orders not finished, such as {min(waiting)}")
            if tell_every and before // tell_every != len(waiting) // tell_every:
                print(f"  {len(orders) - len(waiting)} of {len(orders)} accepted", flush=True)

    async def _poll(self) -> list[ConsumerRecord]:
        found = await self._consumer.getmany(timeout_ms=20, max_records=2_000)
        return [record for part in found.values() for record in part]

    def _note(self, records: Sequence[ConsumerRecord]) -> list[Key]:
        now = self._clock.monotonic()
        seen = [key for key in map(self._sign, records) if key is not None]
        for key in seen:
            self.seen_at.setdefault(key, now)
        return seen


def wire_records(orders: Sequence[OrderRecord]) -> list[WireRecord]:
    """Return what is written to Kafka for these orders."""
    return [(o.partition, o.message.key, o.message.value, list(o.message.headers)) for o in orders]


async def publish(
    writer: PartitionWriter, orders: Sequence[OrderRecord], prefix: str = "", topic: str = ORDERS_INBOUND.name
) -> None:
    """Publish all orders as fast as the broker takes them, a few thousand at a time."""
    for start in range(0, len(orders), _CHUNK):
        await writer.write(prefix + topic, wire_records(orders[start : start + _CHUNK]))
        await asyncio.sleep(0)


async def publish_paced(
    writer: PartitionWriter, orders: Sequence[OrderRecord], rate: float, clock: Clock, prefix: str = ""
) -> dict[Key, float]:
    """Publish at a steady rate whatever the product does; returns when each order was meant to be sent."""
    began, sent = clock.monotonic(), 0
    writes: set[asyncio.Task[None]] = set()
    while sent < len(orders):
        due = min(len(orders), int((clock.monotonic() - began) * rate))
        if due > sent:
            work = writer.write(prefix + ORDERS_INBOUND.name, wire_records(orders[sent:due]))
            writes.add(asyncio.create_task(work))
            sent = due
        await asyncio.sleep(_TICK_S)
    await asyncio.gather(*writes)
    return {order.key: began + number / rate for number, order in enumerate(orders)}
