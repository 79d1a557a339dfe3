"""What holds of rows that wait in the outbox, whoever wrote them: their order, their sending, their deletion."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from behaviour.member import Member, cancel_request, publish
from behaviour.stage import emitted, one_shard
from linkstar_runtime.handling import Handler
from linkstar_runtime.testing import MemoryBroker

__all__ = ["EmissionBehaviour"]


class EmissionBehaviour:
    """Mix-in beside `StageBehaviour`, whose fixtures it uses."""

    async def test_a_stale_owner_deletes_no_row(self, broker: MemoryBroker, store: Any, handler: Handler) -> None:
        door = Member(broker, store, handler, shards=())
        stale = await store.claim(3, "member-1", broker.cluster_id, {"orders-inbound": 0})
        valid = await store.claim(3, "member-2", broker.cluster_id, {"orders-inbound": 0})
        for order in one_shard(2):
            await door.writer.submit(handler, [cancel_request(order)])
        first, second = [(row.shard, row.seq) for row in await store.pending([3])]
        assert set(await store.delete_acked({3: stale.epoch}, [first])) == {3}
        assert len(await store.pending([3])) == 2
        assert set(await store.delete_acked({3: valid.epoch}, [second])) == set()
        assert [(row.shard, row.seq) for row in await store.pending([3])] == [first]

    async def test_a_claim_sends_what_waits_before_it_owns(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        order = one_shard(1)[0]
        await Member(broker, store, handler, shards=()).writer.submit(handler, [cancel_request(order)])
        await Member(broker, store, handler, shards=[3]).ownership.claim_all()
        assert list(emitted(broker)) == [order]

    async def test_a_batch_sends_older_rows_of_other_writers_first(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        by_http, by_topic = one_shard(2)
        owner = Member(broker, store, handler, shards=[3])
        await owner.turn()
        await Member(broker, store, handler, shards=()).writer.submit(handler, [cancel_request(by_http)])
        publish(broker, cancel_request(by_topic))
        await owner.stage.deliver(owner.consumer.poll())
        assert list(emitted(broker)) == [by_http, by_topic]
        assert [record.key for record in broker.logs["order-changes", 3]] == [
            f"demo/{order}".encode() for order in (by_http, by_topic)
        ]

    async def test_a_row_that_failed_holds_back_those_behind_it(
        self, broker: MemoryBroker, store: Any, handler: Handler, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("linkstar_runtime.emitter.MAX_CHUNK_BYTES", 1)
        orders = one_shard(3)
        door, owner = Member(broker, store, handler, shards=()), Member(broker, store, handler, shards=[3])
        await owner.turn()
        for order in orders:
            await door.writer.submit(handler, [cancel_request(order)])
        owner.producer.faults.append("lost")
        await owner.sweep.turn()
        assert emitted(broker) == {}
        assert owner.ownership.owned == {}
        await asyncio.sleep(1.1)
        await owner.settle()
        assert list(emitted(broker)) == orders

    @pytest.mark.parametrize("claimed_since", [False, True])
    async def test_a_clean_end_in_the_middle_of_a_rebalance_deletes_what_was_sent(
        self, broker: MemoryBroker, store: Any, handler: Handler, claimed_since: bool
    ) -> None:
        publish(broker, cancel_request(one_shard(1)[0]))
        leaving, other = (Member(broker, store, handler, name=name, shards=[3]) for name in ("leaving", "other"))
        await leaving.ownership.claim_all()
        await leaving.stage.deliver(leaving.consumer.poll())
        assert len(await store.waiting([3])) == 1
        leaving.ownership.revoked()
        if claimed_since:
            await other.ownership.claim_all()
        await leaving.sweep.finish()
        assert len(await store.waiting([3])) == (1 if claimed_since else 0)

    @pytest.mark.parametrize("first", ["sweep", "batch"])
    async def test_sweep_and_batch_never_send_one_row_twice(
        self, broker: MemoryBroker, store: Any, handler: Handler, first: str
    ) -> None:
        by_http, by_topic = one_shard(2)
        owner = Member(broker, store, handler, shards=[3])
        await owner.turn()
        send, gate = owner.producer.send, asyncio.Event()

        async def slowly(topic: str, partition: int, records: Any) -> None:
            await gate.wait()
            await send(topic, partition, records)

        owner.producer.send = slowly  # type: ignore[method-assign]
        await Member(broker, store, handler, shards=()).writer.submit(handler, [cancel_request(by_http)])
        publish(broker, cancel_request(by_topic))
        held, records = owner.ownership.owned[3], owner.consumer.poll()
        work = {"sweep": lambda: owner.sweep.emit_shard(3, held), "batch": lambda: owner.stage.deliver(records)}
        tasks = []
        for name in (first, *(set(work) - {first})):
            tasks.append(asyncio.create_task(work[name]()))
            await asyncio.sleep(0.2)
        gate.set()
        await asyncio.gather(*tasks)
        assert [len(ids) for ids in emitted(broker).values()] == [1, 1]
