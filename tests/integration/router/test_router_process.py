"""The router as a process: orders from Kafka become routes on Kafka, keyed alike, each once."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from unit.router.routed_orders import changed, received

from linkstar_contracts.event import Event, read_headers
from linkstar_contracts.events import RouteChosen
from linkstar_contracts.topics import ORDER_CHANGES, ORDERS_RECEIVED, ROUTES_CHOSEN, Topic
from linkstar_sandbox.provision import provision_topics

pytestmark = pytest.mark.integration
ORDERS, CHANGED = 60, 10


@pytest.fixture
async def environment(kafka_bootstrap: str, database_url: str, topic_prefix: str, tmp_path: Path) -> dict[str, str]:
    await provision_topics(kafka_bootstrap, prefix=topic_prefix)
    return {
        **os.environ,
        "LINKSTAR_KAFKA__BOOTSTRAP": kafka_bootstrap,
        "LINKSTAR_KAFKA__TOPIC_PREFIX": topic_prefix,
        "LINKSTAR_DATABASE__URL": database_url,
    }


async def _command(environment: dict[str, str], word: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "linkstar_router", word, env=environment)


@pytest.fixture
async def router(environment: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    assert await (await _command(environment, "migrate")).wait() == 0
    process = await _command(environment, "run")
    yield process
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 20) == 0


async def _publish(bootstrap: str, prefix: str, facts: list[tuple[Topic, Event]]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for topic, event in facts:
            headers = event.headers("/test")
            await producer.send_and_wait(prefix + topic.name, event.body(), key=event.key.encode(), headers=headers)


async def _newest_routes(bootstrap: str, topic: str, wanted: dict[str, int]) -> dict[str, list[RouteChosen]]:
    """Read until every wanted key has a route for its wanted order version; return the routes by key."""
    found: dict[str, list[RouteChosen]] = {}
    async with AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        async with asyncio.timeout(60):
            while {key: routes[-1].order_version for key, routes in found.items()} != wanted:
                record = await consumer.getone()
                head = read_headers(record.headers)
                assert head is not None
                route = RouteChosen.model_validate_json(record.value)
                assert (head.id, head.type) == (route.ce_id, RouteChosen.TYPE)
                found.setdefault(record.key.decode(), []).append(route)
    return found


async def test_orders_become_routes_and_repeats_do_not(
    router: asyncio.subprocess.Process, kafka_bootstrap: str, topic_prefix: str
) -> None:
    orders: list[tuple[Topic, Event]] = [(ORDERS_RECEIVED, received(f"shopify-{n}")) for n in range(ORDERS)]
    await _publish(kafka_bootstrap, topic_prefix, [*orders, *orders[:20]])
    await _publish(kafka_bootstrap, topic_prefix, [(ORDER_CHANGES, changed(f"shopify-{n}")) for n in range(CHANGED)])
    wanted = {f"demo/shopify-{n}": 2 if n < CHANGED else 1 for n in range(ORDERS)}
    found = await _newest_routes(kafka_bootstrap, topic_prefix + ROUTES_CHOSEN.name, wanted)
    for routes in found.values():
        assert [route.version for route in routes] == list(range(1, len(routes) + 1))
    assert router.returncode is None
