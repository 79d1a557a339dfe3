"""The labeler as a process: routes from Kafka become labels on Kafka, and a top-up over HTTP lets the held ones go on."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from unit.labeler.label_samples import consignee, route

from linkstar_contracts.event import Event
from linkstar_contracts.events import LabelCreated, LabelVoided, OrderCancelled, RouteChosen
from linkstar_contracts.topics import LABELS, ORDER_CHANGES, ROUTES_CHOSEN, Topic
from linkstar_contracts.values import SealedConsignee
from linkstar_runtime.api_keys import create_key
from linkstar_runtime.clock import ManualClock
from linkstar_runtime.database import Database
from linkstar_runtime.migrate import migrate
from linkstar_runtime.settings import DatabaseSettings, Settings, VaultSettings
from linkstar_runtime.vault import Vault
from linkstar_sandbox.provision import provision_topics

pytestmark = pytest.mark.integration
NOW = datetime(2026, 11, 20, tzinfo=UTC)
ORDERS, CANCELLED, PRICE = 40, 10, 500
COUNT = "SELECT count(*) FROM labeler.manifest_label WHERE held"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def environment(kafka_bootstrap: str, database_url: str, topic_prefix: str, tmp_path: Path) -> dict[str, str]:
    await provision_topics(kafka_bootstrap, prefix=topic_prefix)
    Vault.create_master_key(tmp_path / "master.key")
    return {
        **os.environ,
        "LINKSTAR_KAFKA__BOOTSTRAP": kafka_bootstrap,
        "LINKSTAR_KAFKA__TOPIC_PREFIX": topic_prefix,
        "LINKSTAR_DATABASE__URL": database_url,
        "LINKSTAR_VAULT__MASTER_KEY_FILE": str(tmp_path / "master.key"),
        "LINKSTAR_HTTP__PORT": str(_free_port()),
        "LINKSTAR_LABELER__RETRY_HELD_S": "0.2",
    }


async def _command(environment: dict[str, str], word: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "linkstar_labeler", word, env=environment)


@pytest.fixture
async def labeler(environment: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    assert await (await _command(environment, "migrate")).wait() == 0
    process = await _command(environment, "run")
    yield process
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 20) == 0


async def _sealed(environment: dict[str, str]) -> list[SealedConsignee]:
    """Seal the consignees of all orders, as ingest does."""
    url = environment["LINKSTAR_DATABASE__URL"]
    await migrate(url, "ingest", "linkstar_runtime.runtime_migrations")
    key_file = Path(environment["LINKSTAR_VAULT__MASTER_KEY_FILE"])
    database = await Database.connect(Settings(database=DatabaseSettings(url=url)), "ingest", ManualClock(NOW))
    async with database.transaction() as tx:
        vault = Vault.from_settings(VaultSettings(master_key_file=key_file))
        sealed = await vault.seal_many(tx, [("acme", f"o-{n}", consignee(name=f"Ada {n}")) for n in range(ORDERS)])
    await database.close()
    return sealed


async def _publish(environment: dict[str, str], topic: Topic, events: Sequence[Event]) -> None:
    name = environment["LINKSTAR_KAFKA__TOPIC_PREFIX"] + topic.name
    async with AIOKafkaProducer(bootstrap_servers=environment["LINKSTAR_KAFKA__BOOTSTRAP"], acks="all") as producer:
        for event in events:
            await producer.send_and_wait(name, event.body(), key=event.key.encode(), headers=event.headers("/test"))


async def _read(consumer: AIOKafkaConsumer, count: int, found: dict[str, list[Event]]) -> None:
    """Read `count` label events of different ids into `found`, by order."""
    kinds: dict[str, type[Event]] = {LabelCreated.TYPE: LabelCreated, LabelVoided.TYPE: LabelVoided}
    seen = {event.ce_id for events in found.values() for event in events}
    wanted = len(seen) + count
    async with asyncio.timeout(60):
        while len(seen) < wanted:
            record = await consumer.getone()
            event = kinds[dict(record.headers)["ce_type"].decode()].model_validate_json(record.value)
            if event.ce_id not in seen:
                seen.add(event.ce_id)
                found.setdefault(event.order_id, []).append(event)


async def _top_up(environment: dict[str, str], amount: int) -> None:
    connection = await asyncpg.connect(environment["LINKSTAR_DATABASE__URL"])
    key = await create_key(connection, "acme", ["wallet:write"])
    await connection.close()
    url = f"http://127.0.0.1:{environment['LINKSTAR_HTTP__PORT']}/v1/wallet/topups"
    headers = {"authorization": f"Bearer {key}", "idempotency-key": f"k{amount}"}
    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=20)) as client:
        answer = await client.post(url, json={"amount_minor": amount, "currency": "USD"}, headers=headers)
    assert answer.status_code == 201


async def _closed_by_itself(connection: asyncpg.Connection[asyncpg.Record]) -> int:
    """How many labels of days ago the process puts on a manifest when their cut-off is due."""
    await connection.execute("UPDATE labeler.label SET created_at = created_at - interval '5 days'")
    await connection.execute(
        """INSERT INTO labeler.hand_over VALUES
             ('acme', 'US-NJ', 'usps', 'America/New_York', '00:00', '{}', now(), 'test', now())"""
    )
    async with asyncio.timeout(30):
        while not (held := await connection.fetchval(COUNT)):  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.2)
    return int(held)


async def test_routes_wait_for_funds_and_become_labels(
    labeler: asyncio.subprocess.Process, environment: dict[str, str]
) -> None:
    routes: list[RouteChosen] = [
        route(order_id=f"o-{n}", total=PRICE, sealed=sealed) for n, sealed in enumerate(await _sealed(environment))
    ]
    topic = environment["LINKSTAR_KAFKA__TOPIC_PREFIX"] + LABELS.name
    found: dict[str, list[Event]] = {}
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=environment["LINKSTAR_KAFKA__BOOTSTRAP"], auto_offset_reset="earliest"
    ) as consumer:
        await _publish(environment, ROUTES_CHOSEN, [*routes, *routes[:10]])
        await _top_up(environment, ORDERS * PRICE)
        await _read(consumer, ORDERS, found)
        cancels = [
            OrderCancelled(tenant="acme", order_id=f"o-{n}", version=2, occurred_at=NOW) for n in range(CANCELLED)
        ]
        await _publish(environment, ORDER_CHANGES, cancels)
        await _read(consumer, CANCELLED, found)
    numbers = [p.tracking_number for events in found.values() for e in events if isinstance(e, LabelCreated)
               for p in e.parcels]  # fmt: skip
    assert len(set(numbers)) == len(numbers) == ORDERS
    assert sum(isinstance(events[-1], LabelVoided) for events in found.values()) == CANCELLED
    assert all([event.version for event in events] == list(range(1, len(events) + 1)) for events in found.values())
    connection = await asyncpg.connect(environment["LINKSTAR_DATABASE__URL"])
    balance = await connection.fetchval("SELECT balance_minor FROM labeler.wallet")
    assert await _closed_by_itself(connection) == ORDERS - CANCELLED
    await connection.close()
    assert balance == CANCELLED * PRICE
    assert labeler.returncode is None
