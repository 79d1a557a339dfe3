"""The real service process on real Kafka and PostgreSQL: HTTP, Kafka and file doors, and a kill in mid-import."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from ingest_orders import PRODUCTS, WAREHOUSES, cancel_request, consignee, order_body, submitted

from linkstar_contracts import parse_record
from linkstar_contracts.event import Event
from linkstar_contracts.events import ExceptionRaised, OrderCancelled, OrderReceived
from linkstar_contracts.topics import EXCEPTIONS_RAISED, ORDER_CHANGES, ORDERS_INBOUND, ORDERS_RECEIVED, TOPICS
from linkstar_runtime.api_keys import create_key
from linkstar_runtime.vault import Vault
from linkstar_sandbox.ports import free_ports
from linkstar_sandbox.provision import provision_topics

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def prefix() -> str:
    return f"ing{os.getpid()}-"


@pytest.fixture(scope="module")
def environment(
    kafka_bootstrap: str, database_url: str, prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    asyncio.run(provision_topics(kafka_bootstrap, TOPICS, prefix=prefix))
    key_file = tmp_path_factory.mktemp("vault") / "master.key"
    Vault.create_master_key(key_file)
    return {
        **os.environ,
        "LINKSTAR_KAFKA__BOOTSTRAP": kafka_bootstrap,
        "LINKSTAR_KAFKA__TOPIC_PREFIX": prefix,
        "LINKSTAR_DATABASE__URL": database_url,
        "LINKSTAR_VAULT__MASTER_KEY_FILE": str(key_file),
        "LINKSTAR_IMPORTS__PORTION": "20",
        "LINKSTAR_IMPORTS__LEASE_S": "1",
        "LINKSTAR_KAFKA__SESSION_TIMEOUT_MS": "6000",
    }


@contextmanager
def running(environment: dict[str, str], log: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    (port,) = free_ports(1)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "linkstar_ingest", "run"],
            env={**environment, "LINKSTAR_HTTP__PORT": str(port)}, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    async with httpx.AsyncClient() as client:
        for _ in range(600):
            assert process.poll() is None, tail(log)
            try:
                answers = [await client.get(f"{url}/{probe}") for probe in ("startupz", "readyz")]
                if all(answer.status_code == 200 for answer in answers):
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    raise AssertionError(tail(log))


def tail(log: Path) -> str:
    return log.read_text()[-4000:]


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 30) -> bool:
    """Ask until `condition` holds."""
    async with asyncio.timeout(seconds):
        for _ in itertools.count():
            if await condition():
                break
            await asyncio.sleep(0.02)
    return True


@pytest_asyncio.fixture
async def api_key(database_url: str) -> str:
    connection = await asyncpg.connect(database_url)
    try:
        return await create_key(connection, "demo", ["orders:write", "orders:read"])
    finally:
        await connection.close()


@asynccontextmanager
async def client_of(url: str, key: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
        yield client


class Reader:
    """Reads topics from their beginning, independent of any service."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._bootstrap, self._prefix = bootstrap, prefix

    async def events(self, topic: str, enough: Callable[[list[Event]], bool], seconds: float = 30) -> list[Event]:
        consumer = AIOKafkaConsumer(
            self._prefix + topic, bootstrap_servers=self._bootstrap, auto_offset_reset="earliest", group_id=None
        )
        await consumer.start()
        found: list[Event] = []
        try:
            async with asyncio.timeout(seconds):
                while not enough(found):
                    for records in (await consumer.getmany(timeout_ms=200)).values():
                        found += [parse_record(record.headers, record.value) for record in records]
        finally:
            await consumer.stop()
        return found


async def import_file(client: httpx.AsyncClient, channel: str, raw: bytes, **query: str) -> str:
    answer = await client.post("/v1/imports", params={"channel": channel, **query}, content=raw)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["import_id"])


async def until_done(client: httpx.AsyncClient, import_id: str, seconds: float = 60) -> dict[str, Any]:
    async with asyncio.timeout(seconds):
        while True:
            shown: dict[str, Any] = (await client.get(f"/v1/imports/{import_id}")).json()
            if shown["state"] != "processing":
                return shown
            await asyncio.sleep(0.1)


async def register(client: httpx.AsyncClient) -> None:
    houses = [house.model_dump() for house in WAREHOUSES.values()]
    products = [product.model_dump(mode="json") for product in PRODUCTS.values()]
    for path, body in (("/v1/warehouses", houses), ("/v1/products", products)):
        answer = await client.put(path, json=body)
        assert answer.status_code == 200, answer.text


def own_csv(count: int, prefix: str) -> bytes:
    lines = ["order_id,name,street,city,region,postcode,country,sku,quantity,unit_price,currency"]
    lines += [f"{prefix}-{n:04},Ava Carter,{n + 1} Oak St,Boston,MA,02108,US,MUG,1,12.99,USD" for n in range(count)]
    return "\n".join(lines).encode()


async def test_every_door_of_the_running_service(
    environment: dict[str, str], kafka_bootstrap: str, prefix: str, api_key: str, database_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "ingest.log"
    reader = Reader(kafka_bootstrap, prefix)

    def enough(found: list[Event]) -> bool:
        return sum(not event.order_id.startswith("kill-") for event in found) >= 35

    with running(environment, log) as (process, url):
        await until_ready(process, url, log)
        async with client_of(url, api_key) as client:
            await register(client)
            await _submit_by_http(client)
            await _submit_by_kafka(kafka_bootstrap, prefix)
            raw = own_csv(30, "file") + b"\nbad-1,Ava Carter,1 Oak St,Springvale Heights,,2139,US,MUG,1,12.99,USD"
            done = await until_done(client, await import_file(client, "linkstar", raw, filename="orders.csv"))
            shown = (await client.get("/v1/orders/http-1")).json()
            await _refuse_files(client, database_url)
            await _page_through(client)
        orders = await reader.events(ORDERS_RECEIVED.name, enough)
        changes = await reader.events(ORDER_CHANGES.name, lambda found: len(found) >= 2)
        raised = await reader.events(EXCEPTIONS_RAISED.name, lambda found: len(found) >= 1)
    text = log.read_text()
    assert (done["orders"], done["accepted"], done["rejected"]) == (31, 30, 1)
    assert [(error["row"], error["order_id"], error["code"]) for error in done["errors"]] == [
        (32, "bad-1", "postcode_damaged")
    ]
    assert shown["state"] == "cancelled"
    assert shown["destination"]["postcode"] == "02108"
    assert "Ava" not in json.dumps(shown)
    orders = [event for event in orders if not event.order_id.startswith("kill-")]
    assert {event.order_id for event in orders} == {
        "http-1", "http-2", "batch-1", "kafka-1", "kafka-2", *(f"file-{n:04}" for n in range(30)),
    }  # fmt: skip
    assert len({event.ce_id for event in orders}) == len(orders) == 35
    assert {(event.order_id, type(event)) for event in changes} == {
        ("http-1", OrderCancelled), ("kafka-2", OrderCancelled)
    }  # fmt: skip
    assert [event.exception_id for event in raised if isinstance(event, ExceptionRaised)] == [
        "ingest.address_undeliverable.batch-2"
    ]
    for private in ("Ava Carter", "Carter", "Oak St", "555-0101", "ava@example.com"):
        assert private not in text


async def _submit_by_http(client: httpx.AsyncClient) -> None:
    first = await client.post("/v1/orders", json=order_body("http-1"))
    again = await client.post("/v1/orders", json=order_body("http-1"))
    other = await client.post("/v1/orders", json=order_body("http-1", external_ref="other"))
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert other.json()["code"] == "order_conflict"
    assert (first.json()["grade"], again.json()["status"]) == ("verified", "duplicate")
    broken = await client.post("/v1/orders", json=order_body("http-2", colour="red"))
    assert (broken.status_code, broken.json()["code"], broken.json()["field"]) == (422, "field_unknown", "colour")
    twice = await client.post(
        "/v1/orders", content=b'{"order_id":"a","order_id":"b"}', headers={"content-type": "application/json"}
    )
    assert (twice.status_code, twice.json()["code"]) == (422, "json_duplicate_key")
    assert (await client.post("/v1/orders", json=order_body("http-2"))).status_code == 201
    held = order_body("batch-2", consignee=consignee(region="NY", city="Albany", postcode="90058"))
    batch = [order_body("batch-1"), held, order_body("batch-3", warehouse="MOON-1"), {"order_id": "batch-4"}, 7]
    answer = (await client.post("/v1/orders", json={"orders": batch})).json()["results"]
    assert [result["status"] for result in answer] == ["accepted", "accepted", "rejected", "rejected", "rejected"]
    assert answer[1]["state"] == "held"
    assert [answer[2]["errors"][0]["code"], answer[3]["errors"][0]["code"]] == ["warehouse_unknown", "field_missing"]
    cancelled = await client.post("/v1/orders/http-1/cancel", json={"reason": "customer"})
    repeated = await client.post("/v1/orders/http-1/cancel")
    changed = await client.post("/v1/orders/http-1/change", json={"request_id": "c1", "options": {"signature": True}})
    unknown = await client.post("/v1/orders/nobody/cancel")
    assert [answer.status_code for answer in (cancelled, repeated, changed, unknown)] == [200, 200, 409, 404]
    assert changed.json()["code"] == "order_cancelled"


async def _refuse_files(client: httpx.AsyncClient, database_url: str) -> None:
    """A file is refused at the door; one that an older release let in ends its import as failed."""
    wrong = await client.post("/v1/imports", params={"channel": "amazon"}, content=own_csv(1, "x"))
    nobody = await client.post("/v1/imports", params={"channel": "teleshop"}, content=b"x")
    assert [answer.json()["code"] for answer in (wrong, nobody)] == ["column_missing", "channel_unknown"]
    assert (wrong.status_code, nobody.status_code) == (422, 422)
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "INSERT INTO ingest.import_job (tenant, import_id, channel, warehouse, filename, state, rows, orders, "
            "created_at, updated_at) "
            "VALUES ('demo', 'imp-old', 'shopify', 'auto', 'old.csv', 'processing', 1, 1, now(), now())"
        )
        await connection.execute("INSERT INTO ingest.import_file VALUES ('demo', 'imp-old', 'junk')")
        failed = await until_done(client, "imp-old")
        assert (failed["state"], failed["errors"][0]["code"]) == ("failed", "column_missing")
    finally:
        await connection.close()


async def _page_through(client: httpx.AsyncClient) -> None:
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 10, "state": "open"}
    while True:
        page = (await client.get("/v1/orders", params=query)).json()
        seen += [order["order_id"] for order in page["orders"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert len(seen) == len(set(seen)) >= 32
    wrong = await client.get("/v1/orders", params={"cursor": "yesterday"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "cursor_invalid")


async def _submit_by_kafka(bootstrap: str, prefix: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        orders = [submitted("kafka-1"), submitted("kafka-1"), submitted("kafka-2", warehouse="auto")]
        for event in (cancel_request("kafka-2"), *orders, submitted("kafka-3", warehouse="MOON-1")):
            await producer.send_and_wait(
                prefix + ORDERS_INBOUND.name, event.body(), key=event.key.encode(), headers=event.headers("/test")
            )
    finally:
        await producer.stop()


async def test_a_file_is_worked_off_once_whatever_kills_the_service(
    environment: dict[str, str], kafka_bootstrap: str, prefix: str, api_key: str, database_url: str, tmp_path: Path
) -> None:
    """Kill -9 in mid-import: the next process goes on, every order is received once, and the counters say so."""
    log = tmp_path / "ingest.log"
    count = 400

    def all_here(found: list[Event]) -> bool:
        return len({event.order_id for event in found if event.order_id.startswith("kill-")}) >= count

    with running(environment, log) as (process, url):
        await until_ready(process, url, log)
        async with client_of(url, api_key) as client:
            await register(client)
            import_id = await import_file(client, "linkstar", own_csv(count, "kill"))

            async def half_way() -> bool:
                return bool((await client.get(f"/v1/imports/{import_id}")).json()["accepted"] >= 40)

            await until(half_way)
        process.kill()
        process.wait()
    with running(environment, log) as (process, url):
        await until_ready(process, url, log)
        async with client_of(url, api_key) as client:
            done = await until_done(client, import_id)
        events = await Reader(kafka_bootstrap, prefix).events(ORDERS_RECEIVED.name, all_here)
    assert (done["state"], done["accepted"], done["duplicates"], done["rejected"]) == ("done", count, 0, 0)
    bodies: dict[str, bytes] = {}
    for event in events:
        assert isinstance(event, OrderReceived)
        assert bodies.setdefault(event.ce_id, event.body()) == event.body(), "a repeated record says the same"
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM ingest.import_file") == 0, "files go when imports end"
        assert await _drained(connection)
    finally:
        await connection.close()


async def _drained(connection: Any) -> bool:
    """Acknowledged rows go with the next batch or sweep."""

    async def empty() -> bool:
        return not await connection.fetchval("SELECT count(*) FROM ingest.outbox")

    return await until(empty)
