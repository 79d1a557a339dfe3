"""Kafka's topics in memory, with a producer and a consumer whose faults are switched on by the test that wants them."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from linkstar_runtime.ports import ProduceFailed
from linkstar_runtime.records import OutgoingRecord, StoredRecord

__all__ = ["MemoryBroker", "MemoryConsumer", "MemoryProducer", "Verdict"]

Verdict = Literal["appended", "duplicate", "out_of_order"]


class MemoryBroker:
    """Topics of append-only partitions. Offsets may be sparse: `skip` leaves a gap, as compaction does."""

    cluster_id = "memory"

    def __init__(self) -> None:
        self.logs: dict[tuple[str, int], list[StoredRecord]] = defaultdict(list)
        self._next: dict[tuple[str, int], int] = defaultdict(int)
        self._sequences: dict[tuple[int, str, int], int] = {}

    def append(self, topic: str, partition: int, record: OutgoingRecord) -> int:
        """Append a record and return its offset."""
        offset = self._next[topic, partition]
        self._next[topic, partition] = offset + 1
        self.logs[topic, partition].append(
            StoredRecord(topic, partition, offset, record.key, record.value, tuple(record.headers), record.timestamp_ms)
        )
        return offset

    def append_batch(
        self, producer: int, sequence: int, topic: str, partition: int, records: Sequence[OutgoingRecord]
    ) -> Verdict:
        """Append a batch of an idempotent producer: whole, once, and only behind the batch before it."""
        last = self._sequences.get((producer, topic, partition))
        if last is not None and sequence <= last:
            return "duplicate"
        if last is not None and sequence > last + 1:
            return "out_of_order"
        self._sequences[producer, topic, partition] = sequence
        for record in records:
            self.append(topic, partition, record)
        return "appended"

    def read(self, topic: str, partition: int, position: int, limit: int) -> list[StoredRecord]:
        """Return up to `limit` records from `position` on."""
        log = self.logs.get((topic, partition), [])
        first = bisect_left(log, position, key=lambda record: record.offset)
        return log[first : first + limit]

    def skip(self, topic: str, partition: int, count: int = 1) -> None:
        """Leave a gap of `count` offsets."""
        self._next[topic, partition] += count

    def end(self, topic: str, partition: int) -> int:
        """Return the log end offset."""
        return self._next[topic, partition]


@dataclass
class MemoryProducer:
    """`Producer` into a MemoryBroker. `faults` holds outcomes of the next sends: `lost`, `partial` or `ack_lost`."""

    broker: MemoryBroker
    faults: list[str] = field(default_factory=list)

    async def send(self, topic: str, partition: int, records: Sequence[OutgoingRecord]) -> None:
        fault = self.faults.pop(0) if self.faults else ""
        await asyncio.sleep(0)
        arriving = {"lost": [], "partial": records[: len(records) // 2]}.get(fault, records)
        for record in arriving:
            self.broker.append(topic, partition, record)
        if fault:
            raise ProduceFailed(fault)


class MemoryConsumer:
    """`Consumer` with a fixed assignment; `poll` returns what FastStream would hand over."""

    def __init__(self, broker: MemoryBroker, assignment: Collection[tuple[str, int]]) -> None:
        self._broker = broker
        self.assigned = set(assignment)
        self.positions: dict[tuple[str, int], int] = {}
        self.paused: set[tuple[str, int]] = set()
        self.committed: dict[tuple[str, int], int] = {}

    def assignment(self) -> Collection[tuple[str, int]]:
        return self.assigned

    def seek(self, topic: str, partition: int, offset: int) -> None:
        self.positions[topic, partition] = offset

    def pause(self, partitions: Collection[tuple[str, int]]) -> None:
        self.paused |= set(partitions)

    def resume(self, partitions: Collection[tuple[str, int]]) -> None:
        self.paused -= set(partitions)

    async def reached(self, partitions: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return {place: self.positions.get(place, 0) for place in partitions}

    async def bounds(self, partitions: Collection[tuple[str, int]]) -> dict[tuple[str, int], tuple[int, int]]:
        return {place: (0, self._broker.end(*place)) for place in partitions}

    async def commit(self, offsets: Mapping[tuple[str, int], int]) -> None:
        self.committed.update(offsets)

    def poll(self, max_records: int = 500) -> list[StoredRecord]:
        """Return the next records of all assigned, unpaused partitions and move the positions on."""
        found: list[StoredRecord] = []
        for place in sorted(self.assigned - self.paused):
            fresh = self._broker.read(*place, self.positions.get(place, 0), max_records - len(found))
            if fresh:
                self.positions[place] = fresh[-1].offset + 1
                found += fresh
        return found
