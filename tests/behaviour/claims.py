"""What holds between several owners of one shard: claims, epochs, and who may work when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from behaviour.member import Member, cancel_request, publish
from behaviour.stage import emitted, one_shard
from linkstar_contracts.events import OrderCancelled
from linkstar_contracts.topics import PARTITIONS
from linkstar_runtime.clock import Clock
from linkstar_runtime.handling import Handler
from linkstar_runtime.ids import SeededIds
from linkstar_runtime.ownership import Ownership
from linkstar_runtime.ports import Advance, BrokerUnavailable, CommitUnknown
from linkstar_runtime.service import Timer
from linkstar_runtime.testing import MemoryBroker

__all__ = ["ClaimBehaviour"]


class ClaimBehaviour:
    """Mix-in beside `StageBehaviour`, whose fixtures it uses."""

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
