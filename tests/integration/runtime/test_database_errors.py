"""Which errors are the infrastructure's, provoked on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

import asyncpg
import pytest

from linkstar_runtime.clock import ManualClock
from linkstar_runtime.database import Database, infrastructure_error
from linkstar_runtime.handling import Transaction
from linkstar_runtime.migrate import migrate
from linkstar_runtime.settings import DatabaseSettings, Settings

pytestmark = pytest.mark.integration
NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    await migrate(database_url, "router", "linkstar_runtime.runtime_migrations")
    database = await Database.connect(Settings(database=DatabaseSettings(url=database_url)), "router", ManualClock(NOW))
    yield database
    await database.close()


async def _kill(url: str, tx: Transaction) -> None:
    pid = await tx.fetchval("SELECT pg_backend_pid()")
    admin = await asyncpg.connect(url)
    await admin.execute("SELECT pg_terminate_backend($1)", pid)
    await admin.close()


async def test_transactions_commit_or_roll_back_as_one(database: Database) -> None:
    insert = "INSERT INTO idempotency_key VALUES ('demo', $1, '', 200, '', $2)"
    async with database.transaction() as tx:
        assert tx.now == NOW
        await tx.execute(insert, "kept", tx.now)
    with suppress(KeyError):
        async with database.transaction() as tx:
            await tx.execute(insert, "lost", tx.now)
            raise KeyError
    async with database.transaction() as tx:
        rows = await tx.fetch("SELECT key, created_at FROM idempotency_key")
        assert [tuple(row) for row in rows] == [("kept", NOW)]
        plain = await tx.fetchrow("SELECT 1.50::numeric AS n, '{\"a\": 1}'::jsonb AS j")
        assert plain is not None
        assert tuple(plain) == (Decimal("1.50"), '{"a": 1}')


@pytest.mark.parametrize(
    ("sql", "args"),
    [
        ("SELECT $1::text", ("a\x00b",)),
        ("SELECT $1::text", ("\ud800",)),
        ("SELECT $1::int", (2**63,)),
        ("SELECT 1 / 0", ()),
        ("INSERT INTO dead_letter (grp, topic, part, off) VALUES ('a', 'b', 1, 1)", ()),
        ("SELECT $1::int", ()),
    ],
)
async def test_errors_of_data_and_code_are_not_the_infrastructures(
    database: Database, sql: str, args: tuple[object, ...]
) -> None:
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)) as caught:
        async with database.transaction() as tx:
            await tx.fetch(sql, *args)
    assert not infrastructure_error(caught.value)


@pytest.mark.parametrize("sql", ["SELECT * FROM no_such_table", "SELECT no_such_column FROM dead_letter"])
async def test_the_schema_of_another_release_is_waited_for(database: Database, sql: str) -> None:
    with pytest.raises(asyncpg.PostgresError) as caught:
        async with database.transaction() as tx:
            await tx.fetch(sql)
    assert infrastructure_error(caught.value)


async def test_a_cut_connection_is_the_infrastructures(database: Database, database_url: str) -> None:
    seen: list[BaseException] = []
    try:
        async with database.transaction() as tx:
            await _kill(database_url, tx)
            await tx.fetch("SELECT 1")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        seen.append(error)
    assert [infrastructure_error(error) for error in seen] == [True]
    await database.ping()


@pytest.mark.parametrize(
    "sql",
    [
        "SET LOCAL statement_timeout = '10ms'; SELECT pg_sleep(5)",
        "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$",
        "DO $$ BEGIN RAISE SQLSTATE '53100'; END $$",
        "DO $$ BEGIN RAISE SQLSTATE '57P01'; END $$",
    ],
)
async def test_time_outs_conflicts_and_full_disks_are_the_infrastructures(database: Database, sql: str) -> None:
    with pytest.raises(asyncpg.PostgresError) as caught:
        async with database.transaction() as tx:
            await tx.execute(sql)
    assert infrastructure_error(caught.value)


async def test_deadlocks_and_lock_time_outs_are_the_infrastructures(database: Database) -> None:
    async def locks(first: int, second: int, ready: asyncio.Barrier) -> BaseException | None:
        try:
            async with database.transaction() as tx:
                await tx.execute("SELECT pg_advisory_xact_lock($1)", first)
                await ready.wait()
                await tx.execute("SELECT pg_advisory_xact_lock($1)", second)
        except asyncpg.PostgresError as error:
            return error
        return None

    ready = asyncio.Barrier(2)
    found = await asyncio.gather(locks(1, 2, ready), locks(2, 1, ready))
    (error,) = [each for each in found if each is not None]
    assert isinstance(error, asyncpg.DeadlockDetectedError)
    assert infrastructure_error(error)


async def test_an_unreachable_server_is_the_infrastructures() -> None:
    settings = Settings(database=DatabaseSettings(url="postgresql://router@127.0.0.1:1/linkstar"))
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the system words it
        await Database.connect(settings, "router", ManualClock(NOW))
    assert infrastructure_error(caught.value)


def test_other_errors_are_not() -> None:
    assert not infrastructure_error(ValueError("x"))
    assert not infrastructure_error(KeyError("x"))


def test_a_driver_confused_by_a_cut_connection_is_the_infrastructures() -> None:
    """Seen when a back end was terminated between two messages of one statement; the race cannot be staged at will."""
    confused = asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")
    assert infrastructure_error(confused)
