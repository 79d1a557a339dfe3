"""What holds of deliveries: each record is handled once, what failed comes again, and a fault harms nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from behaviour.member import Member, cancel_request, publish
from behaviour.stage import emitted, one_shard
from linkstar_runtime import failpoints
from linkstar_runtime.dead_letters import Circuit
from linkstar_runtime.failpoints import FailpointError
from linkstar_runtime.handling import Handler, Received, Retry
from linkstar_runtime.outbox import Outbox
from linkstar_runtime.testing import MemoryBroker

__all__ = ["DeliveryBehaviour"]


class DeliveryBehaviour:
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
