"""What a batch handler sees and says: received events, its transaction, and the outcomes Reject and Retry."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from linkstar_contracts.event import Event

if TYPE_CHECKING:
    import asyncpg

__all__ = ["E", "Handler", "Linked", "Outcome", "Received", "Reject", "Retry", "Telling", "Transaction"]

E = TypeVar("E", bound=Event, covariant=True)


class Received(NamedTuple, Generic[E]):
    """One event with the record it came in. `shard` = partition of its key; `traceparent` is its trace, if sampled.

    `body` is the record's own JSON, from which `event` was read; None when the event came by command.
    """

    event: E
    key: str
    shard: int
    topic: str = ""
    offset: int = -1
    traceparent: str | None = None
    body: bytes | None = None

    def json(self) -> str:
        """Return the event's JSON as it was published, with fields this version does not know."""
        return (self.body or self.event.body()).decode()


@dataclass(frozen=True, slots=True)
class Reject:
    """Outcome for one record that can never be processed: it becomes a dead letter in the same transaction.

    `code` is a stable, dotted word; `detail` says what, where and how to fix it, without personal data.
    """

    received: Received[Event]
    code: str
    detail: str


class Retry(Exception):
    """Infrastructure trouble: the transaction rolls back, the shard backs off, nothing is lost or skipped."""


class Linked(NamedTuple):
    """An event with earlier causes that its own batch does not hold, such as the label a late scan belongs to.

    Its trace is linked to theirs. `causes` are `traceparent` values that the service stored; None is skipped.
    """

    event: Event
    causes: tuple[str | None, ...] = ()
    body: bytes | None = None
    """The event's JSON, from a handler of large batches that wrote it while the event was in the processor's cache."""


Outcome = Event | Linked | Reject


class Transaction:
    """One open database transaction and the business time it runs at. It commits only when its owner says so."""

    __slots__ = ("connection", "now")

    def __init__(self, connection: asyncpg.Connection[Any], now: datetime) -> None:
        self.connection = connection
        self.now = now

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """Run a query and return all rows."""
        return await self.connection.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: object) -> asyncpg.Record | None:
        """Run a query and return its first row, if any."""
        return await self.connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: object) -> Any:
        """Run a query and return the first column of its first row, if any."""
        return await self.connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: object) -> str:
        """Run a statement and return its command tag."""
        return await self.connection.execute(sql, *args)

    async def copy(self, table: str, columns: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Add rows to a table, none of which stands there: a quarter of the cost of an INSERT from arrays."""
        await self.connection.copy_records_to_table(table, columns=columns.split(", "), records=rows)


Telling = Callable[[Sequence[Received[Any]], Any], AsyncGenerator[Sequence[Outcome], None]]
"""A `Handler` that yields outcomes as it finds them, a few at a time: in a large batch they are filed while they are in the
processor's cache, and their memory serves the next."""

Handler = Callable[[Sequence[Received[Any]], Any], Awaitable[Sequence[Outcome]]]
"""`async (batch, tx) -> events and rejects`. Runs inside the stage's transaction and may run several times for one
delivery: no effect outside `tx`, no state kept in memory. `tx` is a `Transaction` (or the in-memory store's)."""
