"""The servers in containers: nobody's root, watched by their own health checks, and on the same address with the same data
after a kill."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import asyncpg
import pytest
import servers
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from linkstar_contracts.topics import TOPICS
from linkstar_sandbox.provision import provision_topics

if TYPE_CHECKING:
    from containers.servers import KafkaContainer, PostgresContainer

pytestmark = [pytest.mark.integration, pytest.mark.containers("needs a Docker engine; see `make test-containers`")]


@pytest.fixture
def kafka() -> Iterator[KafkaContainer]:
    from containers.servers import KafkaContainer

    with servers.running(KafkaContainer()) as kafka:
        yield kafka


@pytest.fixture
def own_postgres() -> Iterator[PostgresContainer]:
    from containers.servers import PostgresContainer

    with servers.running(PostgresContainer()) as postgres:
        yield postgres


def become_healthy(server: KafkaContainer | PostgresContainer) -> None:
    """Waits for the image's own check; public images bring none."""
    if not server.inspect()["Config"]["Image"].startswith("linkstar/"):
        return
    deadline = time.monotonic() + 60
    while (health := server.inspect()["State"]["Health"])["Status"] != "healthy":
        assert time.monotonic() < deadline, health
        time.sleep(0.2)


def user_of(server: KafkaContainer | PostgresContainer) -> str:
    return str(server.inspect()["Config"]["User"]).partition(":")[0]


async def send(bootstrap: str, value: bytes) -> None:
    await provision_topics(bootstrap, TOPICS[:1])
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        await producer.send_and_wait(TOPICS[0].name, value, partition=3)


async def first(bootstrap: str) -> bytes | None:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(TOPICS[0].name, 3)])
        async with asyncio.timeout(20):
            return bytes((await consumer.getone()).value)


async def query(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def test_a_killed_broker_comes_back_with_its_records(kafka: KafkaContainer) -> None:
    assert user_of(kafka) not in ("", "0", "root")
    asyncio.run(send(kafka.bootstrap, b"kept"))
    become_healthy(kafka)
    kafka.kill()
    kafka.start_again()
    assert asyncio.run(first(kafka.bootstrap)) == b"kept"
    become_healthy(kafka)


def test_a_killed_postgres_comes_back_with_its_rows(own_postgres: PostgresContainer) -> None:
    assert user_of(own_postgres) not in ("", "0", "root")
    assert asyncio.run(query(own_postgres.url(), "SHOW fsync")) == "on"
    assert asyncio.run(query(own_postgres.url(), "SHOW max_connections")) == "200"
    asyncio.run(query(own_postgres.url(), "CREATE TABLE kept AS SELECT 42 AS answer"))
    become_healthy(own_postgres)
    own_postgres.kill()
    own_postgres.start_again()
    assert asyncio.run(query(own_postgres.url(), "SELECT answer FROM kept")) == 42
    become_healthy(own_postgres)
