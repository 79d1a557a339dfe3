"""PostgreSQL as a service sees it: a pool that works with the service's own rights, transactions with a business time,
and the verdict whether an error is the infrastructure's or the record's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit

import asyncpg

from linkstar_runtime.clock import Clock
from linkstar_runtime.handling import Transaction
from linkstar_runtime.settings import Settings

__all__ = ["ROLE_TIMEOUTS", "Database", "infrastructure_error"]

ROLE_TIMEOUTS = {
    "idle_in_transaction_session_timeout": "5s",  # a stopped owner gives its shards free
    "statement_timeout": "30s",
    "lock_timeout": "10s",
}

# SQLSTATE classes and codes that say nothing about the data: the same work can succeed later, unchanged.
_INFRASTRUCTURE_CLASSES = {
    "08",  # connection
    "28",  # sign-in
    "40",  # serialisation failure, deadlock
    "53",  # disk full, out of memory, too many connections
    "57",  # shutdown, cancelled by time-out
    "58",  # system error
    "XX",  # internal error
}
_INFRASTRUCTURE_CODES = {
    "25006",  # read-only: this is a standby
    "25P03",  # idle in transaction for too long
    "25P04",  # transaction time-out
    "3D000",  # database missing
    "42P01",  # table, column or type of another release: the schema is older or newer than this process
    "42703",
    "42804",
    "55000",  # the database takes no connections just now
    "55P03",  # lock time-out
}


class Database:
    """A pool of connections to one schema. Whatever user the URL names, statements run under the schema's role.

    `timestamptz` comes back aware, `numeric` as Decimal, `jsonb` as text.
    """

    def __init__(self, pool: asyncpg.Pool[Any], clock: Clock) -> None:
        self._pool = pool
        self.clock = clock

    @classmethod
    async def connect(cls, settings: Settings, schema: str, clock: Clock, application_name: str = "") -> Database:
        """Open the pool; raises what asyncpg raises when the server cannot be reached."""
        url = settings.database.url_of(schema)
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=settings.database.pool_size,
            server_settings=_session(url, schema, application_name or schema),
            reset=_unchanged,
        )
        return cls(pool, clock)

    async def close(self) -> None:
        """Close the pool, waiting for connections in use."""
        await self._pool.close()

    async def ping(self) -> None:
        """Raise unless the server answers."""
        async with self._pool.acquire(timeout=5) as connection:
            await connection.fetchval("SELECT 1", timeout=5)

    def now(self) -> datetime:
        """Return business time."""
        return self.clock.now()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """Lend a connection without a transaction."""
        async with self._pool.acquire() as connection:
            yield cast("asyncpg.Connection[Any]", connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Run the block in one transaction: commits at its end, rolls back on any exception."""
        async with self.acquire() as connection, connection.transaction():
            yield Transaction(connection, self.clock.now())

    @asynccontextmanager
    async def autocommit(self) -> AsyncIterator[Transaction]:
        """Run each statement of the block as a transaction of its own: a lone read needs no BEGIN and COMMIT around it."""
        async with self.acquire() as connection:
            yield Transaction(connection, self.clock.now())


async def _unchanged(_connection: asyncpg.Connection[Any]) -> None:
    """A connection goes back to the pool as it is: nothing of ours outlives a transaction, so no query need reset it."""


def _session(url: str, schema: str, application_name: str) -> dict[str, str]:
    """Session settings: the role's own (ALTER ROLE) count only when it signs in itself, so they are given here too."""
    session = {"application_name": application_name[:63], "search_path": schema, "timezone": "UTC", **ROLE_TIMEOUTS}
    if urlsplit(url).username != schema:
        session["role"] = schema
    return session


def infrastructure_error(error: BaseException) -> bool:
    """True when the work may be repeated unchanged: connection, time-out, conflict of transactions, disk, shutdown, and
    a schema of another release.

    False for everything that the data or the code causes (DataError, constraints).
    """
    if isinstance(error, asyncpg.PostgresError):
        state = getattr(error, "sqlstate", None) or ""
        return state[:2] in _INFRASTRUCTURE_CLASSES or state in _INFRASTRUCTURE_CODES or _outdated(error)
    if isinstance(error, asyncpg.InterfaceError):
        return "clos" in str(error) or "released" in str(error)
    # InternalClientError: the driver met a connection that the server cut in the middle of its own conversation
    return isinstance(error, (OSError, TimeoutError, asyncpg.InternalClientError))


def _outdated(error: asyncpg.PostgresError) -> bool:
    """A cached statement met a table that a migration has just changed."""
    return isinstance(error, (asyncpg.OutdatedSchemaCacheError, asyncpg.InvalidCachedStatementError))
