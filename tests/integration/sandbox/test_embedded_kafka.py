"""The embedded broker: real produce and consume, data kept, kills survived, faults told by code."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from linkstar_contracts.topics import TOPICS
from linkstar_sandbox.errors import SandboxError
from linkstar_sandbox.kafka import EmbeddedKafka
from linkstar_sandbox.provision import provision_topics

pytestmark = pytest.mark.integration
embedded = pytest.mark.embedded("the embedded broker itself is tested")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedKafka]:
    kafka = EmbeddedKafka(tmp_path)
    yield kafka
    kafka.stop()


async def send(bootstrap: str, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, compression_type="lz4"
    ) as producer:
        await producer.send_and_wait(topic, value, partition=3)


async def read_all(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(topic, 3)])
        async with asyncio.timeout(20):
            return [(await consumer.getone()).value for _ in range(count)]


async def test_registry_topics_carry_records(kafka_bootstrap: str, topic_prefix: str) -> None:
    names = await provision_topics(kafka_bootstrap, prefix=topic_prefix)
    assert len(names) == 2 * len(TOPICS)
    topic = f"{topic_prefix}orders-received"
    await send(kafka_bootstrap, topic, b"first")
    assert await provision_topics(kafka_bootstrap, prefix=topic_prefix) == names
    assert await read_all(kafka_bootstrap, topic, 1) == [b"first"]


async def test_topic_with_other_partition_count_is_refused(kafka_bootstrap: str, topic_prefix: str) -> None:
    one = replace(TOPICS[0], partitions=4)
    await provision_topics(kafka_bootstrap, [one], prefix=topic_prefix)
    with pytest.raises(SandboxError, match="4 partitions, not 12") as refusal:
        await provision_topics(kafka_bootstrap, [TOPICS[0]], prefix=topic_prefix)
    assert refusal.value.code == "provision-failed"


@embedded
async def test_records_survive_a_killed_broker(broker: EmbeddedKafka, tmp_path: Path) -> None:
    broker.start()
    await provision_topics(broker.bootstrap, TOPICS[:1])
    await send(broker.bootstrap, TOPICS[0].name, b"kept")
    assert broker.pid
    os.kill(broker.pid, signal.SIGKILL)
    successor = EmbeddedKafka(tmp_path)
    try:
        successor.start()
        assert await read_all(successor.bootstrap, TOPICS[0].name, 1) == [b"kept"]
        assert successor.stop() is True
    finally:
        successor.stop()


@embedded
def test_broker_of_a_killed_starter_is_replaced(broker: EmbeddedKafka, tmp_path: Path) -> None:
    broker.start()
    orphan = broker.pid
    successor = EmbeddedKafka(tmp_path)
    try:
        successor.start()
        assert broker.pid is None
        assert successor.pid not in (None, orphan)
    finally:
        successor.stop()


@embedded
def test_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SandboxError, match=str(port)) as refusal:
            EmbeddedKafka(tmp_path, port=port).start()
    assert refusal.value.code == "port-taken"


@embedded
def test_missing_java_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("linkstar_sandbox.java.find_spec", lambda _name: None)
    with pytest.raises(SandboxError) as refusal:
        EmbeddedKafka(tmp_path).start()
    assert refusal.value.code == "java-missing"
