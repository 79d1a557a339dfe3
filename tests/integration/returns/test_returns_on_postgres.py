"""The handlers of returns on real PostgreSQL: all arrival orders, repetition, tenants, expiry."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from itertools import permutations

import pytest
from integration.returns.return_desk import ReturnDesk, opened_desk
from unit.returns.return_facts import START, label, order, request, tracked

from linkstar_contracts.event import Event
from linkstar_contracts.events import ExceptionRaised, OrderReceived, ReturnUpdated

pytestmark = pytest.mark.integration


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[ReturnDesk]:
    async with opened_desk(database_url) as opened:
        yield opened


def told(events: Sequence[Event]) -> list[tuple[int, str]]:
    return [(event.version, event.state.value) for event in events if isinstance(event, ReturnUpdated)]


async def test_a_return_goes_from_request_to_closed(desk: ReturnDesk) -> None:
    events = [*await desk.take(order()), *await desk.take(tracked(1, "pending", 1), tracked(2, "delivered", 50))]
    events += [*await desk.take(request(55)), *await desk.take(label())]
    back = "s-1~R1"
    events += await desk.take(tracked(1, "pending", 60, back), tracked(2, "in_transit", 70, back))
    events += await desk.take(tracked(3, "delivered", 90, back))
    assert told(events) == list(
        enumerate(["requested", "approved", "label_issued", "in_transit", "received", "closed"], 1)
    )
    [ordered] = [event for event in events if isinstance(event, OrderReceived)]
    assert (ordered.shipment_id, ordered.kind, ordered.key) == (back, "return", "demo/s-1")


async def test_every_arrival_order_ends_the_same(desk: ReturnDesk) -> None:
    ends = set()
    for number, _ in enumerate(permutations(range(3))):
        name = f"s-{number}"
        facts = [order(name), tracked(3, "delivered", 50, name), request(55, order_id=name)]
        for fact in list(permutations(facts))[number]:
            await desk.take(fact)
        back = f"{name}~R1"
        way = [label(1, back), tracked(1, "accepted", 70, back), tracked(2, "delivered", 90, back)]
        events = [event for fact in list(permutations(way))[number] for event in await desk.take(fact)]
        for fact in [*facts, *way]:
            assert await desk.take(fact) == []
        stored = await desk.order(name)
        assert stored is not None
        [case] = stored.cases.values()
        ends.add((case.state, case.tracking_number, case.ordered, case.refusal))
        versions = [version for version, _ in told(events)]
        assert versions == list(range(versions[0], case.version + 1))
    assert len(ends) == 1


async def test_what_comes_back_undelivered_opens_a_return_even_before_its_order(desk: ReturnDesk) -> None:
    events = await desk.take(tracked(4, "return_to_sender", 50))
    assert told(events) == [(1, "in_transit")]
    assert await desk.take(order()) == []
    assert told(await desk.take(tracked(5, "returned", 90))) == [(2, "received"), (3, "closed")]
    assert await desk.take(tracked(4, "return_to_sender", 50), tracked(5, "returned", 90)) == []


async def test_tracking_without_consequence_leaves_no_rows(desk: ReturnDesk) -> None:
    assert await desk.take(tracked(1, "pending", 1), tracked(2, "accepted", 3), tracked(3, "in_transit", 9)) == []
    assert await desk.order() is None


async def test_a_retraction_reaches_an_open_reject(desk: ReturnDesk) -> None:
    await desk.take(tracked(4, "return_to_sender", 50))
    assert told(await desk.take(tracked(5, "out_for_delivery", 60))) == [(2, "cancelled")]


async def test_a_return_shipment_on_its_own_topic_changes_nothing(desk: ReturnDesk) -> None:
    await desk.take(order())
    await desk.take(tracked(2, "delivered", 50))
    [ordered] = [event for event in await desk.take(request(55)) if isinstance(event, OrderReceived)]
    before = await desk.order()
    assert await desk.take(ordered) == []
    assert await desk.order() == before


async def test_tenants_with_the_same_order_do_not_meet(desk: ReturnDesk) -> None:
    await desk.take(order(), order(tenant="other"))
    await desk.take(tracked(2, "delivered", 50))
    assert told(await desk.take(request(55, tenant="other"))) == [(1, "requested"), (2, "rejected")]
    assert told(await desk.take(request(55))) == [(1, "requested"), (2, "approved")]


async def test_an_unused_return_expires_in_its_own_shard_once(desk: ReturnDesk) -> None:
    await desk.take(order())
    await desk.take(tracked(2, "delivered", 50))
    await desk.take(request(55))
    late = START + timedelta(days=31)
    assert await desk.expire(late, shards=[0, 1]) == []
    events = await desk.expire(late)
    assert told(events) == [(3, "expired")]
    assert [e.exception_id for e in events if isinstance(e, ExceptionRaised)] == ["return.expired.s-1~R1"]
    assert await desk.expire(late) == []
