"""One service as its own process on the real broker and database, with what a test needs to talk to it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from linkstar_contracts.event import Event, read_headers
from linkstar_contracts.events import EVENTS
from linkstar_contracts.topics import TOPICS, Topic
from linkstar_runtime.api_keys import create_key
from linkstar_runtime.migrate import migrate
from linkstar_sandbox.ports import free_ports
from linkstar_sandbox.provision import provision_topics

READY_WITHIN_S = 60


class ServiceProcess:
    """The running service: HTTP by `client(...)`, Kafka by `publish` and `events`."""

    def __init__(self, url: str, bootstrap: str, prefix: str, database_url: str) -> None:
        self.url, self.bootstrap, self.prefix, self.database_url = url, bootstrap, prefix, database_url

    async def client(self, tenant: str, *scopes: str) -> httpx.AsyncClient:
        """An HTTP client with a new key of this tenant."""
        connection = await asyncpg.connect(self.database_url)
        try:
            key = await create_key(connection, tenant, scopes)
        finally:
            await connection.close()
        return httpx.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {key}"}, timeout=20)

    async def publish(self, *told: tuple[Topic, Event]) -> None:
        """Publish events as another service would."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all")
        await producer.start()
        try:
            for topic, event in told:
                await producer.send_and_wait(
                    self.prefix + topic.name, event.body(), key=event.key.encode(), headers=event.headers("/test")
                )
        finally:
            await producer.stop()

    async def events(self, topic: Topic, count: int, order_id: str = "s-1", within_s: float = 30) -> list[Any]:
        """Return an order's events on a topic once there are `count` of them, or those there are when time is up."""
        name = self.prefix + topic.name
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            places = [TopicPartition(name, partition) for partition in range(topic.partitions)]
            consumer.assign(places)
            found: list[Any] = []
            deadline = time.monotonic() + within_s
            while len(found) < count and time.monotonic() < deadline:
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    found += [event for event in map(_event, records) if event.order_id == order_id]
            return found
        finally:
            await consumer.stop()


@contextmanager
def running_service(service: str, bootstrap: str, database_url: str, **environment: str) -> Iterator[ServiceProcess]:
    """Start `python -m linkstar_<service> run`, wait until it is ready, and stop it cleanly at the end."""
    prefix, (port,) = f"t{uuid.uuid4().hex[:8]}-", free_ports(1)
    asyncio.run(_prepare(service, bootstrap, prefix, database_url))
    settings = {
        "LINKSTAR_KAFKA__BOOTSTRAP": bootstrap, "LINKSTAR_KAFKA__TOPIC_PREFIX": prefix,
        "LINKSTAR_DATABASE__URL": database_url, "LINKSTAR_HTTP__PORT": str(port), **environment,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", f"linkstar_{service}", "run"], env={**os.environ, **settings},
                stdout=output, stderr=output,
            )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{port}"
            _await_ready(url, process, log)
            yield ServiceProcess(url, bootstrap, prefix, database_url)
            process.terminate()
            assert process.wait(30) == 0, log.read_text()
        finally:
            process.kill()
            process.wait()


async def _prepare(service: str, bootstrap: str, prefix: str, database_url: str) -> None:
    await provision_topics(bootstrap, TOPICS, prefix=prefix)
    await migrate(database_url, service, f"linkstar_{service}.migrations")


def _await_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"{url}/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"not ready: {log.read_text()}")


def _event(record: Any) -> Event:
    head = read_headers(record.headers)
    assert head is not None
    return EVENTS[head.type].model_validate_json(record.value)
