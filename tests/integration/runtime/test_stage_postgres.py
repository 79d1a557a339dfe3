"""The stage's behaviour on a real PostgreSQL: the same suite as on the in-memory store."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import asyncpg
import pytest
import pytest_asyncio
from behaviour.claims import ClaimBehaviour
from behaviour.deliveries import DeliveryBehaviour
from behaviour.emission import EmissionBehaviour
from behaviour.example.store import count_facts
from behaviour.member import Member, cancel_request, publish
from behaviour.stage import ORDERS, StageBehaviour, emitted
from behaviour.store import StoreBehaviour

from linkstar_contracts.events import OrderCancelled, OrderCancelRequested
from linkstar_contracts.topics import PARTITIONS
from linkstar_runtime.clock import Clock
from linkstar_runtime.database import Database
from linkstar_runtime.handling import Handler, Received, Transaction
from linkstar_runtime.migrate import migrate
from linkstar_runtime.ports import Insertion
from linkstar_runtime.postgres_store import PostgresStageStore
from linkstar_runtime.records import OutboxRow, OutgoingRecord, Packed
from linkstar_runtime.settings import DatabaseSettings, Settings
from linkstar_runtime.shards import shard_of
from linkstar_runtime.testing import MemoryBroker

pytestmark = pytest.mark.integration
NOW = datetime(2026, 6, 8, tzinfo=UTC)


async def count_cancels(batch: Sequence[Received[OrderCancelRequested]], tx: Transaction) -> list[OrderCancelled]:
    """One event per order, whatever is repeated."""
    fresh = await count_facts(tx, [(received.key, "cancel") for received in batch])
    return [
        OrderCancelled(
            tenant="demo", order_id=key.split("/")[1], version=version + 1, occurred_at=tx.now, reason="test"
        )
        for key, _, version in fresh
    ]


class TestPostgresStage(StageBehaviour, ClaimBehaviour, EmissionBehaviour, DeliveryBehaviour, StoreBehaviour):
    @pytest_asyncio.fixture
    async def database(self, database_url: str) -> AsyncIterator[Database]:
        await migrate(database_url, "example", "behaviour.example.migrations")
        settings = Settings(database=DatabaseSettings(url=database_url))
        database = await Database.connect(settings, "example", Clock())
        async with database.acquire() as connection:
            await connection.execute("DELETE FROM fact; DELETE FROM counter")
        yield database
        await database.close()

    @pytest.fixture
    def store(self, database: Database) -> PostgresStageStore:
        return PostgresStageStore(f"example-{uuid.uuid4().hex[:8]}", "0", database)

    @pytest.fixture
    def handler(self) -> Handler:
        return count_cancels

    @pytest.fixture
    def dead(self, database: Database, store: PostgresStageStore) -> Callable[[], Awaitable[list[Any]]]:
        async def rows() -> list[Any]:
            async with database.acquire() as connection:
                found = await connection.fetch(
                    "SELECT topic, part, off, code FROM dead_letter WHERE grp = $1 ORDER BY topic, part, off",
                    store.group,
                )
            return [tuple(row) for row in found]

        return rows

    async def test_a_stopped_owner_inside_a_transaction_delays_a_claim_only_briefly(
        self, broker: MemoryBroker, store: PostgresStageStore, database: Database
    ) -> None:
        """The role's idle-in-transaction time-out frees the shard of an owner that sleeps for ever."""
        claim = await store.claim(0, "sleeper", broker.cluster_id, {"orders-inbound": 0})
        async with database.acquire() as connection:
            await connection.execute("SET idle_in_transaction_session_timeout = '300ms'")
            sleeping = connection.transaction()
            await sleeping.start()
            await connection.fetch("SELECT 1 FROM stage_shard WHERE grp = $1 FOR NO KEY UPDATE", store.group)
            again = await store.claim(0, "heir", broker.cluster_id, {"orders-inbound": 0})
        assert again.epoch == claim.epoch + 1

    async def test_a_row_that_becomes_visible_late_is_not_skipped(
        self, broker: MemoryBroker, store: PostgresStageStore, handler: Handler
    ) -> None:
        """Two open transactions: the later sequence number commits first, both are emitted."""
        member = Member(broker, store, handler)
        await member.turn()
        slow = store.batch()
        early = await slow.__aenter__()
        events = await handler([_received("order-1")], early.handle)
        outbox = member.runner.outbox()
        outbox.add(events[0])
        await early.insert_outbox(outbox.rows())
        await member.writer.submit(handler, [cancel_request("order-2")])
        await member.settle(3)
        await slow.__aexit__(None, None, None)
        await member.settle(3)
        assert sorted(emitted(broker)) == ["order-1", "order-2"]

    async def test_racing_writers_of_one_order_number_and_file_their_events_alike(
        self, broker: MemoryBroker, store: PostgresStageStore
    ) -> None:
        """The aggregate is locked before the version is chosen, and the outbox row comes after both."""

        async def facts(batch: Sequence[Received[OrderCancelRequested]], tx: Transaction) -> list[OrderCancelled]:
            fresh = await count_facts(tx, [(received.key, received.event.reason) for received in batch])
            return [
                OrderCancelled(tenant="demo", order_id="order-1", version=version, occurred_at=tx.now, reason=reason)
                for _, reason, version in fresh
            ]

        door = Member(broker, store, facts, shards=())
        requests = [cancel_request("order-1").model_copy(update={"reason": f"fact-{number}"}) for number in range(40)]
        await asyncio.gather(*(door.writer.submit(facts, [request]) for request in requests))
        rows = await store.pending(range(PARTITIONS))
        records = [record for row in rows for record in row.records()]
        assert [int(dict(record.headers)["ce_version"]) for record in records] == list(range(1, 41))

    async def test_a_row_inserted_once_emits_its_events_once(
        self, broker: MemoryBroker, store: PostgresStageStore
    ) -> None:
        """The second insertion finds the row, whether it comes later or at the same time."""
        member = Member(broker, store)
        await member.turn()
        told = [OrderCancelled(tenant="demo", order_id=o, version=1, occurred_at=NOW, reason="test") for o in ORDERS]
        insertion = Insertion(
            "INSERT INTO fact (key, id, version) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", ("demo/call", "a", 1)
        )
        done = await asyncio.gather(*(member.writer.insert(insertion, told) for _ in range(5)))
        assert sorted(done) == [False] * 4 + [True]
        assert not await member.writer.insert(insertion, told)
        await member.settle()
        assert {order: len(ids) for order, ids in emitted(broker).items()} == dict.fromkeys(ORDERS, 1)

    async def test_a_row_whose_events_cannot_be_stored_is_not_stored_either(
        self, store: PostgresStageStore, database: Database
    ) -> None:
        insertion = Insertion("INSERT INTO fact (key, id, version) VALUES ($1, $2, $3)", ("demo/call", "b", 1))
        record = OutgoingRecord(b"k", b"v", [], 0)
        (row,) = OutboxRow.of(1, cast("str", None), 1, [Packed.of(record)], 100)
        with pytest.raises(asyncpg.NotNullViolationError):
            await store.insert(insertion, [row])
        async with database.acquire() as connection:
            assert await connection.fetchval("SELECT count(*) FROM fact") == 0

    async def test_a_notice_reaches_whoever_listens(self, store: PostgresStageStore, database: Database) -> None:
        heard: asyncio.Queue[object] = asyncio.Queue()

        def notified(_connection: object, _pid: int, _channel: str, payload: object) -> None:
            heard.put_nowait(payload)

        async with database.acquire() as connection:
            await connection.add_listener(store.channel, notified)
            await store.notify([3, 7])
            assert await asyncio.wait_for(heard.get(), 10) == "3,7"
            await connection.remove_listener(store.channel, notified)
        async with database.acquire() as connection:
            assert await connection.fetchval("SHOW synchronous_commit") == "on"

    async def test_any_bytes_make_one_dead_letter(
        self, broker: MemoryBroker, store: PostgresStageStore, handler: Handler,
        dead: Callable[[], Awaitable[list[Any]]],
    ) -> None:  # fmt: skip
        hostile = [("ce_tenant", b"\x00\xff"), ("ce_specversion", b"1.0"), ("ce_type", b"\x00"), ("x\x00", b"\xff")]
        publish(broker, cancel_request("order-1"), value=b"\x00" * 10, key=b"\x00", headers=hostile)
        publish(broker, cancel_request("order-1"), value=b"[" * 300_000, headers=[("ce_id", b"\x00" * 100_000)] * 3)
        for order in ORDERS:
            publish(broker, cancel_request(order))
        await Member(broker, store, handler).settle()
        assert len(await dead()) == 2
        assert sorted(emitted(broker)) == sorted(ORDERS)

    async def test_dead_letters_in_clear_are_blanked_after_the_topics_retention(
        self, broker: MemoryBroker, store: PostgresStageStore, database: Database, handler: Handler,
        dead: Callable[[], Awaitable[list[Any]]],
    ) -> None:  # fmt: skip
        publish(broker, cancel_request("order-1"), value=b'{"name": "Ada Lovelace"}')
        await Member(broker, store, handler).settle()
        content = "SELECT raw IS NOT NULL OR key IS NOT NULL FROM dead_letter WHERE grp = $1"
        async with database.acquire() as connection:
            await store.forget_personal_data("orders-inbound", database.clock.now() - timedelta(days=3))
            assert await connection.fetchval(content, store.group)
            await store.forget_personal_data("orders-inbound", database.clock.now() + timedelta(seconds=1))
            assert not await connection.fetchval(content, store.group)
        assert [code for *_, code in await dead()] == ["invalid"]


def _received(order: str) -> Received[OrderCancelRequested]:
    event = cancel_request(order)
    return Received(event, event.key, shard_of(event.key, PARTITIONS))
