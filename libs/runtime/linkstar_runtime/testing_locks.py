"""Row locks of the in-memory store: first come, first served, with deadlock detection and a lock time-out, as PostgreSQL
has them.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import Counter, deque
from collections.abc import Iterator

from linkstar_runtime.ports import StoreConflict

__all__ = ["SERVER", "LockHolder", "RowLocks"]

SERVER = contextvars.Context()
"""What a server does by itself runs in this context: it belongs to no client, and goes on when a client stands still."""


class LockHolder:
    """A transaction as the locks see it."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.waiting: str | None = None


class RowLocks:
    """Exclusive locks by row name, held until `release`."""

    def __init__(self, timeout_s: float = 10.0) -> None:
        self._timeout_s = timeout_s
        self._held: dict[str, LockHolder] = {}
        self._queues: dict[str, deque[tuple[LockHolder, asyncio.Future[None]]]] = {}
        self.deadlocks: list[tuple[str, ...]] = []
        """The rows of each cycle that was refused."""
        self.waits: Counter[str] = Counter()
        """How often a row was waited for."""

    async def acquire(self, holder: LockHolder, row: str) -> None:
        """Lock `row` for `holder`; raises StoreConflict on a deadlock or after the time-out."""
        owner = self._held.get(row)
        if owner is None:
            self._grant(holder, row)
        elif owner is not holder:
            await self._wait(holder, row)

    def release(self, holder: LockHolder) -> None:
        """Give up all rows, and the wait if there is one; who waits longest gets each row."""
        rows, holder.rows, holder.waiting = holder.rows, [], None
        for row in rows:
            del self._held[row]
            self._pass_on(row)

    def _grant(self, holder: LockHolder, row: str) -> None:
        self._held[row] = holder
        holder.rows.append(row)
        holder.waiting = None

    def _pass_on(self, row: str) -> None:
        queue = self._queues.get(row)
        while queue:
            holder, turn = queue.popleft()
            if holder.waiting == row and not turn.done():
                self._grant(holder, row)
                turn.set_result(None)
                return
        self._queues.pop(row, None)

    async def _wait(self, holder: LockHolder, row: str) -> None:
        cycle = tuple(self._cycle(holder, row))
        if cycle:
            self.deadlocks.append(cycle)
            raise StoreConflict("deadlock")
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self.waits[row] += 1
        holder.waiting = row
        self._queues.setdefault(row, deque()).append((holder, turn))
        limit = loop.call_later(self._timeout_s, self._time_out, turn, context=SERVER)
        try:
            await turn
        finally:
            limit.cancel()
            if holder.waiting == row:
                holder.waiting = None

    def _time_out(self, turn: asyncio.Future[None]) -> None:
        if not turn.done():
            turn.set_exception(StoreConflict("lock time-out"))

    def _cycle(self, holder: LockHolder, row: str) -> Iterator[str]:
        """Follow who waits for whom; yield the rows if the way leads back to `holder`."""
        rows, owner = [row], self._held.get(row)
        while owner is not None and owner is not holder and owner.waiting is not None:
            rows.append(owner.waiting)
            owner = self._held.get(owner.waiting)
        if owner is holder:
            yield from rows
