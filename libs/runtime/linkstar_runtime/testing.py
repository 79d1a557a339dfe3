"""In-memory broker and store behind the stage's own ports, shipped with the library. They pass the same behaviour suite as
Kafka and PostgreSQL, and their faults are switched on by the test that wants them.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from linkstar_runtime.clock import Clock
from linkstar_runtime.ports import (
    Advance,
    BatchTransaction,
    Claim,
    CommitUnknown,
    DeadLetter,
    ProduceFailed,
    StoreUnavailable,
)  # fmt: skip
from linkstar_runtime.records import OutboxRow, OutgoingRecord, StoredRecord

__all__ = ["MemoryBroker", "MemoryConsumer", "MemoryProducer", "MemoryStore", "MemoryTransaction"]


class MemoryBroker:
    """Topics of append-only partitions. Offsets may be sparse: `skip` leaves a gap, as compaction does."""

    cluster_id = "memory"

    def __init__(self) -> None:
        self.logs: dict[tuple[str, int], list[StoredRecord]] = defaultdict(list)
        self._next: dict[tuple[str, int], int] = defaultdict(int)

    def append(self, topic: str, partition: int, record: OutgoingRecord) -> int:
        """Append a record and return its offset."""
        offset = self._next[topic, partition]
        self._next[topic, partition] = offset + 1
        self.logs[topic, partition].append(
            StoredRecord(topic, partition, offset, record.key, record.value, tuple(record.headers), record.timestamp_ms)
        )
        return offset

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

    async def bounds(self, partitions: Collection[tuple[str, int]]) -> dict[tuple[str, int], tuple[int, int]]:
        return {place: (0, self._broker.end(*place)) for place in partitions}

    async def commit(self, offsets: Mapping[tuple[str, int], int]) -> None:
        self.committed.update(offsets)

    def poll(self, max_records: int = 500) -> list[StoredRecord]:
        """Return the next records of all assigned, unpaused partitions and move the positions on."""
        found: list[StoredRecord] = []
        for place in sorted(self.assigned - self.paused):
            position = self.positions.get(place, 0)
            fresh = [record for record in self._broker.logs[place] if record.offset >= position]
            fresh = fresh[: max_records - len(found)]
            if fresh:
                self.positions[place] = fresh[-1].offset + 1
                found += fresh
        return found


class MemoryTransaction:
    """What a handler gets from the memory store: locked rows of a key-value state, staged until commit."""

    def __init__(self, store: MemoryStore, now: datetime) -> None:
        self._store = store
        self.now = now
        self._staged: dict[str, Any] = {}
        self._held: list[asyncio.Lock] = []

    async def lock(self, keys: Collection[str]) -> None:
        """Lock rows in key order, as every writer must."""
        for key in sorted(keys):
            lock = self._store.locks[key]
            if lock not in self._held:
                await lock.acquire()
                self._held.append(lock)

    def get(self, key: str, default: Any = None) -> Any:
        """Read a row: own writes first."""
        return self._staged.get(key, self._store.state.get(key, default))

    def put(self, key: str, value: Any) -> None:
        """Write a row; visible to others after commit."""
        self._staged[key] = value

    def finish(self, commit: bool) -> None:
        """Commit or roll back the state and release all locks."""
        if commit:
            self._store.state.update(self._staged)
        for lock in self._held:
            lock.release()


class _MemoryBatch:
    def __init__(self, store: MemoryStore, handle: MemoryTransaction) -> None:
        self._store, self._handle = store, handle
        self._effects: list[Any] = []
        self._inserted: list[OutboxRow] = []
        self._deleted: set[tuple[int, int]] = set()

    @property
    def handle(self) -> MemoryTransaction:
        return self._handle

    async def fence(self, epochs: Mapping[int, int], advances: Sequence[Advance]) -> Collection[int]:
        await self._handle.lock([f"shard/{shard:06d}" for shard in epochs])
        store = self._store
        refused = {shard for shard, epoch in epochs.items() if store.epochs[shard] != epoch}
        if refused:
            return refused
        refused = {a.shard for a in advances if store.offsets.get((a.shard, a.topic)) != a.expected}
        self._effects += [({(a.shard, a.topic): a.new}, store.offsets) for a in advances]
        return refused

    async def delete_outbox(self, rows: Collection[tuple[int, int]]) -> None:
        self._deleted |= set(rows)

    async def insert_outbox(self, rows: Sequence[tuple[int, str, int, int, bytes]]) -> None:
        for shard, topic, partition, count, chunk in rows:
            self._store.sequence += 1
            self._inserted.append(OutboxRow(shard, self._store.sequence, topic, partition, count, chunk))

    async def insert_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        places = {(x.record.topic, x.record.partition, x.record.offset): x for x in letters}
        self._effects.append((places, self._store.dead_letters))

    async def visible_outbox(self, shards: Collection[int]) -> list[OutboxRow]:
        visible = [row for row in self._store.rows(shards) if (row.shard, row.seq) not in self._deleted]
        return sorted([*visible, *self._inserted], key=lambda row: (row.shard, row.seq))

    def apply(self) -> None:
        for change, table in self._effects:
            table.update(change)
        for row in self._inserted:
            self._store.outbox[row.shard, row.seq] = row
        for place in self._deleted:
            self._store.outbox.pop(place, None)


class MemoryStore:
    """`StageStore` in memory. `faults` holds outcomes of the next commits: `unavailable`, `reply_lost` or `lost`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.epochs: dict[int, int] = defaultdict(int)
        self.clusters: dict[int, str] = {}
        self.offsets: dict[tuple[int, str], int] = {}
        self.outbox: dict[tuple[int, int], OutboxRow] = {}
        self.dead_letters: dict[tuple[str, int, int], DeadLetter] = {}
        self.state: dict[str, Any] = {}
        self.locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.notified: list[int] = []
        self.faults: list[str] = []
        self.sequence = 0

    async def claim(self, shard: int, owner: str, cluster_id: str, beginnings: Mapping[str, int]) -> Claim:
        handle = MemoryTransaction(self, self._clock.now())
        await handle.lock([f"shard/{shard:06d}"])
        self.epochs[shard] += 1
        self.clusters.setdefault(shard, cluster_id)
        for topic, first in beginnings.items():
            self.offsets.setdefault((shard, topic), first)
        offsets = {topic: self.offsets[shard, topic] for topic in beginnings}
        handle.finish(commit=True)
        return Claim(self.epochs[shard], self.clusters[shard], offsets)

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[BatchTransaction]:
        handle = MemoryTransaction(self, self._clock.now())
        batch = _MemoryBatch(self, handle)
        try:
            yield batch
        except BaseException:
            handle.finish(commit=False)
            raise
        fault = self.faults.pop(0) if self.faults else ""
        if fault in ("", "reply_lost"):
            batch.apply()
        handle.finish(commit=fault in ("", "reply_lost"))
        if fault == "unavailable":
            raise StoreUnavailable(fault)
        if fault:
            raise CommitUnknown(fault)

    def rows(self, shards: Collection[int]) -> list[OutboxRow]:
        """Return the committed rows of these shards in order."""
        return [row for (shard, _), row in sorted(self.outbox.items()) if shard in shards]

    async def pending(self, shards: Collection[int]) -> list[OutboxRow]:
        await asyncio.sleep(0)
        return self.rows(shards)

    async def delete_acked(self, epochs: Mapping[int, int], rows: Collection[tuple[int, int]]) -> Collection[int]:
        async with self.batch() as tx:
            refused = await tx.fence(epochs, ())
            await tx.delete_outbox([row for row in rows if row[0] not in refused])
        return refused

    async def notify(self, shards: Collection[int]) -> None:
        self.notified += shards
