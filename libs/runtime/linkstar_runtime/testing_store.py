"""The stage's store in memory: one set of tables for all members, transactions with row locks that see what is committed,
and a wire to each member on which requests and replies may be late or lost.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from linkstar_runtime.clock import Clock
from linkstar_runtime.failpoints import FailpointError, afail
from linkstar_runtime.ports import BatchTransaction, Claim, CommitUnknown, DeadLetter, Insertion, StoreUnavailable
from linkstar_runtime.records import OutboxRow
from linkstar_runtime.testing_locks import RowLocks
from linkstar_runtime.testing_transaction import MemoryBatch, MemoryTransaction

__all__ = ["Commit", "MemoryStore", "MemoryTables", "Wire"]


class MemoryTables:
    """What has been committed. `sequence` and `locks` are shared by all transactions, as in a server."""

    def __init__(self, lock_timeout_s: float = 10.0) -> None:
        self.epochs: dict[int, int] = defaultdict(int)
        self.clusters: dict[int, str] = {}
        self.offsets: dict[tuple[int, str], int] = {}
        self.outbox: dict[tuple[int, int], OutboxRow] = {}
        self.dead_letters: dict[tuple[str, int, int], DeadLetter] = {}
        self.state: dict[str, Any] = {}
        self.journal: dict[str, list[Any]] = defaultdict(list)
        """Rows that were only ever appended, by table."""
        self.locks = RowLocks(lock_timeout_s)
        self.sequence = 0
        self.stale_commits = 0
        """Transactions committed under an epoch that no longer held: must stay 0."""
        self.fenced_commits = self.refusals = 0
        """Transactions committed under a fence, and shards refused by one."""
        self.observers: list[Callable[[MemoryTransaction], None]] = []
        """Told of every transaction just before it is committed."""
        self.notified: list[int] = []
        self.listeners: list[Callable[[Collection[int]], None]] = []

    def rows(self, shards: Collection[int]) -> list[OutboxRow]:
        """Return the committed outbox rows of these shards in order."""
        return [row for (shard, _), row in sorted(self.outbox.items()) if shard in shards]


@dataclass(frozen=True, slots=True)
class Commit:
    """Fate of one COMMIT: whether and when the server carries it out, and what the client learns when."""

    applied: bool = True
    applied_after_s: float = 0.0
    answered: bool = True
    answered_after_s: float = 0.0


class Wire:
    """The way between one member and the server. This one is instant and fails only by `faults`: outcomes of the next
    commits, `unavailable`, `lost` or `reply_lost`.
    """

    def __init__(self) -> None:
        self.faults: list[str] = []

    async def statement(self) -> None:
        """Carry one statement; raise StoreUnavailable when the connection breaks, which ends the transaction."""

    def commit(self) -> Commit:
        """Draw the fate of a COMMIT; raise StoreUnavailable when it cannot even be sent."""
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "unavailable":
            raise StoreUnavailable(fault)
        return Commit(applied=fault != "lost", answered=not fault)


class MemoryStore:
    """`StageStore` of one member on shared tables; alone on its own tables when none are given."""

    def __init__(self, clock: Clock, tables: MemoryTables | None = None, wire: Wire | None = None) -> None:
        self._clock = clock
        self.tables, self.wire = tables or MemoryTables(), wire or Wire()
        self.faults = self.wire.faults
        self.idle_limit_s = 0.0
        """A transaction without a statement for so long is rolled back by the server; 0 = never."""
        self._open: dict[MemoryTransaction, None] = {}

    @property
    def dead_letters(self) -> Mapping[tuple[str, int, int], DeadLetter]:
        """Dead letters by topic, partition and offset."""
        return self.tables.dead_letters

    # -- the port ----------------------------------------------------------------------------------------------------

    async def claim(self, shard: int, owner: str, cluster_id: str, beginnings: Mapping[str, int]) -> Claim:
        async with self._transaction() as tx:
            await tx.lock([f"shard/{shard:06d}"])
            epoch = tx.tables.epochs[shard] + 1
            cluster = tx.tables.clusters.get(shard, cluster_id)
            offsets = {topic: tx.tables.offsets.get((shard, topic), first) for topic, first in beginnings.items()}
            tx.stage(tx.tables.epochs, shard, epoch)
            tx.stage(tx.tables.clusters, shard, cluster)
            for topic, offset in offsets.items():
                tx.stage(tx.tables.offsets, (shard, topic), offset)
        return Claim(epoch, cluster, offsets)

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[BatchTransaction]:
        async with self._transaction() as tx:
            yield MemoryBatch(tx)

    async def insert(self, insertion: Insertion, rows: Sequence[OutboxRow]) -> bool:
        raise TypeError("tables in memory know no SQL")

    async def pending(self, shards: Collection[int]) -> list[OutboxRow]:
        await asyncio.sleep(0)
        await self.wire.statement()
        return self.tables.rows(shards)

    async def waiting(self, shards: Collection[int]) -> Collection[tuple[int, int]]:
        return [(row.shard, row.seq) for row in await self.pending(shards)]

    async def delete_acked(self, epochs: Mapping[int, int], rows: Collection[tuple[int, int]]) -> Collection[int]:
        async with self.batch() as tx:
            refused = await tx.fence(epochs, ())
            await tx.delete_outbox([row for row in rows if row[0] not in refused])
        return refused

    async def notify(self, shards: Collection[int]) -> None:
        await self.wire.statement()
        self.tables.notified += shards
        for listener in self.tables.listeners:
            listener(shards)

    # -- transactions ------------------------------------------------------------------------------------------------

    def abort_open(self) -> None:
        """The member is gone: the server rolls back whatever it had open and unsent."""
        for tx in list(self._open):
            if not tx.committing:
                tx.abort()

    def begin(self) -> MemoryTransaction:
        """Open a transaction that somebody else will end."""
        return MemoryTransaction(self.tables, self.wire.statement, self._clock.now(), self.idle_limit_s)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[MemoryTransaction]:
        tx = self.begin()
        self._open[tx] = None
        try:
            yield tx
        except BaseException:
            tx.abort()
            self._open.pop(tx, None)
            raise
        try:
            await self._commit(tx)
        finally:
            self._open.pop(tx, None)

    async def _commit(self, tx: MemoryTransaction) -> None:
        try:
            fate = self.wire.commit()
        except StoreUnavailable:
            tx.abort()
            raise
        committed = await tx.commit(fate.applied, fate.applied_after_s, fate.answered_after_s)
        if not (committed and fate.answered):
            raise CommitUnknown("the connection broke while COMMIT was under way")
        try:
            await afail("stage.commit_reply_lost")
        except FailpointError as error:
            raise CommitUnknown(str(error)) from error
