"""Rule sets on real PostgreSQL: published by version, refused with the reason, swapped between batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import cast

import asyncpg
import httpx
import pytest
from integration.router.router_desk import OwnTransactions, RouterDesk, opened_desk

from linkstar_router.api import routes_from
from linkstar_router.domain.rules.catalogue import shipped_catalogue
from linkstar_router.domain.rules.compiled import NO_RULES
from linkstar_router.domain.snapshot import shipped
from linkstar_router.store.rulebook import Rulebook
from linkstar_runtime.api_keys import Authorizer, create_key
from linkstar_runtime.health import Health
from linkstar_runtime.http import create_app
from linkstar_runtime.service import ServiceContext

pytestmark = pytest.mark.integration
NO_UPS = [{"id": "no-ups", "then": {"forbid": "ups"}}]
CONTRADICTION = [
    {"id": "usps-only", "when": {"country": "US"}, "then": {"require": "usps"}},
    {"id": "no-usps", "when": {"country": "US", "weight": {"over": "5 lb"}}, "then": {"forbid": "usps"}},
]


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[RouterDesk]:
    async with opened_desk(database_url) as opened:
        async with opened.database.transaction() as tx:
            await tx.execute("DELETE FROM rule_set")
        yield opened


@pytest.fixture
async def clients(database_url: str, desk: RouterDesk) -> AsyncIterator[list[httpx.AsyncClient]]:
    connection = await asyncpg.connect(database_url)
    keys = [await create_key(connection, tenant, ["*"]) for tenant in ("demo", "other")]
    await connection.close()
    context = SimpleNamespace(
        clock=desk.clock, database=desk.database, authorize=Authorizer(desk.database, desk.clock),
        writer=OwnTransactions(desk.database),
    )  # fmt: skip
    given = cast("ServiceContext", context)
    app = create_app("router", routes_from(shipped(), 600), given, cast("Health", SimpleNamespace()))
    found = [
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://router/v1", headers={"authorization": f"Bearer {key}"}
        )
        for key in keys
    ]
    yield found
    for client in found:
        await client.aclose()


async def test_versions_count_up_and_the_newest_is_in_force(clients: list[httpx.AsyncClient]) -> None:
    client, other = clients
    first = await client.post("/rules", json={"rules": NO_UPS, "note": "strike"})
    assert (first.status_code, first.json()["number"]) == (201, 1)
    again = await client.post("/rules", json={"rules": NO_UPS})
    assert (again.status_code, again.json()["version"]) == (200, first.json()["version"])
    await client.post("/rules", json={"rules": []})
    found = (await client.get("/rules")).json()
    assert found["rules"] == []
    assert [(each["number"], each["note"]) for each in found["versions"]] == [(2, ""), (1, "strike")]
    assert (await client.get("/rules/1")).json()["rules"] == NO_UPS
    assert (await other.get("/rules")).json() == {"rules": [], "versions": []}
    assert (await other.get("/rules/1")).status_code == 404


async def test_a_contradictory_set_is_refused_with_an_order_that_shows_it(clients: list[httpx.AsyncClient]) -> None:
    answer = await clients[0].post("/rules", json={"rules": CONTRADICTION})
    assert (answer.status_code, answer.json()["code"]) == (422, "rules_contradictory")
    (error,) = answer.json()["errors"]
    assert error["code"] == "rules.contradictory"
    assert "usps-only and no-usps" in error["detail"]
    assert "an order with country US, weight 6 lb" in error["detail"]
    assert (await clients[0].get("/rules")).json()["versions"] == []
    found = (await clients[0].post("/rules/check", json={"rules": CONTRADICTION})).json()
    assert not found["publishable"]


async def test_a_fault_names_rule_and_field(clients: list[httpx.AsyncClient]) -> None:
    rules = [{"id": "a", "when": {"wieght": {"over": "5 lb"}}, "then": {"forbid": "usps"}}]
    problem = (await clients[0].post("/rules", json={"rules": rules})).json()
    assert (problem["code"], problem["field"]) == ("rules_invalid", "rules[a].when.wieght")
    assert problem["fix"] == "did you mean weight?"


async def test_publishers_at_the_same_time_get_versions_of_their_own(clients: list[httpx.AsyncClient]) -> None:
    sets = [[{"id": f"r{n}", "then": {"prefer": "ups"}}] for n in range(6)]
    answers = await asyncio.gather(*(clients[0].post("/rules", json={"rules": rules}) for rules in sets))
    assert sorted(answer.json()["number"] for answer in answers) == [1, 2, 3, 4, 5, 6]


async def test_a_rulebook_takes_what_is_in_force_and_keeps_what_was(
    clients: list[httpx.AsyncClient], desk: RouterDesk
) -> None:
    book = Rulebook(shipped_catalogue())
    old = (await clients[0].post("/rules", json={"rules": NO_UPS})).json()["version"]
    await clients[0].post("/rules", json={"rules": []})
    async with desk.database.transaction() as tx:
        in_force = await book.in_force(tx, {"demo", "other"})
        assert set(in_force) == {"demo"}
        assert in_force["demo"].rules == ()
        assert [rule.id for rule in (await book.version(tx, "demo", old)).rules] == ["no-ups"]
        assert await book.version(tx, "demo", "none") is NO_RULES
        with pytest.raises(LookupError, match="never published"):
            await book.version(tx, "demo", "1.000000000000")
