"""What holds between several writers of one shard: claims, epochs, the order of emission, and faults that isolate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from behaviour.member import Member, cancel_request, publish
from behaviour.stage import emitted, one_shard
from linkstar_contracts.events import OrderCancelled
from linkstar_contracts.topics import PARTITIONS
from linkstar_runtime import failpoints
from linkstar_runtime.clock import Clock
from linkstar_runtime.dead_letters import Circuit
from linkstar_runtime.failpoints import FailpointError
from linkstar_runtime.handling import Handler, Received, Retry
from linkstar_runtime.ids import SeededIds
from linkstar_runtime.outbox import Outbox
from linkstar_runtime.ownership import Ownership
from linkstar_runtime.ports import Advance, BrokerUnavailable, CommitUnknown
from linkstar_runtime.service import Timer
from linkstar_runtime.testing import MemoryBroker

__all__ = ["ClaimBehaviour"]


class ClaimBehaviour:
    """Mix-in beside `StageBehaviour`, whose fixtures it uses."""

    async def test_a_record_with_too_many_headers_dies_alone(
        self, broker: MemoryBroker, store: Any, handler: Handler, dead: Callable[[], Awaitable[list[Any]]]
    ) -> None:
        first, second, third = one_shard(3)
        flood = [("x", b"")] * 70_000
        headers = [*cancel_request(first).headers("/x"), *flood]
        publish(broker, cancel_request(first), headers=flood)
        publish(broker, cancel_request(second), headers=headers, key=b"elsewhere", partition=3)
        publish(broker, cancel_request(third))
        await Member(broker, store, handler).settle()
        assert [code for *_, code in await dead()] == ["not-cloudevents", "size"]
        assert list(emitted(broker)) == [third]
        assert [dict(copy.headers)["dlq-truncated"] for copy in broker.logs["orders-inbound-dlq", 3]] == [b"1", b"1"]

    async def test_a_claim_survives_a_broker_that_does_not_answer(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        publish(broker, cancel_request("order-1"))
        member = Member(broker, store, handler)
        answer, refused = member.consumer.bounds, [BrokerUnavailable("away")] * PARTITIONS

        async def bounds(places: Any) -> Any:
            if refused:
                raise refused.pop()
            return await answer(places)

        member.consumer.bounds = bounds  # type: ignore[method-assign]
        await member.turn()
        assert member.ownership.owned == {}
        await asyncio.sleep(1.6)
        await member.settle()
        assert list(emitted(broker)) == ["order-1"]
        assert member.pages == []

    async def test_an_old_owner_may_work_on_while_its_shard_is_claimed(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        """The log end that the claim compares with must be younger than the offset that it reads."""
        old = Member(broker, store, handler, shards=[3])
        heir = Member(broker, store, handler, name="member-2", shards=[3])
        await old.turn()
        first, second = one_shard(2)
        answer, asked = heir.consumer.bounds, []

        async def bounds(places: Any) -> Any:
            asked.append(await answer(places))
            if len(asked) == 1:
                publish(broker, cancel_request(first))
                await old.turn()
            return asked[-1]

        heir.consumer.bounds = bounds  # type: ignore[method-assign]
        await heir.turn()
        publish(broker, cancel_request(second))
        await heir.settle()
        assert heir.pages == []
        assert {order: len(ids) for order, ids in emitted(broker).items()} == {first: 1, second: 1}

    async def test_a_timer_that_fails_in_any_way_harms_nothing_else(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        class Unforeseen(Exception): ...

        async def broken(shards: Sequence[int], tx: Any) -> list[OrderCancelled]:
            raise Unforeseen

        publish(broker, cancel_request("order-1"))
        await Member(broker, store, handler, timers=(Timer("broken", 0.0, broken),)).settle()
        assert list(emitted(broker)) == ["order-1"]

    async def test_a_dead_letter_that_cannot_be_stored_waits(
        self, broker: MemoryBroker, store: Any, handler: Handler, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unwritable(*_: Any) -> None:
            raise LookupError

        first, second = one_shard(2)
        publish(broker, cancel_request(first), value=b"no json")
        publish(broker, cancel_request(second))
        member = Member(broker, store, handler)
        with monkeypatch.context() as broken:
            broken.setattr(Outbox, "add_dead_letter", unwritable)
            await member.settle(4)
        assert emitted(broker) == {}
        for _ in range(20):
            await member.turn()
            await asyncio.sleep(0.01)
        assert list(emitted(broker)) == [second]

    async def test_a_claim_alone_makes_an_equal_offset_a_stranger_s(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        """The heir has claimed and not yet worked: every offset still fits the zombie, only its epoch does not."""
        zombie, heir = Member(broker, store, handler, shards=[3]), Member(broker, store, handler, shards=[3])
        await zombie.turn()
        await heir.ownership.claim_all()
        publish(broker, cancel_request(one_shard(1)[0]))
        await zombie.stage.deliver(zombie.consumer.poll())
        assert zombie.ownership.owned == {}
        assert emitted(broker) == {}
        await heir.settle()
        assert len(emitted(broker)) == 1

    async def test_an_offset_moves_from_where_it_stands_only(self, broker: MemoryBroker, store: Any) -> None:
        claim = await store.claim(3, "member-1", broker.cluster_id, {"orders-inbound": 0})
        refused = []
        for _ in range(2):
            async with store.batch() as tx:
                refused.append(set(await tx.fence({3: claim.epoch}, [Advance(3, "orders-inbound", 0, 5)])))
        assert refused == [set(), {3}]

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

    async def test_the_offset_gauge_stays_behind_a_failing_handler(self, broker: MemoryBroker, store: Any) -> None:
        async def failing(batch: Sequence[Received[Any]], tx: Any) -> Sequence[Any]:
            raise Retry

        publish(broker, cancel_request(one_shard(1)[0]))
        member = Member(broker, store, failing, shards=[3])
        await member.turn()
        records = member.consumer.poll()
        await member.stage.deliver(records)
        member.ownership.handed["orders-inbound", 3] = records[-1].offset + 1
        await member.sweep.finish()
        assert member.consumer.committed.get(("orders-inbound", 3), 0) == 0

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

    async def test_half_a_shard_is_not_claimed(self, broker: MemoryBroker, store: Any, handler: Handler) -> None:
        member = Member(broker, store, handler)
        member.consumer.assigned = {("orders-inbound", 3), ("orders-inbound", 4), ("returns-requested", 3)}
        pair = Ownership(
            "member-1", ("orders-inbound", "returns-requested"), broker.cluster_id, store, member.emitter, Clock(),
            SeededIds(1), member.pages.append,
        )  # fmt: skip
        pair.consumer = member.consumer
        await pair.claim_all()
        assert set(pair.owned) == {3}

    async def test_a_claim_of_an_older_assignment_owns_nothing(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        member = Member(broker, store, handler, shards=[3])
        answer = member.consumer.bounds

        async def bounds(places: Any) -> Any:
            member.ownership.revoked()
            member.ownership.assigned()
            return await answer(places)

        member.consumer.bounds = bounds  # type: ignore[method-assign]
        await member.ownership.claim_all()
        assert member.ownership.owned == {}
        del member.consumer.bounds  # type: ignore[method-assign]
        await member.ownership.claim_all()
        assert set(member.ownership.owned) == {3}

    async def test_nothing_is_claimed_or_committed_between_a_revocation_and_the_next_assignment(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        """The client shows the old assignment until the group has decided; a commit under it would undo the join."""
        publish(broker, cancel_request(one_shard(1)[0]))
        member = Member(broker, store, handler, shards=[3])
        await member.settle()
        member.consumer.committed.clear()
        member.ownership.revoked()
        await member.turn()
        assert member.ownership.owned == {}
        assert member.consumer.committed == {}
        member.ownership.assigned()
        await member.turn()
        assert set(member.ownership.owned) == {3}

    async def test_a_release_ends_only_the_claim_it_names(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        member = Member(broker, store, handler, shards=[3])
        await member.turn()
        old = member.ownership.owned[3]
        member.ownership.release(3, old)
        await member.ownership.claim_all()
        new = member.ownership.owned[3]
        member.ownership.release(3, old)
        assert member.ownership.owned == {3: new}
        assert new.epoch == old.epoch + 1

    async def test_a_claim_seeks_even_where_the_consumer_stands_ahead(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        """After a database restore Kafka's committed offset lies beyond what the database knows."""
        orders = one_shard(3)
        for order in orders:
            publish(broker, cancel_request(order))
        member = Member(broker, store, handler, shards=[3])
        member.consumer.seek("orders-inbound", 3, 2)
        await member.settle()
        assert sorted(emitted(broker)) == sorted(orders)

    async def test_what_was_delivered_unowned_is_delivered_again(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        """Records handed over before the claim, with more on their way behind them, leave no hole."""
        orders = one_shard(4)
        for order in orders:
            publish(broker, cancel_request(order))
        member = Member(broker, store, handler, shards=[3])
        await member.stage.deliver(member.consumer.poll(2))
        behind = member.consumer.poll(2)
        await member.ownership.claim_all()
        await member.stage.deliver(behind)
        await member.settle()
        assert sorted(emitted(broker)) == sorted(orders)

    async def test_a_failed_delivery_with_nothing_behind_it_is_sought_by_the_sweep(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        order = one_shard(1)[0]
        member = Member(broker, store, handler, shards=[3])
        await member.turn()
        publish(broker, cancel_request(order))
        failpoints.arm("stage.after_poll=raise@1")
        with pytest.raises(FailpointError):
            await member.stage.deliver(member.consumer.poll())
        assert member.consumer.poll() == []
        member.sweep._last_slow = -1e9
        await member.sweep.turn()
        assert [record.offset for record in member.consumer.poll()] == [0]

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

    async def test_an_unknown_commit_gives_the_shard_up(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        order = one_shard(1)[0]
        member = Member(broker, store, handler, shards=[3])
        await member.turn()
        publish(broker, cancel_request(order))
        opened = store.batch

        @asynccontextmanager
        async def reply_lost() -> AsyncIterator[Any]:
            async with opened() as tx:
                yield tx
            raise CommitUnknown

        store.batch = reply_lost
        await member.stage.deliver(member.consumer.poll())
        store.batch = opened
        assert member.ownership.owned == {}
        await asyncio.sleep(0.5)
        await member.settle()
        assert {order: len(ids) for order, ids in emitted(broker).items()} == {order: 1}

    async def test_a_stale_owner_runs_no_timer_and_sends_no_row(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        seen: list[int] = []

        async def due(shards: Sequence[int], tx: Any) -> list[OrderCancelled]:
            seen.extend(shards)
            return []

        zombie = Member(broker, store, handler, shards=[3], timers=(Timer("due", 0.0, due),))
        await zombie.ownership.claim_all()
        held = zombie.ownership.owned[3]
        await Member(broker, store, handler, shards=[3]).ownership.claim_all()
        await zombie.sweep._timers.run_due()
        assert seen == []
        assert zombie.ownership.owned == {}
        await zombie.writer.submit(handler, [cancel_request(one_shard(1)[0])])
        await zombie.sweep.emit_shard(3, held)
        assert emitted(broker) == {}

    async def test_a_handler_sees_each_record_once(self, broker: MemoryBroker, store: Any, handler: Handler) -> None:
        """Neither byte-identical copies in one delivery nor records below the expected offset reach it again."""
        seen: list[int] = []

        async def watching(batch: Sequence[Received[Any]], tx: Any) -> Sequence[Any]:
            seen.extend(received.offset for received in batch)
            return await handler(batch, tx)

        first, second = one_shard(2)
        for order in (first, first, second):
            publish(broker, cancel_request(order))
        member = Member(broker, store, watching, shards=[3])
        await member.ownership.claim_all()
        await member.stage.deliver(member.consumer.poll())
        member.consumer.seek("orders-inbound", 3, 0)
        publish(broker, cancel_request(first))
        await member.stage.deliver(member.consumer.poll())
        assert seen == [0, 2, 3]

    async def test_invalid_records_count_over_deliveries_and_only_once_committed(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        circuit = Circuit(consecutive=20)
        member = Member(broker, store, handler, shards=[3], circuit=circuit)
        await member.turn()
        for order in one_shard(15):
            publish(broker, cancel_request(order), value=b"{}")
        failpoints.arm("stage.tx.before_commit=raise@1")
        await member.stage.deliver(member.consumer.poll())
        await member.settle(3)
        assert circuit._windows["orders-inbound", 3].seen == 15
        assert member.ownership.stopped == set()
        for order in one_shard(15):
            publish(broker, cancel_request(order), value=b"{}")
        await member.settle(3)
        assert member.ownership.stopped == {3}
