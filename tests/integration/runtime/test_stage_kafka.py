"""The stage as processes on a real broker and a real PostgreSQL: three replicas of a two-topic service, shards moving, a
replica killed and one stopped in mid-flow, poison and re-published records, and a handler that raises once."""

from __future__ import annotations

import asyncio
import random
import signal
import struct
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.record.util import calc_crc32c
from behaviour.processes import Replicas

from linkstar_contracts.event import Event
from linkstar_contracts.events import OrderCancelRequested, ReturnRequested
from linkstar_contracts.topics import ORDER_CHANGES, ORDERS_INBOUND, PARTITIONS, RETURNS_REQUESTED
from linkstar_runtime.migrate import migrate
from linkstar_runtime.shards import shard_of
from linkstar_runtime.watchdog import STALLED_EXIT_CODE
from linkstar_sandbox.provision import provision_topics

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
OUTPUT = ORDER_CHANGES.name


class Scene:
    """A prefix of topics on the broker, the example's database, and its replicas."""

    def __init__(self, bootstrap: str, database_url: str, prefix: str, logs: Path) -> None:
        self.bootstrap, self.database_url, self.prefix = bootstrap, database_url, prefix
        self.expected: set[tuple[str, str]] = set()
        self.replicas = Replicas(
            "behaviour.example",
            {
                "LINKSTAR_KAFKA__BOOTSTRAP": bootstrap,
                "LINKSTAR_KAFKA__TOPIC_PREFIX": prefix,
                "LINKSTAR_KAFKA__SESSION_TIMEOUT_MS": "2000",
                "LINKSTAR_DATABASE__URL": database_url,
            },
            logs,
        )

    async def publish(self, orders: int, facts: range) -> None:
        """Publish facts for `orders` orders by both topics, every tenth one twice."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all")
        await producer.start()
        try:
            for number in facts:
                order, fact = f"{self.prefix}{number % orders}", f"fact-{number}"
                event: Event = (
                    OrderCancelRequested(tenant="demo", order_id=order, version=number + 1, occurred_at=AT, reason=fact)
                    if number % 2
                    else ReturnRequested(tenant="demo", order_id=order, occurred_at=AT, request_id=fact)
                )
                self.expected.add((order, fact))
                for _ in range(2 if number % 10 == 0 else 1):
                    await self._send(producer, event)
            await producer.flush()
        finally:
            await producer.stop()

    async def _send(self, producer: AIOKafkaProducer, event: Event, value: bytes | None = None) -> None:
        topic = ORDERS_INBOUND if isinstance(event, OrderCancelRequested) else RETURNS_REQUESTED
        await producer.send(
            self.prefix + topic.name,
            key=event.key.encode(),
            value=value or event.body(),
            headers=event.headers("/test"),
        )

    async def poison(self, count: int) -> None:
        """Publish records that break the handler, and as many that are no JSON."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all")
        await producer.start()
        for number in range(count):
            bad = OrderCancelRequested(
                tenant="demo", order_id=f"{self.prefix}bad-{number}", occurred_at=AT, reason="poison"
            )
            await self._send(producer, bad)
            await self._send(producer, bad, b"\x00 no json")
        await producer.stop()

    async def emitted(self, seconds: float = 60) -> list[ConsumerRecord]:
        """Read the output until every expected fact has arrived, then a little longer; fail after `seconds`."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            consumer.assign([TopicPartition(self.prefix + OUTPUT, shard) for shard in range(PARTITIONS)])
            await consumer.seek_to_beginning()
            records: list[ConsumerRecord] = []
            missing = len(self.expected)
            loop = asyncio.get_running_loop()
            deadline = loop.time() + seconds
            while loop.time() < deadline:
                batch = await consumer.getmany(timeout_ms=400)
                records += [record for part in batch.values() for record in part]
                missing = len(self.expected) - len({_identity(record) for record in records})
                if not batch and missing <= 0:
                    return records
        finally:
            await consumer.stop()
        pytest.fail(f"{missing} facts never arrived\n{self.replicas.logs()[-4000:]}")

    async def drained(self) -> None:
        """Return once every row of the outbox is sent and gone."""
        for _ in range(200):
            if await self.fetch("SELECT count(*) FROM outbox WHERE grp = $1", f"{self.prefix}example") == [(0,)]:
                return
            await asyncio.sleep(0.05)
        pytest.fail("the outbox never ran empty")

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.database_url)
        try:
            await connection.execute("SET search_path = example")
            return await connection.fetch(sql, *args)
        finally:
            await connection.close()

    async def shut_database(self, admin_url: str, seconds: float) -> None:
        """Cut every connection to the database and let nobody in for a while, as a restart of the server does."""
        name = urlsplit(self.database_url).path.lstrip("/")
        connection = await asyncpg.connect(admin_url)
        try:
            await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
            await asyncio.sleep(seconds)
        finally:
            await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            await connection.close()

    async def unreadable(self, *sizes: int) -> None:
        """Publish records of noise, up to the broker's limit."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all", max_request_size=2**21)
        await producer.start()
        event = OrderCancelRequested(tenant="demo", order_id=f"{self.prefix}1", occurred_at=AT, reason="noise")
        for number, size in enumerate(sizes):
            await self._send(producer, event, random.Random(number).randbytes(size))
        await producer.stop()

    def check(self, records: list[ConsumerRecord]) -> None:
        """Every fact once, one payload per id, versions dense by first appearance, every key in one partition."""
        payloads: dict[bytes, set[bytes]] = defaultdict(set)
        places: dict[bytes, set[int]] = defaultdict(set)
        versions: dict[bytes, list[int]] = defaultdict(list)
        facts = []
        for record in records:
            headers = dict(record.headers)
            places[record.key].add(record.partition)
            if headers["ce_id"] not in payloads:
                versions[record.key].append(int(headers["ce_version"]))
                facts.append(_identity(record))
            payloads[headers["ce_id"]].add(record.value)
        assert sorted(facts) == sorted(self.expected)
        assert all(len(each) == 1 for each in payloads.values())
        assert all(len(each) == 1 for each in places.values())
        assert all(each == list(range(1, len(each) + 1)) for each in versions.values())


def _identity(record: ConsumerRecord) -> tuple[str, str]:
    body = record.value.decode()
    return record.key.decode().split("/")[1], body.split('"reason":"')[1].split('"')[0]


@pytest_asyncio.fixture
async def scene(kafka_bootstrap: str, database_url: str, topic_prefix: str, tmp_path: Path) -> AsyncIterator[Scene]:
    await provision_topics(kafka_bootstrap, (ORDERS_INBOUND, RETURNS_REQUESTED, ORDER_CHANGES), prefix=topic_prefix)
    await migrate(database_url, "example", "behaviour.example.migrations")
    scene = Scene(kafka_bootstrap, database_url, topic_prefix, tmp_path)
    yield scene
    scene.replicas.stop()


async def test_shards_move_between_three_replicas_while_one_is_killed_and_one_sleeps(scene: Scene) -> None:
    replicas = scene.replicas
    first = replicas.start()
    await scene.publish(40, range(400))
    second = replicas.start()
    await scene.publish(40, range(400, 800))
    await asyncio.sleep(4)
    replicas.start()
    replicas.signal(signal.SIGSTOP, second)
    await scene.publish(40, range(800, 1200))
    replicas.signal(signal.SIGKILL, first)
    await scene.publish(40, range(1200, 1600))
    replicas.start()
    await asyncio.sleep(5)
    replicas.signal(signal.SIGCONT, second)
    await scene.publish(40, range(1600, 2000))
    scene.check(await scene.emitted())
    await scene.drained()
    assert replicas.stop() == [0, 0, 0]
    assert await scene.fetch("SELECT count(*) FROM outbox WHERE grp = $1", f"{scene.prefix}example") == [(0,)]


async def test_poison_dies_alone_and_a_handler_that_raises_once_leaves_no_hole(scene: Scene) -> None:
    await scene.publish(10, range(100))
    await scene.poison(5)
    producer = AIOKafkaProducer(bootstrap_servers=scene.bootstrap)
    await producer.start()
    once = OrderCancelRequested(tenant="demo", order_id=f"{scene.prefix}1", occurred_at=AT, reason="raises-once")
    await scene._send(producer, once)
    await producer.stop()
    scene.expected.add((f"{scene.prefix}1", "raises-once"))
    scene.replicas.start(LINKSTAR_FAILPOINTS="stage.after_poll=raise@3")
    await scene.publish(10, range(100, 200))
    scene.check(await scene.emitted())
    dead = await scene.fetch(
        "SELECT code, count(*) FROM dead_letter WHERE grp = $1 GROUP BY code ORDER BY code", f"{scene.prefix}example"
    )
    assert [tuple(row) for row in dead] == [("bug", 5), ("invalid", 5)]


async def test_what_a_dead_owner_committed_is_sent_by_the_next(scene: Scene) -> None:
    await scene.publish(5, range(20))
    dying = scene.replicas.start(LINKSTAR_FAILPOINTS="stage.after_commit=exit:137@1")
    assert dying.wait(60) == 137
    scene.replicas.running.remove(dying)
    scene.replicas.start()
    scene.check(await scene.emitted())


@pytest.mark.parametrize(
    "point",
    [
        "stage.tx.after_fence", "stage.tx.before_commit", "stage.produce_partial", "stage.ack_lost", "stage.after_ack",
        "claim.after_epoch", "claim.before_seek",
    ],
)  # fmt: skip
async def test_a_crash_at_every_point_loses_and_doubles_nothing(scene: Scene, point: str) -> None:
    await scene.publish(5, range(20))
    dying = scene.replicas.start(LINKSTAR_FAILPOINTS=f"{point}=exit:137@1")
    assert dying.wait(60) == 137
    scene.replicas.running.remove(dying)
    scene.replicas.start()
    scene.check(await scene.emitted())


async def test_a_delivery_that_never_ends_ends_the_process_non_zero(scene: Scene) -> None:
    await scene.publish(5, range(20))
    stuck = scene.replicas.start(LINKSTAR_FAILPOINTS="stage.after_poll=sleep:600@1", LINKSTAR_STAGE__WATCHDOG_S="2")
    assert await asyncio.to_thread(stuck.wait, 60) == STALLED_EXIT_CODE
    scene.replicas.running.remove(stuck)
    assert "delivery does not end" in scene.replicas.logs()
    scene.replicas.start()
    scene.check(await scene.emitted())


async def test_cut_database_connections_delay_and_lose_nothing(scene: Scene) -> None:
    scene.replicas.start()
    scene.replicas.start()
    for first in range(0, 1000, 100):
        await scene.publish(20, range(first, first + 100))
        await scene.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'example %'"
        )
        await asyncio.sleep(0.3)
    scene.check(await scene.emitted())
    assert scene.replicas.stop() == [0, 0]


async def test_the_offset_gauge_follows_and_never_leads(scene: Scene) -> None:
    scene.replicas.start()
    await scene.publish(20, range(200))
    scene.check(await scene.emitted())
    assert scene.replicas.stop() == [0]
    stored = await scene.fetch(
        "SELECT topic, shard, next_offset FROM stage_offset WHERE grp = $1", f"{scene.prefix}example"
    )
    consumer = AIOKafkaConsumer(
        bootstrap_servers=scene.bootstrap, group_id=f"{scene.prefix}example", enable_auto_commit=False
    )
    await consumer.start()
    try:
        committed = {tuple(row): await consumer.committed(TopicPartition(row["topic"], row["shard"])) for row in stored}
    finally:
        await consumer.stop()
    assert len(committed) == 2 * PARTITIONS
    assert all((found or 0) == offset for (_, _, offset), found in committed.items())


async def test_a_database_that_is_away_for_seconds_ends_no_replica(scene: Scene, postgres_admin_url: str) -> None:
    replica = scene.replicas.start()
    await scene.publish(5, range(50))
    await scene.emitted()
    await scene.shut_database(postgres_admin_url, 4)
    await scene.publish(5, range(50, 100))
    scene.check(await scene.emitted())
    assert replica.poll() is None
    assert scene.replicas.stop() == [0]


async def test_dead_letters_as_large_as_the_broker_takes_stop_nothing(scene: Scene) -> None:
    await scene.unreadable(500_000, 899_000, 910_000, 1_040_000)
    await scene.publish(5, range(50))
    scene.replicas.start()
    scene.check(await scene.emitted())
    dead = await scene.fetch(
        "SELECT code, length(raw) FROM dead_letter WHERE grp = $1 ORDER BY off", f"{scene.prefix}example"
    )
    assert [tuple(row) for row in dead] == [
        ("size", 500_000), ("size", 899_000), ("size", 910_000), ("size", 1_040_000)
    ]  # fmt: skip


async def test_a_redrive_counts_attempts_and_succeeds_once_the_cause_is_gone(scene: Scene) -> None:
    await scene.poison(1)
    scene.replicas.start()
    await scene.publish(2, range(4))
    scene.check(await scene.emitted())
    letters = "SELECT code, attempts, redriven_at IS NULL FROM dead_letter WHERE grp = $1 ORDER BY code, attempts"
    group = f"{scene.prefix}example"
    assert [tuple(row) for row in await scene.fetch(letters, group)] == [("bug", 1, True), ("invalid", 1, True)]
    assert '"still_invalid"' in scene.replicas.replay("--code", "invalid", returncode=1)
    assert '"sent"' in scene.replicas.replay("--code", "bug")
    for _ in range(100):
        found = [tuple(row) for row in await scene.fetch(letters, group)]
        if len(found) == 3:
            break
        await asyncio.sleep(0.1)
    assert found == [("bug", 1, False), ("bug", 2, True), ("invalid", 1, True)]


async def test_a_header_name_that_is_no_utf8_stops_nothing(scene: Scene) -> None:
    """aiokafka alone would crash the consume loop for ever. The name stands amid sound records of one batch."""
    event = OrderCancelRequested(tenant="demo", order_id=f"{scene.prefix}0", occurred_at=AT, reason="strange")
    producer = AIOKafkaProducer(bootstrap_servers=scene.bootstrap, acks="all")
    await producer.start()
    batch = producer.create_batch()
    for name in ("plain", "XX-name", "plain"):
        headers = [*event.headers("/test"), (name, b"")]
        batch.append(timestamp=None, key=event.key.encode(), value=event.body(), headers=headers)
    batch.close()
    batch._buffer = bytearray(batch._build().replace(b"XX-name", b"\xff\xfe-name"))
    struct.pack_into(">I", batch._buffer, 17, calc_crc32c(bytes(batch._buffer[21:])))
    shard = shard_of(event.key, PARTITIONS)
    await (await producer.send_batch(batch, scene.prefix + ORDERS_INBOUND.name, partition=shard))
    await producer.stop()
    scene.expected.add((event.order_id, "strange"))
    replica = scene.replicas.start(LINKSTAR_STAGE__WATCHDOG_S="3")
    await scene.publish(5, range(20))
    scene.check(await scene.emitted())
    assert replica.poll() is None
    assert await scene.fetch("SELECT 1 FROM dead_letter WHERE grp = $1", f"{scene.prefix}example") == []


async def test_header_values_that_are_no_text_lose_no_batch(scene: Scene) -> None:
    """FastStream alone would fail each batch that holds one, deliver the next, and so leave a hole."""
    await scene.publish(5, range(20))
    producer = AIOKafkaProducer(bootstrap_servers=scene.bootstrap, acks="all")
    await producer.start()
    strange: list[tuple[str, bytes | None]] = [("x", b"\xff\xfe"), ("x", None), ("reply_to", b"nowhere")]
    for number, header in enumerate(strange):
        fact = f"strange-{number}"
        event = OrderCancelRequested(tenant="demo", order_id=f"{scene.prefix}{number}", occurred_at=AT, reason=fact)
        headers = [*event.headers("/test"), header]
        await producer.send(scene.prefix + ORDERS_INBOUND.name, event.body(), event.key.encode(), headers=headers)
        scene.expected.add((event.order_id, fact))
    await producer.stop()
    await scene.publish(5, range(20, 40))
    scene.replicas.start()
    scene.check(await scene.emitted())
