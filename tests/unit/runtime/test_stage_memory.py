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
from behaviour.stage import ORDERS, StageBehaviour, emitted
from behaviour.store import StoreBehaviour

from linkstar_contracts.topics import PARTITIONS
from linkstar_runtime.clock import Clock
from linkstar_runtime.handling import Handler
from linkstar_runtime.testing import MemoryBroker, MemoryStore


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
