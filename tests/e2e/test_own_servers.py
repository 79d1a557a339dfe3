"""The whole stack on a broker and a password-protected database that were started elsewhere: an order becomes a label."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import rmtree
from typing import Any

import asyncpg
import pytest
import servers
from aiokafka import AIOKafkaConsumer, TopicPartition

from linkstar_contracts.topics import LABELS
from linkstar_runtime.clock import Clock
from linkstar_sandbox import supervisor
from linkstar_sandbox.demo.seller import Seller
from linkstar_sandbox.home import Home, read_json
from linkstar_sandbox.order_files import build_order_book
from linkstar_sandbox.plan import Plan, url_for
from linkstar_sandbox.provision import provision_database

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
PASSWORD = "open sesame/ä"


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="linkstar-e2e-"))
    path.chmod(0o755)
    yield path
    rmtree(path, ignore_errors=True)


@pytest.fixture
def guarded_postgres(folder: Path) -> Iterator[str]:
    """A server that listens on TCP and asks everybody for a password."""
    with servers.running(servers.guarded_postgres(folder, "admin", PASSWORD)) as postgres:
        asyncio.run(provision_database(postgres.url(), "shipping"))
        yield postgres.url("shipping")


@pytest.fixture
def own_kafka(folder: Path) -> Iterator[str]:
    with servers.running(servers.kafka(folder / "broker")) as kafka:
        yield kafka.bootstrap


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "did not come true"
        time.sleep(0.2)


async def sell(endpoints: dict[str, Any]) -> dict[str, Any]:
    """Imports one real-format file as a seller would, with money in the wallet."""
    book = build_order_book(seed=3, now=Clock().now())
    file = next(file for file in book.files if file.channel == "shopify")
    seller = Seller(endpoints["services"], endpoints["keys"]["demo"])
    try:
        await seller.register_master_data()
        for currency in ("USD", "CAD", "EUR", "GBP"):
            await seller.top_up(10_000_000, currency, "e2e")
        return await seller.finished_import(await seller.start_import(file))
    finally:
        await seller.close()


async def labels(bootstrap: str) -> int:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        partitions = [TopicPartition(LABELS.name, number) for number in range(LABELS.partitions)]
        return sum((await consumer.end_offsets(partitions)).values())


async def may_enter(url: str) -> bool:
    try:
        await (await asyncpg.connect(url)).close()
    except asyncpg.InvalidPasswordError:
        return False
    return True


def test_orders_become_labels_on_servers_of_ones_own(folder: Path, guarded_postgres: str, own_kafka: str) -> None:
    home = Home(folder / "home")
    plan = Plan(kafka_bootstrap=own_kafka, database_url=guarded_postgres, simulate=False)
    try:
        endpoints = supervisor.up(home, plan)
        assert read_json(home.state)["servers"] == []
        report = asyncio.run(sell(endpoints))
        assert report["state"] == "done"
        assert report["accepted"] > 10
        eventually(lambda: asyncio.run(labels(own_kafka)) >= report["accepted"] * 0.9)
        assert not asyncio.run(may_enter(url_for(guarded_postgres, "router", "guess")))
        assert asyncio.run(may_enter(url_for(guarded_postgres, "router", home.password("router"))))
        assert supervisor.down(home) is True
        assert asyncio.run(may_enter(guarded_postgres)), "servers that are not ours stay up"
    finally:
        supervisor.reset(home)
