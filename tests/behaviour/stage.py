"""What every stage must do, whatever its store: run by the in-memory store and by PostgreSQL alike."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from behaviour.member import AT, Member, cancel_request, publish
from linkstar_contracts.events import OrderCancelled, OrderCancelRequested
from linkstar_contracts.topics import PARTITIONS
from linkstar_runtime import failpoints
from linkstar_runtime.dead_letters import Circuit
from linkstar_runtime.failpoints import FailpointError
from linkstar_runtime.handling import Handler, Received, Reject, Retry
from linkstar_runtime.service import Timer
from linkstar_runtime.shards import shard_of
from linkstar_runtime.testing import MemoryBroker

__all__ = ["StageBehaviour"]

ORDERS = [f"order-{number}" for number in range(60)]


def emitted(broker: MemoryBroker) -> dict[str, list[str]]:
    """Event ids on the output topic by order."""
    found: dict[str, list[str]] = {}
    for shard in range(PARTITIONS):
        for record in broker.logs["order-changes", shard]:
            order = (record.key or b"").decode().split("/")[1]
            found.setdefault(order, []).append(dict(record.headers)["ce_id"].decode())
    return found


def one_shard(count: int, shard: int = 3) -> list[str]:
    """Order ids that all live in one shard."""
    found: list[str] = []
    number = 0
    while len(found) < count:
        order = f"same-{number}"
        if shard_of(f"demo/{order}", PARTITIONS) == shard:
            found.append(order)
        number += 1
    return found


class StageBehaviour:
    """Mix-in: subclasses provide the fixtures `store`, `handler` and `dead`."""

    @pytest.fixture
    def broker(self) -> MemoryBroker:
        return MemoryBroker()

    @pytest.fixture(autouse=True)
    def _disarmed(self) -> Any:
        yield
        failpoints.arm("")

    async def test_every_order_is_emitted_once(self, broker: MemoryBroker, store: Any, handler: Handler) -> None:
        for order in [*ORDERS, *ORDERS[:20]]:
            publish(broker, cancel_request(order))
        await Member(broker, store, handler).settle()
        assert {order: len(ids) for order, ids in emitted(broker).items()} == dict.fromkeys(ORDERS, 1)

    async def test_acknowledged_rows_vanish_while_idle(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        publish(broker, cancel_request("order-1"))
        await Member(broker, store, handler).settle()
        assert await store.pending(range(PARTITIONS)) == []

    async def test_sparse_offsets_are_no_gap(self, broker: MemoryBroker, store: Any, handler: Handler) -> None:
        for order in one_shard(10):
            broker.skip("orders-inbound", 3, 3)
            publish(broker, cancel_request(order))
        await Member(broker, store, handler).settle()
        assert len(emitted(broker)) == 10

    async def test_a_handler_that_raises_once_leaves_no_hole(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        raised = []

        async def once(batch: Sequence[Received[Any]], tx: Any) -> Sequence[Any]:
            if not raised:
                raised.append(True)
                raise Retry
            return await handler(batch, tx)

        member = Member(broker, store, once)
        for order in ORDERS:
            publish(broker, cancel_request(order))
            await member.turn()
        await member.settle(40)
        assert sorted(emitted(broker)) == sorted(ORDERS)

    async def test_a_failed_last_record_is_sought_again(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        publish(broker, cancel_request("order-1"))
        member = Member(broker, store, handler)
        await member.turn()
        failpoints.arm("stage.after_poll=raise@1")
        with pytest.raises(FailpointError):
            await member.stage.deliver(member.consumer.poll())
        await member.settle()
        assert list(emitted(broker)) == ["order-1"]

    async def test_a_crash_after_the_poll_then_a_good_batch(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        member = Member(broker, store, handler)
        await member.turn()
        first, second = one_shard(2)
        publish(broker, cancel_request(first))
        failpoints.arm("stage.after_poll=raise@1")
        with pytest.raises(FailpointError):
            await member.stage.deliver(member.consumer.poll())
        publish(broker, cancel_request(second))
        await member.settle()
        assert sorted(emitted(broker)) == sorted([first, second])

    async def test_only_the_poisoned_record_dies(
        self, broker: MemoryBroker, store: Any, handler: Handler, dead: Callable[[], Awaitable[list[Any]]]
    ) -> None:
        calls = Counter[str]()

        async def poisoned(batch: Sequence[Received[OrderCancelRequested]], tx: Any) -> Sequence[Any]:
            calls["all"] += 1
            if any(received.event.order_id == bad for received in batch):
                raise ZeroDivisionError
            return await handler(batch, tx)

        orders = one_shard(64)
        bad = orders[41]
        places = {order: publish(broker, cancel_request(order)) for order in orders}
        await Member(broker, store, poisoned).settle()
        assert sorted(emitted(broker)) == sorted(set(orders) - {bad})
        assert await dead() == [("orders-inbound", *places[bad], "bug")]
        assert calls["all"] <= 2 * 6 + 4

    async def test_a_rejected_record_dies_alone_with_its_code(
        self, broker: MemoryBroker, store: Any, handler: Handler, dead: Callable[[], Awaitable[list[Any]]]
    ) -> None:
        async def choosy(batch: Sequence[Received[OrderCancelRequested]], tx: Any) -> Sequence[Any]:
            refused = [Reject(each, "unwanted", "test") for each in batch if each.event.order_id == "order-7"]
            return [*refused, *await handler([each for each in batch if each.event.order_id != "order-7"], tx)]

        places = {order: publish(broker, cancel_request(order)) for order in ORDERS}
        await Member(broker, store, choosy).settle()
        assert await dead() == [("orders-inbound", *places["order-7"], "unwanted")]
        assert len(emitted(broker)) == len(ORDERS) - 1

    async def test_undecodable_records_die_verbatim(
        self, broker: MemoryBroker, store: Any, handler: Handler, dead: Callable[[], Awaitable[list[Any]]]
    ) -> None:
        good = cancel_request("order-1")
        publish(broker, good, value=b"\xff\x00 not json")
        publish(broker, good, headers=[("ce_type", b"x")])
        publish(broker, good, headers=[*good.headers("/x")[:-3], ("ce_tenant", b"other")])
        publish(broker, good, value=None)
        publish(broker, good)
        await Member(broker, store, handler).settle()
        assert [code for *_, code in await dead()] == ["invalid", "not-cloudevents", "tenant-mismatch", "size"]
        shard = shard_of(good.key, PARTITIONS)
        copies = broker.logs["orders-inbound-dlq", shard]
        assert copies[0].value == b"\xff\x00 not json"
        assert dict(copies[0].headers)["dlq-code"] == b"invalid"
        assert list(emitted(broker)) == ["order-1"]

    async def test_a_door_record_under_a_wrong_key_moves_once(
        self, broker: MemoryBroker, store: Any, handler: Handler, dead: Callable[[], Awaitable[list[Any]]]
    ) -> None:
        event = cancel_request("order-1")
        right = shard_of(event.key, PARTITIONS)
        publish(broker, event, key=b"something", partition=(right + 1) % PARTITIONS)
        publish(
            broker, cancel_request("order-2"), key=b"again",
            headers=[*cancel_request("order-2").headers("/x"), ("linkstar-rekeyed", b"1")],
        )  # fmt: skip
        await Member(broker, store, handler).settle()
        assert list(emitted(broker)) == ["order-1"]
        assert [code for *_, code in await dead()] == ["wrong-shard"]

    @pytest.mark.parametrize("faults", [["lost"], ["partial"], ["ack_lost"], ["partial", "lost", "ack_lost"]])
    async def test_a_failed_produce_repeats_the_same_bytes(
        self, broker: MemoryBroker, store: Any, handler: Handler, faults: list[str]
    ) -> None:
        member = Member(broker, store, handler)
        await member.turn()
        member.producer.faults += faults
        for order in ORDERS:
            publish(broker, cancel_request(order))
        for _ in range(100):
            await member.turn()
            await asyncio.sleep(0.02)
            if not await store.pending(range(PARTITIONS)):
                break
        assert {order: len(set(ids)) for order, ids in emitted(broker).items()} == dict.fromkeys(ORDERS, 1)

    async def test_the_next_owner_sends_what_a_dead_one_committed(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        first = Member(broker, store, handler)
        await first.turn()
        publish(broker, cancel_request("order-1"))
        failpoints.arm("stage.after_commit=raise@1")
        with pytest.raises(FailpointError):
            await first.stage.deliver(first.consumer.poll())
        assert emitted(broker) == {}
        await Member(broker, store, handler, name="member-2").settle()
        assert {order: len(ids) for order, ids in emitted(broker).items()} == {"order-1": 1}

    async def test_a_zombie_writes_nothing(self, broker: MemoryBroker, store: Any, handler: Handler) -> None:
        zombie, heir = Member(broker, store, handler), Member(broker, store, handler, name="member-2")
        await zombie.turn()
        for order in ORDERS:
            publish(broker, cancel_request(order))
        held = zombie.consumer.poll()
        await heir.settle()
        await zombie.stage.deliver(held)
        assert zombie.ownership.owned == {shard: own for shard, own in zombie.ownership.owned.items() if shard not in {
            shard_of(f"demo/{order}", PARTITIONS) for order in ORDERS}}  # fmt: skip
        assert {order: len(ids) for order, ids in emitted(broker).items()} == dict.fromkeys(ORDERS, 1)

    async def test_too_many_invalid_records_stop_the_shard(
        self, broker: MemoryBroker, store: Any, handler: Handler, dead: Callable[[], Awaitable[list[Any]]]
    ) -> None:
        for order in one_shard(30):
            publish(broker, cancel_request(order), value=b"{}")
        publish(broker, cancel_request("order-1"))
        member = Member(broker, store, handler, circuit=Circuit(consecutive=20))
        await member.settle()
        assert await dead() == []
        assert member.ownership.stopped == {3}
        assert list(emitted(broker)) == ["order-1"]

    async def test_an_http_command_is_emitted_by_the_owner(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        member = Member(broker, store, handler)
        await member.turn()
        submitted = await member.writer.submit(handler, [cancel_request("order-1"), cancel_request("order-1")])
        assert len(submitted.events) == 1
        await member.settle()
        publish(broker, cancel_request("order-1"))
        await member.settle()
        assert {order: len(ids) for order, ids in emitted(broker).items()} == {"order-1": 1}

    async def test_a_writer_without_shards_leaves_emission_to_the_owner(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        door, owner = Member(broker, store, handler, shards=()), Member(broker, store, handler, name="member-2")
        await owner.turn()
        await door.writer.submit(handler, [cancel_request("order-1")])
        await door.settle()
        assert emitted(broker) == {}
        await owner.settle()
        assert list(emitted(broker)) == ["order-1"]

    async def test_an_offset_outside_the_log_pages(self, broker: MemoryBroker, store: Any, handler: Handler) -> None:
        publish(broker, cancel_request("order-1"))
        await Member(broker, store, handler).settle()
        broken = MemoryBroker()
        member = Member(broken, store, handler)
        await member.settle()
        assert len(member.pages) == 1
        assert "outside the log" in member.pages[0]

    async def test_another_cluster_pages(self, broker: MemoryBroker, store: Any, handler: Handler) -> None:
        await Member(broker, store, handler).settle()
        broker.cluster_id = "another"
        member = Member(broker, store, handler)
        await member.settle()
        assert member.ownership.owned == {}
        assert "another" in member.pages[0]

    async def test_a_timer_emits_for_owned_shards_only(
        self, broker: MemoryBroker, store: Any, handler: Handler
    ) -> None:
        seen: list[int] = []

        async def due(shards: Sequence[int], tx: Any) -> list[OrderCancelled]:
            seen.extend(shards)
            if len(seen) > len(shards):
                return []
            return [OrderCancelled(tenant="demo", order_id="order-1", version=2, occurred_at=AT, reason="timer")]

        shard = shard_of("demo/order-1", PARTITIONS)
        member = Member(broker, store, handler, shards=[shard], timers=(Timer("due", 0.0, due),))
        await member.settle()
        assert set(seen) == {shard}
        assert list(emitted(broker)) == ["order-1"]

    async def test_the_offset_gauge_never_leads(self, broker: MemoryBroker, store: Any, handler: Handler) -> None:
        for order in ORDERS:
            publish(broker, cancel_request(order))
        member = Member(broker, store, handler)
        await member.settle()
        for place, offset in member.consumer.committed.items():
            assert offset <= member.ownership.owned[place[1]].expected[place[0]]
        assert sum(member.consumer.committed.values()) == len(ORDERS)
