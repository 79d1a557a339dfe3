"""API keys and idempotent commands on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from types import SimpleNamespace
from typing import cast

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, Depends, Request, Response

from linkstar_runtime.api_keys import Authorizer, Principal, create_key, revoke_key
from linkstar_runtime.clock import ManualClock
from linkstar_runtime.database import Database
from linkstar_runtime.health import Health
from linkstar_runtime.http import create_app
from linkstar_runtime.idempotency import IdempotentCommand, StoredAnswer, idempotent_command
from linkstar_runtime.migrate import migrate
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext
from linkstar_runtime.settings import DatabaseSettings, Settings

pytestmark = pytest.mark.integration
NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
async def database(database_url: str, clock: ManualClock) -> AsyncIterator[Database]:
    await migrate(database_url, "router", "linkstar_runtime.runtime_migrations")
    database = await Database.connect(Settings(database=DatabaseSettings(url=database_url)), "router", clock)
    yield database
    await database.close()


@pytest.fixture
async def admin(database: Database, database_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def _ask(authorize: Authorizer, scope: str, header: str | None) -> Principal | tuple[int, str]:
    try:
        return await authorize(scope)(header)
    except Problem as problem:
        challenged = problem.headers.get("WWW-Authenticate") == "Bearer"
        return problem.status if challenged or problem.status != 401 else 0, problem.code


async def test_a_key_stands_for_its_tenant_and_scopes(
    database: Database, clock: ManualClock, admin: asyncpg.Connection[asyncpg.Record]
) -> None:
    key = await create_key(admin, "demo", ["orders:write"])
    authorize = Authorizer(database, clock)
    assert await _ask(authorize, "orders:write", f"Bearer {key}") == Principal(
        "demo", frozenset({"orders:write"}), key[8:16]
    )
    assert await _ask(authorize, "wallet:write", f"Bearer {key}") == (403, "scope_missing")
    assert (
        await admin.fetchval("SELECT sha256 FROM access.api_key WHERE id8 = $1", key[8:16])
        == sha256(key.encode()).digest()
    )


async def test_what_is_no_valid_key_is_refused(
    database: Database, clock: ManualClock, admin: asyncpg.Connection[asyncpg.Record]
) -> None:
    key, twin = [await create_key(admin, "demo", ["*"]) for _ in range(2)]
    authorize = Authorizer(database, clock)
    expected = {
        None: "api_key_missing",
        "": "api_key_missing",
        f"Basic {key}": "api_key_malformed",
        f"Bearer {key[:-1]}": "api_key_malformed",
        f"Bearer {key.replace('live', 'test')}": "api_key_malformed",
        f"Bearer {key[:20]}{'x' if key[20] != 'x' else 'y'}{key[21:]}": "api_key_malformed",
        f"Bearer {key}\x00": "api_key_malformed",
    }
    for header, code in expected.items():
        assert await _ask(authorize, "orders:write", header) == (401, code)
    await admin.execute("UPDATE access.api_key SET sha256 = $1 WHERE id8 = $2", sha256(b"").digest(), twin[8:16])
    assert await _ask(authorize, "orders:write", f"Bearer {twin}") == (401, "api_key_invalid")
    await admin.execute("DELETE FROM access.api_key WHERE id8 = $1", key[8:16])
    assert await _ask(authorize, "orders:write", f"Bearer {key}") == (401, "api_key_invalid")


async def test_expired_and_revoked_keys_stop_working_within_seconds(
    database: Database, clock: ManualClock, admin: asyncpg.Connection[asyncpg.Record]
) -> None:
    short = await create_key(admin, "demo", ["*"], expires_at=NOW + timedelta(hours=1))
    long = await create_key(admin, "demo", ["*"])
    authorize = Authorizer(database, clock)
    assert isinstance(await _ask(authorize, "orders:write", f"Bearer {short}"), Principal)
    assert isinstance(await _ask(authorize, "orders:write", f"Bearer {long}"), Principal)
    assert await revoke_key(admin, long[8:16])
    assert not await revoke_key(admin, long[8:16])
    clock.advance(timedelta(seconds=6))
    assert await _ask(authorize, "orders:write", f"Bearer {long}") == (401, "api_key_invalid")
    clock.advance(timedelta(hours=1))
    assert await _ask(authorize, "orders:write", f"Bearer {short}") == (401, "api_key_invalid")


async def test_a_platform_key_works_only_where_the_work_tells_the_tenant(
    database: Database, clock: ManualClock, admin: asyncpg.Connection[asyncpg.Record]
) -> None:
    key = await create_key(admin, "*", ["scans:write", "orders:write"])
    authorize = Authorizer(database, clock)
    assert isinstance(await _ask(authorize, "scans:write", f"Bearer {key}"), Principal)
    assert await _ask(authorize, "orders:write", f"Bearer {key}") == (403, "scope_missing")


async def test_the_first_answer_is_given_again(database: Database) -> None:
    command = IdempotentCommand("demo", "k-1", b"one")
    async with database.transaction() as tx:
        assert await command.replay(tx) is None
        await command.store(tx, 201, b'{"id":1}')
    async with database.transaction() as tx:
        assert await command.replay(tx) == StoredAnswer(201, b'{"id":1}')
        assert await IdempotentCommand("rival", "k-1", b"one").replay(tx) is None
        with pytest.raises(Problem) as caught:
            await IdempotentCommand("demo", "k-1", b"two").replay(tx)
    assert (caught.value.status, caught.value.code) == (422, "idempotency_key_reused")


async def test_a_command_in_flight_is_not_begun_twice(database: Database) -> None:
    command = IdempotentCommand("demo", "k-2", b"one")
    async with database.transaction() as first, database.transaction() as second:
        assert await command.replay(first) is None
        with pytest.raises(Problem) as caught:
            await command.replay(second)
    assert (caught.value.status, caught.value.code) == (409, "idempotency_in_flight")


async def test_a_failed_command_can_be_repeated(database: Database) -> None:
    command = IdempotentCommand("demo", "k-4", b"one")
    with suppress(KeyError):
        async with database.transaction() as tx:
            await command.store(tx, 201, b"")
            raise KeyError
    async with database.transaction() as tx:
        assert await command.replay(tx) is None


async def test_of_twenty_racers_one_executes(database: Database) -> None:
    executed = 0

    async def race() -> int:
        nonlocal executed
        command = IdempotentCommand("demo", "k-3", b"one")
        try:
            async with database.transaction() as tx:
                if (stored := await command.replay(tx)) is None:
                    executed += 1
                    await command.store(tx, 201, b"done")
                    return 201
                return stored.status
        except Problem as problem:
            return problem.status

    assert set(await asyncio.gather(*(race() for _ in range(20)))) <= {201, 409}
    assert executed == 1


async def test_a_route_pays_once_for_one_idempotency_key(
    database: Database, clock: ManualClock, admin: asyncpg.Connection[asyncpg.Record]
) -> None:
    authorize = Authorizer(database, clock)
    payments: list[str] = []

    def routes(_context: ServiceContext) -> APIRouter:
        router = APIRouter()

        @router.post("/topups", status_code=201)
        async def top_up(request: Request, caller: Principal = Depends(authorize("wallet:write"))) -> Response:
            command = await idempotent_command(request, caller.tenant)
            async with database.transaction() as tx:
                answer = await command.replay(tx)
                if answer is None:
                    payments.append(caller.tenant)
                    answer = StoredAnswer(201, b'{"posted":true}')
                    await command.store(tx, answer.status, answer.body)
            return Response(answer.body, answer.status, media_type="application/json")

        return router

    app = create_app("labeler", routes, cast("ServiceContext", SimpleNamespace(clock=clock)), Health())
    headers = {"authorization": f"Bearer {await create_key(admin, 'demo', ['wallet:write'])}", "idempotency-key": "t-1"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        bodies = [{"amount_minor": 100}, {"amount_minor": 100}, {"amount_minor": 999}]
        answers = [await client.post("/topups", json=body, headers=headers) for body in bodies]
        assert [answer.status_code for answer in answers] == [201, 201, 422]
        assert answers[0].content == answers[1].content
        assert payments == ["demo"]
        for missing, status, code in (
            ("authorization", 401, "api_key_missing"), ("idempotency-key", 400, "idempotency_key_missing"),
        ):  # fmt: skip
            rest = {name: value for name, value in headers.items() if name != missing}
            answer = await client.post("/topups", json=bodies[0], headers=rest)
            assert (answer.status_code, answer.json()["code"]) == (status, code)
