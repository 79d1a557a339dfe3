"""A delivery that no time-out of the database allows as one transaction gets through shard by shard."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from behaviour.member import PARTITIONS, Member, cancel_request, publish

from linkstar_runtime.batch import BatchRunner, Committed, Work
from linkstar_runtime.clock import Clock
from linkstar_runtime.ports import StoreUnavailable
from linkstar_runtime.testing import MemoryBroker, MemoryStore


class OneShardAtMost:
    """A runner whose transactions are cut off when they hold more than one shard."""

    def __init__(self, runner: BatchRunner, *, cut_all: bool = False) -> None:
        self._runner, self._cut_all = runner, cut_all
        self.sizes: list[int] = []

    async def run(self, work: Mapping[int, Work]) -> Committed:
        self.sizes.append(len(work))
        if self._cut_all or len(work) > 1:
            raise StoreUnavailable("idle in transaction for too long")
        return await self._runner.run(work)


async def _turned(*, cut_all: bool) -> tuple[MemoryBroker, list[int]]:
    broker = MemoryBroker()
    member = Member(broker, MemoryStore(Clock()))
    await member.turn()
    for number in range(60):
        publish(broker, cancel_request(f"order-{number}"))
    runner = OneShardAtMost(member.runner, cut_all=cut_all)
    stage: Any = member.stage
    stage._runner = runner
    for _ in range(20):
        await member.turn()
        await asyncio.sleep(0.05)
    return broker, runner.sizes


async def test_after_two_vain_attempts_each_shard_is_tried_alone() -> None:
    broker, sizes = await _turned(cut_all=False)
    done = [record for shard in range(PARTITIONS) for record in broker.read("order-changes", shard, 0, 1_000)]
    assert len(done) == 60
    assert [size for size in sizes if size > 1] == [12, 12, 12]


async def test_while_the_database_is_away_one_vain_attempt_alone_is_enough() -> None:
    _, sizes = await _turned(cut_all=True)
    assert sizes[:5] == [12, 12, 12, 1, 12]
