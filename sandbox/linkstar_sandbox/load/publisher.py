"""Publishes load records: open-loop at a rate, or as fast as the broker takes them; each key in its order, none lost.

The record timestamp is the moment the record was *due*, so that latencies measured from it hide no stall.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from linkstar_contracts.topics import ORDERS_INBOUND
from linkstar_runtime.clock import Clock
from linkstar_sandbox.load.generator import PARTITIONS, LoadRecord
from linkstar_sandbox.load.history import History, Publication

__all__ = ["Publisher"]

TICK_S = 0.01
TURN = 200
"""Records handed over before the senders get their turn."""
MOST_WAITING = 20_000
"""Records a flood keeps in memory ahead of the broker."""
MAX_BATCH_BYTES = 512 * 1024
ACK_TIMEOUT_S = 60.0

Due = tuple[LoadRecord, int]


class Publisher:
    """One upstream system with one idempotent producer. Use as an async context manager."""

    def __init__(self, bootstrap: str, history: History | None = None, topic: str = ORDERS_INBOUND.name) -> None:
        self._bootstrap, self._history, self._topic = bootstrap, history, topic
        self._clock = Clock()
        self._queues: list[deque[Due]] = [deque() for _ in range(PARTITIONS)]
        self._wake = [asyncio.Event() for _ in range(PARTITIONS)]
        self._senders: list[asyncio.Task[None]] = []
        self._renewing = asyncio.Lock()
        self._producer: AIOKafkaProducer | None = None
        self.waiting = 0
        """Records handed over and not yet acknowledged."""
        self.acknowledged = 0

    async def __aenter__(self) -> Publisher:
        self._producer = await self._connect()
        self._senders = [asyncio.create_task(self._send_for_ever(part)) for part in range(PARTITIONS)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sender in self._senders:
            sender.cancel()
        await asyncio.gather(*self._senders, return_exceptions=True)
        if self._producer is not None:
            await _stopped(self._producer)

    async def pace(self, records: Iterable[LoadRecord], per_s: float) -> None:
        """Hand over `per_s` records a second, whether or not the broker keeps up; returns after the last was handed over."""
        began, began_ms = self._clock.monotonic(), self._wall_ms()
        for number, record in enumerate(records):
            due = number / per_s
            ahead = due - (self._clock.monotonic() - began)
            if ahead > 0 or number % TURN == 0:
                await asyncio.sleep(max(ahead, 0))
            self.put(record, began_ms + int(due * 1000))

    async def flood(self, records: Iterable[LoadRecord]) -> None:
        """Hand over everything as fast as the broker takes it, and return when all of it is acknowledged."""
        for number, record in enumerate(records):
            if number % TURN == 0:
                await asyncio.sleep(0)
            if self.waiting >= MOST_WAITING:
                await self._below(MOST_WAITING // 2)
            self.put(record, self._wall_ms())
        await self.settled()

    async def settled(self) -> None:
        """Return when everything handed over is acknowledged."""
        await self._below(0)

    async def _below(self, limit: int) -> None:
        while self.waiting > limit:
            for sender in self._senders:
                if sender.done():
                    sender.result()
            await asyncio.sleep(TICK_S)

    def put(self, record: LoadRecord, due_ms: int) -> None:
        """Hand one record over; returns at once."""
        self._queues[record.partition].append((record, due_ms))
        self._wake[record.partition].set()
        self.waiting += 1

    def _wall_ms(self) -> int:
        return int(self._clock.wall().timestamp() * 1000)

    async def _send_for_ever(self, partition: int) -> None:
        queue, wake = self._queues[partition], self._wake[partition]
        while True:
            await wake.wait()
            wake.clear()
            while queue:
                await self._send(partition, queue)

    async def _send(self, partition: int, queue: deque[Due]) -> None:
        """Send one batch from the head of the queue until it is acknowledged; an unsure one is sent again."""
        producer = self._producer
        if producer is None:
            await asyncio.sleep(TICK_S)
            return
        batch, packed = _packed(producer, queue)
        try:
            async with asyncio.timeout(ACK_TIMEOUT_S):
                acknowledged = await producer.send_batch(batch, self._topic, partition=partition)
                place = await acknowledged
        except (KafkaError, TimeoutError, OSError):
            self._note(packed, partition, None)
            await self._renew(producer)
            return
        for _ in packed:
            queue.popleft()
        self._note(packed, partition, place.offset)
        self.waiting -= len(packed)
        self.acknowledged += len(packed)

    def _note(self, packed: Sequence[Due], partition: int, first: int | None) -> None:
        if self._history is not None:
            self._history.note(
                [
                    Publication(r.kind, r.order_id, partition, None if first is None else first + n, due, r.flaw)
                    for n, (r, due) in enumerate(packed)
                ]
            )

    async def _renew(self, broken: AIOKafkaProducer) -> None:
        """Replace a producer whose sequence numbers are in doubt."""
        async with self._renewing:
            if self._producer is broken:
                self._producer = None
                await _stopped(broken)
                while self._producer is None:
                    try:
                        self._producer = await self._connect()
                    except (KafkaError, OSError):
                        await asyncio.sleep(0.5)

    async def _connect(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, acks="all", enable_idempotence=True, max_batch_size=MAX_BATCH_BYTES,
            compression_type="lz4", request_timeout_ms=10_000,
        )  # fmt: skip
        await producer.start()
        return producer


def _packed(producer: AIOKafkaProducer, queue: deque[Due]) -> tuple[Any, list[Due]]:
    """A closed batch of what waits, as much as fits, and what is in it; the queue is left as it is."""
    batch, packed = producer.create_batch(), []
    for record, due_ms in queue:
        message = record.message
        if batch.append(timestamp=due_ms, key=message.key, value=message.value, headers=list(message.headers)) is None:
            break
        packed.append((record, due_ms))
    batch.close()
    return batch, packed


async def _stopped(producer: AIOKafkaProducer) -> None:
    try:
        await asyncio.wait_for(producer.stop(), 2.0)
    except (KafkaError, TimeoutError, OSError):
        return
