"""One open transaction of the in-memory store, as handlers and as the stage see it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from linkstar_runtime.ports import Advance, DeadLetter, StoreUnavailable
from linkstar_runtime.records import OutboxRow
from linkstar_runtime.testing_locks import SERVER, LockHolder

if TYPE_CHECKING:
    from linkstar_runtime.testing_store import MemoryTables

__all__ = ["MemoryBatch", "MemoryTransaction"]


class MemoryTransaction(LockHolder):
    """What a handler gets from the memory store: locked rows of a key-value state, staged until commit.

    Reads see what is committed at that moment, and the transaction's own writes (READ COMMITTED).
    """

    def __init__(
        self, tables: MemoryTables, statement: Callable[[], Awaitable[None]], now: datetime, idle_limit_s: float
    ) -> None:
        super().__init__()
        self.tables, self.now = tables, now
        self.open, self.committing, self._applied = True, False, False
        self.epochs: dict[int, int] = {}
        self.inserted: list[OutboxRow] = []
        self.deleted: set[tuple[int, int]] = set()
        self._statement = statement
        self._staged: dict[str, Any] = {}
        self._appended: list[tuple[str, Any]] = []
        self.changes: list[tuple[dict[Any, Any], Any, Any]] = []
        """Changes of the stage's own tables: table, key, value."""
        self._idle_limit_s = idle_limit_s
        self._touched = 0.0
        if idle_limit_s:
            self._watch(idle_limit_s)

    # -- statements --------------------------------------------------------------------------------------------------

    async def statement(self) -> None:
        """Every statement passes here: it takes time, and may find the connection broken."""
        self._check()
        try:
            await self._statement()
        except StoreUnavailable:
            self.abort()
            raise
        self._check()
        if self._idle_limit_s:
            self._touched = asyncio.get_running_loop().time()

    async def lock(self, keys: Collection[str]) -> None:
        """Lock rows in key order, as every writer must."""
        await self.statement()
        for key in sorted(keys):
            await self.tables.locks.acquire(self, key)
            self._check()

    def get(self, key: str, default: Any = None) -> Any:
        """Read a row: own writes first."""
        return self._staged[key] if key in self._staged else self.tables.state.get(key, default)

    def put(self, key: str, value: Any) -> None:
        """Write a row; visible to others after commit. None deletes it."""
        self._staged[key] = value

    def append(self, table: str, row: Any) -> None:
        """Insert a row into a table that is only appended to."""
        self._appended.append((table, row))

    def stage(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        """Change one of the stage's own tables at commit."""
        self.changes.append((table, key, value))

    def _check(self) -> None:
        if not self.open:
            raise StoreUnavailable("the server has ended this transaction")

    # -- the end -----------------------------------------------------------------------------------------------------

    def abort(self) -> None:
        """Roll back and release all locks; harmless when already ended."""
        if self.open:
            self.open = False
            self.tables.locks.release(self)

    async def commit(self, arrives: bool, after_s: float, answered_after_s: float) -> bool:
        """Send COMMIT; the server carries it out whatever has become of the client by then. True when it did."""
        self.committing = True
        if not self.open:
            return False
        if not (after_s or answered_after_s):
            self._end(arrives)
            return self._applied
        loop = asyncio.get_running_loop()
        loop.call_later(after_s, self._end, arrives, context=SERVER)
        answer: asyncio.Future[None] = loop.create_future()
        loop.call_later(answered_after_s, _set, answer, context=SERVER)
        await answer
        return self._applied

    def _end(self, arrives: bool) -> None:
        """The server has read COMMIT, or has found the connection broken instead."""
        if self.open and arrives:
            self._applied = True
            self._apply()
        self.abort()

    def _apply(self) -> None:
        tables = self.tables
        for observe in tables.observers:
            observe(self)
        tables.fenced_commits += bool(self.epochs)
        tables.stale_commits += any(tables.epochs[shard] != epoch for shard, epoch in self.epochs.items())
        for table, key, value in self.changes:
            table[key] = value
        for name, row in self._staged.items():
            if row is None:
                tables.state.pop(name, None)
            else:
                tables.state[name] = row
        for name, row in self._appended:
            tables.journal[name].append(row)
        for outgoing in self.inserted:
            tables.outbox[outgoing.shard, outgoing.seq] = replace(outgoing, made=None)
        for place in self.deleted:
            tables.outbox.pop(place, None)

    def _watch(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._touched = self._touched or loop.time()
        loop.call_later(seconds, self._end_if_idle, loop, context=SERVER)

    def _end_if_idle(self, loop: asyncio.AbstractEventLoop) -> None:
        """The server ends a transaction whose client says nothing for too long."""
        if not self.open or self.committing:
            return
        left = self._touched + self._idle_limit_s - loop.time()
        if left <= 0 and self.waiting is None:
            self.abort()
        else:
            loop.call_later(max(left, 0.5), self._end_if_idle, loop, context=SERVER)


def _set(answer: asyncio.Future[None]) -> None:
    if not answer.done():
        answer.set_result(None)


class MemoryBatch:
    """`BatchTransaction` on one memory transaction."""

    def __init__(self, tx: MemoryTransaction) -> None:
        self._tx = tx

    @property
    def handle(self) -> MemoryTransaction:
        return self._tx

    async def fence(self, epochs: Mapping[int, int], advances: Sequence[Advance]) -> Collection[int]:
        tables = self._tx.tables
        await self._tx.lock([f"shard/{shard:06d}" for shard in epochs])
        refused = {shard for shard, epoch in epochs.items() if tables.epochs[shard] != epoch}
        if advances and not refused:
            await self._tx.statement()
            refused = {a.shard for a in advances if tables.offsets.get((a.shard, a.topic)) != a.expected}
            for advance in advances:
                self._tx.stage(tables.offsets, (advance.shard, advance.topic), advance.new)
        tables.refusals += len(refused)
        self._tx.epochs = {shard: epoch for shard, epoch in epochs.items() if shard not in refused}
        return refused

    async def delete_outbox(self, rows: Collection[tuple[int, int]]) -> None:
        if rows:
            self._tx.deleted |= set(rows)

    async def insert_outbox(self, rows: Sequence[OutboxRow]) -> None:
        if rows:
            await self._tx.statement()
        self._tx.inserted += [replace(row, seq=self.next_sequence()) for row in rows]

    def next_sequence(self) -> int:
        """Draw the next number of the outbox; it is gone even when the transaction rolls back."""
        self._tx.tables.sequence += 1
        return self._tx.tables.sequence

    async def insert_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        table = self._tx.tables.dead_letters
        for letter in letters:
            place = (letter.record.topic, letter.record.partition, letter.record.offset)
            self._tx.stage(table, place, table.get(place, letter))

    async def visible_outbox(self, shards: Collection[int]) -> list[OutboxRow]:
        await self._tx.statement()
        visible = [row for row in self._tx.tables.rows(shards) if (row.shard, row.seq) not in self._tx.deleted]
        own = [row for row in self._tx.inserted if row.shard in shards]
        return sorted([*visible, *own], key=lambda row: (row.shard, row.seq))
