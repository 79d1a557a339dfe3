"""Deliberately broken variants of the product: each breaks one rule of the design, and the checks must see it.

They replace classes of the product from outside; the product itself knows nothing of them.
"""

from __future__ import annotations

import contextvars
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from linkstar_runtime.batch import BatchRunner, Committed, Fenced, Work
from linkstar_runtime.emitter import Emitter
from linkstar_runtime.handling import Received
from linkstar_runtime.ownership import Ownership
from linkstar_runtime.ports import Advance, BatchTransaction
from linkstar_runtime.records import OutboxRow
from linkstar_runtime.stage import Stage
from linkstar_runtime.sweep import Sweep
from linkstar_runtime.testing import MemoryBatch, MemoryStore, MemoryTransaction
from linkstar_runtime.writer import Writer
from simulation.example import Example
from simulation.parts import Parts

__all__ = ["MUTANTS", "Mutant"]

PRODUCT = Parts()


# -- the store's part of the rules ---------------------------------------------------------------------------------------


class _NoEpoch(MemoryBatch):
    """Whoever knows the offset may write."""

    async def fence(self, epochs: Mapping[int, int], advances: Sequence[Advance]) -> Collection[int]:
        await self.handle.lock([f"shard/{shard:06d}" for shard in epochs])
        held = {shard: self.handle.tables.epochs[shard] for shard in epochs}
        refused = await super().fence(held, advances)
        self.handle.epochs = dict(epochs)
        return refused


class _EarlySequence(MemoryBatch):
    """The outbox's number is drawn when the transaction begins, before any aggregate is locked."""

    def __init__(self, tx: MemoryTransaction) -> None:
        super().__init__(tx)
        self._reserved = list(range(tx.tables.sequence + 1, tx.tables.sequence + 5))
        tx.tables.sequence += 4

    def next_sequence(self) -> int:
        return self._reserved.pop(0) if self._reserved else super().next_sequence()


class _OwnChunk(MemoryBatch):
    """A batch sends what it has written itself, and leaves older rows of others to the sweep."""

    async def visible_outbox(self, shards: Collection[int]) -> list[OutboxRow]:
        await self.handle.statement()
        return [row for row in self.handle.inserted if row.shard in shards]


class _DeleteUpTo(MemoryBatch):
    """Deletes every row up to the last acknowledged number, also those of other shards and those that appeared late."""

    async def delete_outbox(self, rows: Collection[tuple[int, int]]) -> None:
        last = max((seq for _, seq in rows), default=0)
        await super().delete_outbox([(shard, seq) for shard, seq in self.handle.tables.outbox if seq <= last])


def _with_batch(kind: type[MemoryBatch]) -> type[MemoryStore]:
    class Store(MemoryStore):
        @asynccontextmanager
        async def batch(self) -> AsyncIterator[BatchTransaction]:
            async with super().batch() as tx:
                yield kind(tx.handle)

    return Store


# -- emission ------------------------------------------------------------------------------------------------------------

_claiming: contextvars.ContextVar[bool] = contextvars.ContextVar("claiming", default=False)


class _InheritedIgnored(Ownership):
    """A new owner leaves alone what the old one has not sent."""

    async def _claim(self, *arguments: Any) -> None:
        _claiming.set(True)
        try:
            await super()._claim(*arguments)
        finally:
            _claiming.set(False)


class _IgnoringEmitter(Emitter):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._ignored: dict[int, set[int]] = defaultdict(set)

    async def emit(self, shard: int, rows: Sequence[OutboxRow], deleted: Collection[tuple[int, int]] = ()) -> bool:
        if _claiming.get():
            self._ignored[shard] = {row.seq for row in rows}
            return True
        return await super().emit(shard, [row for row in rows if row.seq not in self._ignored[shard]], deleted)


class _DeletingEmitter(Emitter):
    """Rows are deleted before the broker has acknowledged them."""

    store: MemoryStore

    async def _send_target(self, shard: int, rows: list[OutboxRow]) -> bool:
        async with self.store.batch() as tx:
            await tx.delete_outbox([(shard, row.seq) for row in rows])
        return await super()._send_target(shard, rows)


def _give_store(replica: Any) -> None:
    replica.emitter.store = replica.store


class _LastSeen(Sweep):
    """The sweep asks for rows behind the last one it has seen."""

    async def _emit_waiting(self) -> None:
        pending, seen = self._store.pending, self.__dict__.setdefault("seen", {})

        async def fresh(shards: Collection[int]) -> list[OutboxRow]:
            rows = [row for row in await pending(shards) if row.seq > seen.get(row.shard, 0)]
            for row in rows:
                seen[row.shard] = row.seq
            return rows

        held = {shard: own for shard, own in self._ownership.owned.items() if not self._emitter.lock(shard).locked()}
        for shard in sorted(held):
            async with self._emitter.lock(shard):
                await self._emitter.emit(shard, await fresh([shard]), self._emitter.acked([shard]))


class _ForeignEmission(Writer):
    """The process that served the command sends its row, whoever owns the shard."""

    replica: Any

    async def _tell(self) -> None:
        shards, self._untold, self._telling = sorted(self._untold), set(), None
        latest = {row.shard: row for row in await self._store.pending(shards)}
        for shard, row in latest.items():
            async with self.replica.emitter.lock(shard):
                await self.replica.emitter.emit(shard, [row])


def _give_replica(replica: Any) -> None:
    replica.writer.replica = replica


class _OffsetFirst(BatchRunner):
    """The offsets are committed first, then the work is done."""

    async def run(self, work: Mapping[int, Work]) -> Committed:
        async with self._store.batch() as tx:
            await self._fence(tx, sorted(work), work)
        return await super().run(work)

    async def _fence(self, tx: BatchTransaction, shards: Sequence[int], work: Mapping[int, Work]) -> None:
        held = {shard: work[shard].held for shard in shards}
        advances = [
            Advance(shard, topic, held[shard].expected[topic], end)
            for shard in shards
            for topic, end in sorted(work[shard].ends().items())
            if end > held[shard].expected[topic]
        ]
        refused = await tx.fence({shard: held[shard].epoch for shard in shards}, advances)
        if refused:
            raise Fenced(refused)
        for advance in advances:
            held[advance.shard].expected[advance.topic] = advance.new


class _NoOutbox(Stage):
    """What was not sent right after the commit is never sent: the rows are as good as deleted with it."""

    async def _after_commit(self, work: Mapping[int, Work], committed: Committed, started: float) -> None:
        async with self._store.batch() as tx:
            await tx.delete_outbox([(row.shard, row.seq) for row in committed.rows])
        await super()._after_commit(work, committed, started)


# -- ownership -----------------------------------------------------------------------------------------------------------


class _NoDirtyCheck(Ownership):
    """After a failed delivery the next one is believed."""

    def admit(self, topic: str, shard: int, end: int) -> int | None:
        held = self.owned.get(shard)
        self.handed[topic, shard] = end
        return None if held is None else held.expected.get(topic)

    def seek_idle(self) -> None: ...


class _ClaimClears(Ownership):
    """A claim's seek makes a partition clean, although an older poll may still be on its way."""

    async def _claim(self, shard: int, *rest: Any) -> None:
        await super()._claim(shard, *rest)
        if shard in self.owned:
            for topic, offset in self.owned[shard].expected.items():
                self.handed[topic, shard] = min(self.handed.get((topic, shard), 0), offset)


class _HalfShard(Ownership):
    """A shard is claimed when one topic's partition is assigned."""

    def complete(self) -> list[int]:
        return sorted({shard for _, shard in self.consumer.assignment()}) if self.consumer else []


def round_robin(members: Mapping[str, Collection[str]], partitions: int) -> dict[str, list[tuple[str, int]]]:
    """The default of aiokafka and FastStream: partitions are dealt out one by one over all topics."""
    assignment: dict[str, list[tuple[str, int]]] = {member: [] for member in members}
    names, turn = sorted(members), 0
    for topic in sorted({topic for topics in members.values() for topic in topics}):
        for partition in range(partitions):
            while topic not in members[names[turn % len(names)]]:
                turn += 1
            assignment[names[turn % len(names)]].append((topic, partition))
            turn += 1
    return assignment


# -- handlers ------------------------------------------------------------------------------------------------------------


class _NoNaturalKey(Example):
    def known(self, tx: MemoryTransaction, fact: str) -> bool:
        return False


class _UnsortedWallets(Example):
    async def lock_wallets(self, tx: MemoryTransaction, wallets: Sequence[str]) -> None:
        for wallet in wallets:
            await tx.lock([wallet])


class _LockAfterRead(Example):
    """Versions are computed before the aggregate is locked."""

    async def _apply(self, batch: Sequence[Received[Any]], tx: MemoryTransaction) -> Any:
        read = {f"version/{each.event.order_id}": tx.get(f"version/{each.event.order_id}", 0) for each in batch}
        await tx.statement()
        for name, version in read.items():
            tx.put(name, version)
        return await super()._apply(batch, tx)


@dataclass(frozen=True)
class Mutant:
    """A broken variant, and a seed that was seen to catch it; any change of the product may shift the course of a seed."""

    known: int
    parts: Parts


MUTANTS: dict[str, Mutant] = {
    "no_epoch": Mutant(10, replace(PRODUCT, store=_with_batch(_NoEpoch))),
    "inherited_rows_ignored": Mutant(0, replace(PRODUCT, ownership=_InheritedIgnored, emitter=_IgnoringEmitter)),
    "own_chunk_only": Mutant(4, replace(PRODUCT, store=_with_batch(_OwnChunk))),
    "deleted_before_ack": Mutant(0, replace(PRODUCT, emitter=_DeletingEmitter, prepare=_give_store)),
    "no_natural_key": Mutant(0, replace(PRODUCT, example=_NoNaturalKey)),
    "offset_first": Mutant(0, replace(PRODUCT, runner=_OffsetFirst)),
    "no_dirty_check": Mutant(13, replace(PRODUCT, ownership=_NoDirtyCheck)),
    "round_robin": Mutant(1, replace(PRODUCT, assignor=round_robin)),
    "sequence_before_lock": Mutant(0, replace(PRODUCT, store=_with_batch(_EarlySequence))),
    "unsorted_wallets": Mutant(0, replace(PRODUCT, example=_UnsortedWallets)),
    "half_shard": Mutant(1, replace(PRODUCT, ownership=_HalfShard)),
    "claim_clears_dirty": Mutant(13, replace(PRODUCT, ownership=_ClaimClears)),
    "sweep_last_seen": Mutant(40, replace(PRODUCT, sweep=_LastSeen)),
    "delete_up_to": Mutant(3, replace(PRODUCT, store=_with_batch(_DeleteUpTo))),
    "foreign_emission": Mutant(0, replace(PRODUCT, writer=_ForeignEmission, prepare=_give_replica)),
    "no_outbox": Mutant(2, replace(PRODUCT, stage=_NoOutbox)),
    "version_before_lock": Mutant(2, replace(PRODUCT, example=_LockAfterRead)),
}
"""By name; the first ten are those that the design names."""
