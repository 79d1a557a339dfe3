"""What every stage store must do for several transactions at a time: locks, visibility, epochs, deadlocks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from linkstar_runtime.ports import Advance, StoreConflict
from linkstar_runtime.records import OutboxRow

__all__ = ["StoreBehaviour"]

TOPIC = "orders-inbound"


def row(shard: int, chunk: bytes = b"\x01") -> OutboxRow:
    return OutboxRow(shard, 0, "order-changes", shard, 1, chunk)


class StoreBehaviour:
    """Mix-in: subclasses provide the fixture `store`."""

    async def claimed(self, store: Any, shard: int) -> int:
        return int((await store.claim(shard, "member", "cluster", {TOPIC: 0})).epoch)

    async def test_every_claim_has_an_epoch_of_its_own(self, store: Any) -> None:
        claims = await asyncio.gather(*(self.claimed(store, 1) for _ in range(4)))
        assert sorted(claims) == [1, 2, 3, 4]

    async def test_a_claim_waits_for_the_open_transaction_and_reads_its_offset(self, store: Any) -> None:
        epoch = await self.claimed(store, 1)
        async with store.batch() as tx:
            assert not await tx.fence({1: epoch}, [Advance(1, TOPIC, 0, 7)])
            heir = asyncio.create_task(store.claim(1, "heir", "cluster", {TOPIC: 0}))
            await asyncio.sleep(0.05)
            assert not heir.done()
        claim = await heir
        assert (claim.epoch, claim.offsets) == (epoch + 1, {TOPIC: 7})

    async def test_rows_are_seen_by_others_once_committed_and_by_their_writer_at_once(self, store: Any) -> None:
        async with store.batch() as old:
            await old.insert_outbox([row(1, b"\x01old")])
        (before,) = await store.pending([1])
        async with store.batch() as tx:
            await tx.insert_outbox([row(1, b"\x01new")])
            await tx.delete_outbox([(1, before.seq)])
            assert [each.chunk for each in await tx.visible_outbox([1])] == [b"\x01new"]
            assert [each.chunk for each in await store.pending([1])] == [b"\x01old"]
        assert [each.chunk for each in await store.pending([1])] == [b"\x01new"]

    async def test_a_row_of_a_long_transaction_appears_late_with_its_early_number(self, store: Any) -> None:
        async with store.batch() as slow:
            await slow.insert_outbox([row(1, b"\x01slow")])
            async with store.batch() as quick:
                await quick.insert_outbox([row(1, b"\x01quick")])
                assert [each.chunk for each in await quick.visible_outbox([1])] == [b"\x01quick"]
        assert [each.chunk for each in await store.pending([1])] == [b"\x01slow", b"\x01quick"]

    async def test_nothing_of_a_transaction_that_fails_remains(self, store: Any) -> None:
        epoch = await self.claimed(store, 1)

        async def failing() -> None:
            async with store.batch() as tx:
                await tx.fence({1: epoch}, [Advance(1, TOPIC, 0, 7)])
                await tx.insert_outbox([row(1)])
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await failing()
        assert await store.pending([1]) == []
        assert (await store.claim(1, "heir", "cluster", {TOPIC: 0})).offsets == {TOPIC: 0}

    async def test_of_two_that_wait_for_each_other_one_conflicts(self, store: Any) -> None:
        epochs = {shard: await self.claimed(store, shard) for shard in (1, 2)}
        both_hold = asyncio.Barrier(2)

        async def crossing(first: int, second: int) -> str:
            try:
                async with store.batch() as tx:
                    await tx.fence({first: epochs[first]}, ())
                    await both_hold.wait()
                    await tx.fence({second: epochs[second]}, ())
            except StoreConflict:
                return "conflict"
            return "done"

        assert sorted(await asyncio.gather(crossing(1, 2), crossing(2, 1))) == ["conflict", "done"]
