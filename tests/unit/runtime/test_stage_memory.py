"""The stage's behaviour on the in-memory store, and what only that store can provoke."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from behaviour.claims import ClaimBehaviour
from behaviour.deliveries import DeliveryBehaviour
from behaviour.emission import EmissionBehaviour
from behaviour.member import Member, cancel_request, count_cancels, publish
from behaviour.stage import ORDERS, StageBehaviour, emitted, one_shard
from behaviour.store import StoreBehaviour

from linkstar_contracts.topics import PARTITIONS
from linkstar_runtime.clock import Clock
from linkstar_runtime.handling import Handler
from linkstar_runtime.ports import StoreUnavailable
from linkstar_runtime.shards import shard_of
from linkstar_runtime.testing import MemoryBroker, MemoryStore, Wire


class TestMemoryStage(StageBehaviour, ClaimBehaviour, EmissionBehaviour, DeliveryBehaviour, StoreBehaviour):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore(Clock())

    @pytest.fixture
    def handler(self) -> Handler:
        return count_cancels

    @pytest.fixture
    def dead(self, store: MemoryStore) -> Callable[[], Awaitable[list[Any]]]:
        async def rows() -> list[Any]:
            return [(*place, letter.code) for place, letter in sorted(store.dead_letters.items())]

        return rows

    @pytest.mark.parametrize("fault", ["unavailable", "lost", "reply_lost"])
    async def test_whatever_becomes_of_a_commit_nothing_is_lost_or_doubled(
        self, broker: MemoryBroker, store: MemoryStore, fault: str
    ) -> None:
        member = Member(broker, store)
        await member.turn()
        for order in ORDERS:
            publish(broker, cancel_request(order))
        store.faults += [fault] * 3
        for _ in range(200):
            await member.turn()
            if len(emitted(broker)) == len(ORDERS) and not await store.pending(range(PARTITIONS)):
                break
            await asyncio.sleep(0.02)
        assert {order: len(ids) for order, ids in emitted(broker).items()} == dict.fromkeys(ORDERS, 1)

    async def test_owners_elsewhere_are_told_of_rows_and_our_own_sweep_needs_no_notice(
        self, broker: MemoryBroker, store: MemoryStore, handler: Handler
    ) -> None:
        ours, theirs = one_shard(2)
        door, owner = Member(broker, store, handler, shards=()), Member(broker, store, handler, shards=[3])
        await owner.turn()
        await owner.writer.submit(handler, [cancel_request(ours)])
        await asyncio.sleep(0.01)
        assert store.tables.notified == []
        await door.writer.submit(handler, [cancel_request(theirs)])
        await asyncio.sleep(0.01)
        assert store.tables.notified == [3]

    async def test_an_answer_waits_for_no_notice_and_a_lost_notice_holds_none_back(
        self, broker: MemoryBroker, handler: Handler
    ) -> None:
        wire, gate = _DeafWire(), asyncio.Event()
        store = MemoryStore(Clock(), wire=wire)
        door = Member(broker, store, handler, shards=())
        wire.notices = [gate.wait]
        for order in ORDERS[:3]:
            await door.writer.submit(handler, [cancel_request(order)])
        shards = [shard_of(cancel_request(order).key, PARTITIONS) for order in ORDERS[:3]]
        assert store.tables.notified == []
        gate.set()
        await asyncio.sleep(0.01)
        assert sorted(store.tables.notified) == sorted([shards[0], *{*shards[1:]}])
        wire.notices = [_unreachable]
        await door.writer.submit(handler, [cancel_request("order-lost")])
        await asyncio.sleep(0.01)
        await door.writer.submit(handler, [cancel_request("order-told")])
        await asyncio.sleep(0.01)
        assert store.tables.notified[-1] == shard_of(cancel_request("order-told").key, PARTITIONS)


class _DeafWire(Wire):
    """Notices, told apart by the task that sends them, meet what `notices` holds next."""

    def __init__(self) -> None:
        super().__init__()
        self.notices: list[Callable[[], Awaitable[object]]] = []

    async def statement(self) -> None:
        if self.notices and _sends_notices(asyncio.current_task()):
            await self.notices.pop()()


def _sends_notices(task: asyncio.Task[Any] | None) -> bool:
    return task is not None and task.get_name() == "notices"


async def _unreachable() -> None:
    raise StoreUnavailable("cut")
