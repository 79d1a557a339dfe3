"""The two programs in `docs/` against a real broker: fifteen lines each, and they do what they say."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from contracts.golden import GOLDENS, ROOT

from linkstar_contracts import parse_record
from linkstar_contracts.events import OrderSubmitted
from linkstar_contracts.topics import TOPICS
from linkstar_sandbox.provision import provision_topics

pytestmark = pytest.mark.integration
CONSUME, PUBLISH, ORDER = (ROOT / "docs" / name for name in ("consume.py", "publish.py", "order.json"))
GARBAGE = b"\x00garbage"


@pytest.mark.parametrize("program", [CONSUME, PUBLISH], ids=lambda path: path.name)
def test_is_fifteen_lines(program: Path) -> None:
    lines = [line for line in program.read_text("utf-8").splitlines() if line.strip() and not line.startswith('"""')]
    assert len(lines) <= 15
    assert max(map(len, lines)) <= 125


def publish(bootstrap: str) -> None:
    subprocess.run([sys.executable, PUBLISH, bootstrap, ORDER], check=True, timeout=60, env={})


@contextmanager
def consumer(bootstrap: str) -> Iterator[Iterator[str]]:
    """The lines `consume.py` prints, until the block ends."""
    with subprocess.Popen([sys.executable, CONSUME, bootstrap], stdout=subprocess.PIPE, text=True, env={}) as process:
        assert process.stdout is not None
        try:
            yield (line.rstrip("\n") for line in process.stdout)
        finally:
            process.terminate()


async def send_goldens_twice(bootstrap: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for golden in (*GOLDENS, *GOLDENS):
            headers = golden.raw_headers
            await producer.send_and_wait(golden.topic.name, golden.value, golden.key.encode(), headers=headers)
        await producer.send_and_wait("labels", GARBAGE, b"demo/x")


async def orders_inbound(bootstrap: str) -> list[tuple[bytes | None, OrderSubmitted]]:
    found = []
    async with AIOKafkaConsumer("orders-inbound", bootstrap_servers=bootstrap, auto_offset_reset="earliest") as log:
        async for record in log:
            event = parse_record(record.headers, record.value, record.topic)
            if isinstance(event, OrderSubmitted) and event.order_id == "my-shop-1001":
                found.append((record.key, event))
                break
    return found


async def test_publish_sends_an_order_the_door_accepts(kafka_bootstrap: str) -> None:
    await provision_topics(kafka_bootstrap, TOPICS)
    await asyncio.to_thread(publish, kafka_bootstrap)
    ((key, order),) = await orders_inbound(kafka_bootstrap)
    assert key == b"demo/my-shop-1001"
    assert order == OrderSubmitted.model_validate_json(ORDER.read_bytes())


async def test_consume_reads_every_topic_once(kafka_bootstrap: str) -> None:
    await provision_topics(kafka_bootstrap, TOPICS)
    await send_goldens_twice(kafka_bootstrap)
    told = ("ce_type", "ce_tenant", "ce_subject", "ce_version")
    wanted = {" ".join(golden.headers[name] for name in told) for golden in GOLDENS}

    def read() -> list[str]:
        found: list[str] = []
        with consumer(kafka_bootstrap) as lines:
            for line in lines:
                found.append(line)
                if wanted <= set(found) and any("record.no_envelope" in line for line in found):
                    return found
        return found

    found = await asyncio.to_thread(read)
    assert wanted <= set(found)
    assert [line for line in found if line in wanted and found.count(line) > 1] == []
    assert [line.split()[0] for line in found if "record.no_envelope" in line] == ["labels"]
