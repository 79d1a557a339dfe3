"""`POST /v1/addresses/check` over HTTP: graded, corrected, guessed, and nothing stored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import cast

import asyncpg
import httpx
import pytest
from ingest_orders import NOW, consignee

from linkstar_ingest.api import addresses
from linkstar_runtime.api_keys import Authorizer, create_key
from linkstar_runtime.clock import ManualClock
from linkstar_runtime.database import Database
from linkstar_runtime.health import Health
from linkstar_runtime.http import create_app
from linkstar_runtime.service import ServiceContext
from linkstar_runtime.settings import DatabaseSettings, Settings

pytestmark = pytest.mark.integration


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    connection = await asyncpg.connect(database_url)
    key = await create_key(connection, "demo", ["orders:read", "orders:write"])
    await connection.close()
    clock = ManualClock(NOW)
    database = await Database.connect(Settings(database=DatabaseSettings(url=database_url)), "ingest", clock)
    context = SimpleNamespace(clock=clock, database=database, authorize=Authorizer(database, clock))
    app = create_app("ingest", addresses.routes, cast("ServiceContext", context), cast("Health", SimpleNamespace()))
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ingest", headers=headers) as http:
        yield http
    await database.close()


async def test_an_address_is_graded_with_what_would_read_better(client: httpx.AsyncClient) -> None:
    asked = {"consignee": consignee(postcode="2108", street="12 Oak St Suite 4")}
    answer = (await client.post("/addresses/check", json=asked)).json()
    assert answer["grade"] == "corrected"
    assert answer["corrections"] == [{"field": "postcode", "given": "2108", "proposed": "02108", "material": True}]
    assert answer["receiver"] == {
        "residential": False, "confidence": 65, "because": "the street lines name a workplace",
    }  # fmt: skip
    assert answer["destination"]["postcode"] == "02108"


async def test_what_nothing_can_be_delivered_to_says_why(client: httpx.AsyncClient) -> None:
    answer = (await client.post("/addresses/check", json={"consignee": consignee(region="CA", city="Nowhere")})).json()
    assert answer["grade"] == "undeliverable"
    assert "MA" in answer["problem"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"consignee": consignee(postcode="no code")}, "postcode_malformed"),
        ({"consignee": consignee(country="XX")}, "country_unknown"),
        ({"consignee": consignee(), "colour": "red"}, "field_unknown"),
    ],
)
async def test_what_is_no_address_is_refused_with_its_code(
    client: httpx.AsyncClient, asked: dict[str, object], code: str
) -> None:
    answer = await client.post("/addresses/check", json=asked)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_seller_may_want_corrections_proposed_only(client: httpx.AsyncClient) -> None:
    assert (await client.get("/addresses/policy")).json() == {"corrections": "apply"}
    stored = await client.put("/addresses/policy", json={"corrections": "propose"})
    assert stored.json() == (await client.get("/addresses/policy")).json() == {"corrections": "propose"}
    refused = await client.put("/addresses/policy", json={"corrections": "ignore"})
    assert (refused.status_code, refused.json()["field"]) == (422, "corrections")
