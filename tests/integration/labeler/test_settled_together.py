"""Errands that end at about the same time are settled in one transaction, and none of them pays for another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
from integration.labeler.label_desk import LabelDesk, cancelled, opened_desk, route, told
from integration.labeler.scripted_carrier import PurchaseDesk, ScriptedCarrier, sold

from linkstar_cli.ledger import examine
from linkstar_contracts.event import Event
from linkstar_labeler.domain.connector import OutcomeUnknown, Purchased, Refused
from linkstar_labeler.handlers.buying import Errand
from linkstar_runtime.handling import Outcome, Transaction
from linkstar_runtime.ports import StoreUnavailable

pytestmark = pytest.mark.integration
Work = Callable[[Transaction], Awaitable[Sequence[Outcome]]]


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[LabelDesk]:
    async with opened_desk(database_url) as opened:
        await opened.top_up(1000)
        yield opened
        assert (await examine(opened.admin))["ok"]


async def begun(desk: LabelDesk, *orders: str) -> tuple[PurchaseDesk, dict[str, Errand]]:
    """A purchase of each order that has just begun."""
    purchases = PurchaseDesk(desk, ScriptedCarrier(label("L0")))
    await purchases.bind()
    await desk.routes(*(route(order_id=order, total=100) for order in orders))
    return purchases, {errand.key.shipment_id: errand for errand in await purchases.book.take(10)}


def label(carrier_id: str) -> Purchased:
    return sold(carrier_id, charged=100)


async def states(desk: LabelDesk) -> dict[str, str]:
    return dict(await desk.admin.fetch("SELECT shipment_id, state FROM labeler.purchase"))


async def test_what_ends_meanwhile_shares_a_transaction(desk: LabelDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    purchases, errands = await begun(desk, "o-1", "o-2", "o-3", "o-4", "o-5")
    run, transactions = purchases.commands.run, []

    async def counted(work: Work) -> Sequence[Event]:
        transactions.append(work)
        return await run(work)

    monkeypatch.setattr(purchases.commands, "run", counted)
    await desk.changes(cancelled(order_id="o-4"))
    outcomes = {
        "o-1": label("L1"), "o-2": Refused("address_invalid", ""), "o-3": label("L3"), "o-4": label("L4"),
        "o-5": OutcomeUnknown("timeout", ""),
    }  # fmt: skip
    await asyncio.gather(*(purchases.book.settle(errands[order], outcomes[order]) for order in errands))
    assert len(transactions) == 2
    assert await states(desk) == {
        "o-1": "purchased", "o-2": "refused", "o-3": "purchased", "o-4": "voiding", "o-5": "unknown",
    }  # fmt: skip
    assert sorted(told(purchases.commands.events)) == ["created 1", "created 1", "rejected 1"]
    numbers = await desk.admin.fetch("SELECT shipment_id, number FROM labeler.tracking_number ORDER BY 1")
    assert [tuple(row) for row in numbers] == [("o-1", "TRACKL1X0"), ("o-3", "TRACKL3X0")]
    assert await desk.balance() == 600


async def test_two_ends_of_one_purchase_are_one_label(desk: LabelDesk) -> None:
    purchases, errands = await begun(desk, "o-1", "o-2")
    await purchases.book.settle(errands["o-2"], label("L2"))
    late = errands["o-1"]
    await purchases.work(100)
    await asyncio.gather(
        purchases.book.settle(errands["o-2"], label("L2")),
        purchases.book.settle(late, label("L1")),
        purchases.book.settle(late, label("L1")),
    )
    assert (await states(desk))["o-1"] == "purchased"
    assert told(purchases.commands.events) == ["created 1", "created 1"]


async def test_one_that_cannot_be_settled_holds_up_nobody(desk: LabelDesk) -> None:
    purchases, errands = await begun(desk, "poison", "o-1", "o-2", "o-3")
    whole = await desk.admin.fetchval("SELECT route FROM labeler.label WHERE shipment_id = 'poison'")
    await desk.admin.execute("UPDATE labeler.label SET route = 'not json' WHERE shipment_id = 'poison'")
    order = ["o-1", "o-2", "poison", "o-3"]
    ends = await asyncio.gather(
        *(purchases.book.settle(errands[name], label(f"L{number}")) for number, name in enumerate(order)),
        return_exceptions=True,
    )
    assert [name for name, end in zip(order, ends, strict=True) if end is not None] == ["poison"]
    assert sorted((await states(desk)).values()) == ["calling", "purchased", "purchased", "purchased"]
    await desk.admin.execute("UPDATE labeler.label SET route = $1 WHERE shipment_id = 'poison'", whole)
    await purchases.book.settle(errands["poison"], label("L9"))
    assert set((await states(desk)).values()) == {"purchased"}


async def test_who_settles_for_others_may_be_stopped(desk: LabelDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    purchases, errands = await begun(desk, "o-1", "o-2", "o-3")
    run, running, going_on = purchases.commands.run, asyncio.Event(), asyncio.Event()

    async def held_up(work: Work) -> Sequence[Event]:
        running.set()
        await going_on.wait()
        return await run(work)

    await purchases.book.settle(errands["o-1"], label("L1"))
    monkeypatch.setattr(purchases.commands, "run", held_up)
    first = asyncio.create_task(purchases.book.settle(errands["o-2"], label("L2")))
    await running.wait()
    leader = asyncio.create_task(purchases.book.settle(errands["o-3"], label("L3")))
    follower = asyncio.create_task(purchases.book.settle(errands["o-3"], label("L3")))
    running.clear()
    await asyncio.sleep(0)
    going_on.set()
    await first
    going_on.clear()
    await running.wait()
    leader.cancel()
    with pytest.raises(StoreUnavailable):
        await follower
    going_on.set()
    await purchases.book.settle(errands["o-3"], label("L3"))
    assert set((await states(desk)).values()) == {"purchased"}
    assert told(purchases.commands.events) == ["created 1"] * 3
