"""Labels bought over the network on real PostgreSQL: one active paid label, and money held until the carrier has spoken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from integration.labeler.label_desk import SHARD, LabelDesk, OpenVault, cancelled, opened_desk, route, told
from integration.labeler.scripted_carrier import ACCOUNT, PurchaseDesk, ScriptedCarrier, sold

from linkstar_cli.ledger import examine
from linkstar_contracts.events import ExceptionRaised, LabelCreated, LabelRejected
from linkstar_labeler import store
from linkstar_labeler.carriers.remote.unbound import Unbound
from linkstar_labeler.domain.connector import NotSent, OutcomeUnknown, Refused, VoidDeclined, Voided, VoidPending
from linkstar_labeler.domain.purchase_steps import PurchaseKey
from linkstar_labeler.handlers import BoundConnector
from linkstar_labeler.handlers.account_limits import with_room_again
from linkstar_labeler.store import AccountKey
from linkstar_runtime.handling import Transaction
from linkstar_runtime.vault import VaultError

pytestmark = pytest.mark.integration
TIMEOUT = OutcomeUnknown("timeout", "no answer")


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[LabelDesk]:
    async with opened_desk(database_url) as opened:
        await opened.top_up(1000)
        yield opened
        found = await examine(opened.admin)
        assert found["ok"], found
        assert found["laws"]["no_hold_outlives_its_purchase"]["examined"]


async def bound(desk: LabelDesk, carrier: ScriptedCarrier) -> PurchaseDesk:
    purchases = PurchaseDesk(desk, carrier)
    await purchases.bind()
    return purchases


async def test_the_price_is_held_until_the_label_is_there(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(sold("L1", parcels=2)))
    assert await desk.routes(route(parcels=2)) == []
    assert await purchases.standing() == ("intent", 500, 500)
    [created] = await purchases.work()
    assert isinstance(created, LabelCreated)
    assert [parcel.tracking_number for parcel in created.parcels] == ["TRACKL1X0", "TRACKL1X1"]
    assert (created.version, created.formats, created.purchase_guarantee.value) == (1, ("pdf",), "reconciled")
    assert await purchases.standing() == ("purchased", 500, 0)
    async with desk.database.transaction() as tx:
        key = PurchaseKey("acme", "order-1", 1)
        documents = (await store.label_documents(tx, [key]))[key]
    assert [document.content for document in documents] == [b"%PDF-1.4"] * 2
    assert await purchases.work(10_000) == []
    assert purchases.carrier.calls == ["buy"]


async def test_a_carriers_answer_waits_for_the_master_key(desk: LabelDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    sealing, missing = OpenVault.seal_bytes, ["first", "second"]

    async def seal_bytes(self: OpenVault, tx: Transaction, clear: Any) -> list[bytes | None]:
        if missing:
            raise VaultError("no_master_key", missing.pop())
        return await sealing(self, tx, clear)

    monkeypatch.setattr(OpenVault, "seal_bytes", seal_bytes)
    purchases = await bound(desk, ScriptedCarrier(sold()))
    await desk.routes(route())
    [created] = await purchases.work()
    assert isinstance(created, LabelCreated)
    assert (purchases.carrier.calls, missing) == (["buy"], [])


async def test_a_repeated_route_is_bought_once(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(sold()))
    await desk.routes(route(), route())
    await asyncio.gather(purchases.buyer.run(), purchases.buyer.run(), purchases.buyer.run())
    assert (purchases.carrier.calls, told(purchases.commands.events)) == (["buy"], ["created 1"])


async def test_a_cancel_before_the_call_costs_nothing(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(sold()))
    await desk.routes(route())
    assert await desk.changes(cancelled()) == []
    assert (await purchases.work(), await purchases.standing()) == ([], ("withdrawn", 1000, 0))
    assert purchases.carrier.calls == []


async def test_a_cancel_during_the_call_voids_what_was_bought(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(sold()))
    purchases.carrier.during = lambda: desk.changes(cancelled())
    await desk.routes(route())
    assert await purchases.work() == []
    assert purchases.carrier.calls == ["buy", "void L1"]
    assert await purchases.standing() == ("voided", 1000, 0)


async def test_a_cancelled_label_the_carrier_will_not_void_is_paid(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(sold()))
    purchases.carrier.voids = [VoidDeclined("in_use", "scanned")]
    purchases.carrier.during = lambda: desk.changes(cancelled())
    await desk.routes(route())
    [told_of] = await purchases.work()
    assert await purchases.standing() == ("kept", 500, 0)
    assert isinstance(told_of, ExceptionRaised)
    assert (told_of.exception_id, told_of.party.value) == ("label.void_declined.order-1", "seller")
    assert "in_use" in told_of.detail
    assert "scanned" not in told_of.detail


async def test_a_voided_label_is_refunded_when_the_carrier_agrees(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(sold()))
    purchases.carrier.voids = [VoidPending(), TIMEOUT, NotSent("throttled", "429", 30)]
    await desk.routes(route())
    await purchases.work()
    assert told(await desk.changes(cancelled())) == ["voided 2"]
    for wait in (0, 4_000, 4_000):
        await purchases.work(wait)
    assert await purchases.standing() == ("voiding", 500, 0)
    assert (await examine(desk.admin))["ok"]
    purchases.carrier.voids = [Voided()]
    await purchases.work(4_000)
    assert await purchases.standing() == ("voided", 1000, 0)


async def test_a_refusal_gives_the_route_back(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(Refused("address_invalid", "no such street"), sold()))
    await desk.routes(route())
    [rejected] = await purchases.work()
    assert isinstance(rejected, LabelRejected)
    assert (rejected.code, await purchases.standing()) == ("address_invalid", ("refused", 1000, 0))
    await desk.routes(route(version=2))
    assert told(await purchases.work()) == ["created 2"]
    assert await purchases.standing() == ("purchased", 500, 0)


async def test_an_unavailable_carrier_gives_the_route_back_with_a_time(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(NotSent("carrier_unavailable", "circuit open", 120)))
    await desk.routes(route())
    [rejected] = await purchases.work()
    assert isinstance(rejected, LabelRejected)
    assert rejected.retry_at is not None
    assert (rejected.retry_at - desk.clock.now()).total_seconds() == 120


async def test_what_was_not_sent_is_sent_again(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(NotSent("throttled", "429", 30), sold()))
    await desk.routes(route())
    assert (await purchases.work(), await purchases.work(10)) == ([], [])
    assert told(await purchases.work(30)) == ["created 1"]
    assert [request.reference[-2:] for request in purchases.carrier.requests] == ["01", "02"]
    assert len({request.purchase_key for request in purchases.carrier.requests}) == 1


async def test_an_unanswered_call_is_looked_up_and_adopted(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(TIMEOUT, recovers=True))
    purchases.carrier.finds = [sold("L7")]
    await desk.routes(route())
    assert (await purchases.work(), await purchases.work(50)) == ([], [])
    assert told(await purchases.work(20)) == ["created 1"]
    assert purchases.carrier.calls == ["buy", "recover"]


async def test_without_a_look_up_the_attempt_stays_suspected(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(TIMEOUT, sold("L2")))
    await desk.routes(route())
    await purchases.work()
    assert told(await purchases.work(70)) == ["created 1"]
    suspected = await desk.admin.fetch("SELECT attempt FROM labeler.purchase_attempt WHERE suspected")
    assert [row["attempt"] for row in suspected] == [1]


async def test_a_dead_buyer_leaves_an_unknown_call_not_an_intent(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(sold("L1"), recovers=True))
    purchases.carrier.finds = [sold("L1")]
    await desk.routes(route())
    await purchases.book.take(10)
    assert await purchases.work(80) == []
    assert await purchases.work(20) == []
    assert (await purchases.standing())[0] == "unknown"
    assert told(await purchases.work(70)) == ["created 1"]
    assert purchases.carrier.calls == ["recover"]


async def test_what_a_late_buyer_bought_beside_another_is_an_orphan(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(sold("L2")))
    await desk.routes(route())
    [errand] = await purchases.book.take(10)
    await purchases.work(100)
    assert told(await purchases.work(70)) == ["created 1"]
    await purchases.book.settle(errand, sold("L1"))
    await purchases.book.settle(errand, sold("L1"))
    orphans = await desk.admin.fetch("SELECT carrier_id, reference, state FROM labeler.orphan_label")
    assert [(row["carrier_id"], row["reference"][-2:], row["state"]) for row in orphans] == [("L1", "01", "voiding")]


async def test_a_late_answer_to_the_open_question_is_the_answer(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(sold("L9")))
    await desk.routes(route())
    [errand] = await purchases.book.take(10)
    await purchases.work(100)
    await purchases.book.settle(errand, sold("L1"))
    assert told(purchases.commands.events) == ["created 1"]
    assert (await purchases.work(1_000), purchases.carrier.calls) == ([], [])


async def test_a_reply_that_cannot_be_a_label_leaves_the_outcome_unknown(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(sold(parcels=2), recovers=True))
    purchases.carrier.finds = [sold("L1")]
    await desk.routes(route())
    assert (await purchases.work(), (await purchases.standing())[0]) == ([], "unknown")
    assert told(await purchases.work(70)) == ["created 1"]


async def test_a_label_far_dearer_than_its_route_is_voided_and_given_back(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(sold("L1", charged=551)))
    await desk.routes(route())
    [rejected] = await purchases.work()
    assert isinstance(rejected, LabelRejected)
    assert (rejected.code, purchases.carrier.calls) == ("price_changed", ["buy", "void L1"])
    assert await purchases.standing() == ("voided", 1000, 0)


async def test_a_purchase_that_cannot_begin_holds_up_nobody(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(sold("L1")))
    await desk.routes(route(order_id="poison", total=100), route(order_id="sound", total=100))
    whole = await desk.admin.fetchval("SELECT route FROM labeler.label WHERE shipment_id = 'poison'")
    await desk.admin.execute("UPDATE labeler.label SET route = 'not json' WHERE shipment_id = 'poison'")
    assert [event.order_id for event in await purchases.work()] == ["sound"]
    await desk.admin.execute("UPDATE labeler.label SET route = $1 WHERE shipment_id = 'poison'", whole)
    purchases.carrier.buys = [sold("L2")]
    assert [event.order_id for event in await purchases.work(301)] == ["poison"]


async def test_a_label_whose_consignee_is_gone_stays_suspected(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(TIMEOUT, recovers=True))
    await desk.routes(route())
    await purchases.work()
    await desk.admin.execute(
        """UPDATE labeler.label SET route = convert_to(jsonb_set(convert_from(route, 'UTF8')::jsonb,
             '{consignee,key_id}', '"erased"')::text, 'UTF8')"""
    )
    assert (await purchases.work(70), (await purchases.standing())[0]) == ([], "unknown")
    assert told(await purchases.work(2_000)) == ["rejected 1"]
    assert await desk.admin.fetchval("SELECT suspected FROM labeler.purchase_attempt")


async def test_a_carriers_own_words_make_a_valid_rejection(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(Refused("Invalid ZIP code!", "no\x00such " + "street " * 90)))
    await desk.routes(route())
    [rejected] = await purchases.work()
    assert isinstance(rejected, LabelRejected)
    assert (rejected.code, purchases.carrier.calls) == ("Invalid_ZIP_code", ["buy"])


async def test_a_suspended_account_leaves_an_unknown_label_unknown(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(TIMEOUT, recovers=True))
    await desk.routes(route())
    await purchases.work()
    off = Unbound("usps", "off", "")
    assert off.standing.circuit == "open"
    connected, purchases.connectors.bound = purchases.connectors.bound, BoundConnector(off, {})
    assert (await purchases.work(70), (await purchases.standing())[0]) == ([], "unknown")
    purchases.connectors.bound = connected
    purchases.carrier.finds = [sold("L1")]
    assert told(await purchases.work(400)) == ["created 1"]


async def test_without_funds_nothing_is_asked(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(sold()))
    raised = await desk.routes(route(total=1500))
    assert told(raised) == ["label.insufficient_balance.order-1 open"]
    assert (await purchases.work(), purchases.carrier.calls) == ([], [])
    await desk.top_up(1000, key="2")
    assert told(await desk.timer()) == ["label.insufficient_balance.order-1 resolved"]
    assert told(await purchases.work()) == ["created 1"]


async def test_an_account_spends_no_more_than_its_monthly_limit(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(sold("L1"), sold("L2"), sold("L3")))
    await desk.top_up(5000, key="2")
    limit = "UPDATE labeler.carrier_account SET monthly_limit_minor = $1, limit_currency = 'USD'"
    await desk.admin.execute(limit, 1000)
    raised = await desk.routes(*[route(order_id=f"o-{n}", total=450) for n in range(4)])
    assert told(raised) == [f"label.account_limit.o-{n} open" for n in (2, 3)]
    assert told(await purchases.work()) == ["created 1", "created 1"]
    assert await desk.timer() == []
    assert told(await desk.changes(cancelled(order_id="o-0"))) == ["voided 2"]
    await purchases.work()
    assert told(await desk.timer()) == ["label.account_limit.o-2 resolved"]
    assert told(await purchases.work()) == ["created 1"]
    desk.clock.advance(timedelta(days=12))
    assert told(await desk.timer()) == ["label.account_limit.o-3 resolved"]


async def test_labels_that_wait_for_one_account_hold_up_no_others(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(sold("L1")))
    await purchases.bind(AccountKey(ACCOUNT.tenant, ACCOUNT.carrier, "unlimited"))
    await desk.top_up(50_000, key="2")
    limit = "UPDATE labeler.carrier_account SET monthly_limit_minor = 100, limit_currency = 'USD' WHERE account = 'platform'"
    await desk.admin.execute(limit)
    await desk.routes(*[route(order_id=f"o-{n}", total=450) for n in range(30)])
    await desk.routes(route(order_id="poor", tenant="poor", carrier="ups", service="ground"))
    async with desk.database.transaction() as tx:
        assert await with_room_again(tx, [SHARD], 10) == []
        assert len(await store.held_by_limits(tx, [SHARD], 10)) == 10
    await desk.top_up(1000, tenant="poor", key="3")
    assert told(await desk.timer()) == ["created 1", "label.insufficient_balance.poor resolved"]
    await desk.admin.execute("UPDATE labeler.carrier_account SET monthly_limit_minor = 1000 WHERE account = 'platform'")
    assert told(await desk.timer()) == [f"label.account_limit.o-{n} resolved" for n in (0, 1)]


async def test_two_batches_share_the_limit_of_an_account(desk: LabelDesk) -> None:
    await bound(desk, ScriptedCarrier(sold()))
    await desk.top_up(50_000, tenant="other")
    await desk.admin.execute("UPDATE labeler.carrier_account SET monthly_limit_minor = 1000, limit_currency = 'USD'")
    batches = [[route(order_id=f"o-{n}", total=450, tenant=tenant) for n in range(3)] for tenant in ("acme", "other")]
    await asyncio.gather(*(desk.routes(*batch) for batch in batches))
    assert await desk.admin.fetchval("SELECT count(*) FROM labeler.purchase") == 2


async def test_a_test_order_is_never_bought_with_a_live_account(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(sold()))
    assert told(await desk.routes(route(order_id="t-1", test=True))) == ["created 1"]
    await desk.admin.execute("DELETE FROM labeler.carrier_account")
    await purchases.bind(test=True)
    assert told(await desk.routes(route(order_id="o-1"))) == ["created 1"]
    assert await desk.routes(route(order_id="t-2", test=True)) == []
    assert told(await purchases.work()) == ["created 1"]
    assert len(purchases.carrier.calls) == 1


async def test_a_sellers_own_account_goes_before_the_platforms(desk: LabelDesk) -> None:
    purchases = await bound(desk, ScriptedCarrier(sold()))
    await purchases.bind(AccountKey("acme", ACCOUNT.carrier, ACCOUNT.account))
    await desk.routes(route())
    [taken] = await desk.admin.fetch("SELECT account_tenant FROM labeler.purchase")
    assert taken["account_tenant"] == "acme"
    await purchases.work()
