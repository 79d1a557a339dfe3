"""Labels and money on real PostgreSQL: one active paid label, whatever order the news comes in, and books that balance."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from itertools import permutations

import pytest
from integration.labeler.label_desk import (
    LabelDesk,
    cancelled,
    changed,
    numbers,
    opened_desk,
    route,
    settlement,
    told,
    tracked,
)
from unit.labeler.label_samples import AT, consignee

from linkstar_contracts.event import Event
from linkstar_contracts.events import LabelCreated, LabelRejected, LabelVoided
from linkstar_contracts.values import SealedConsignee
from linkstar_labeler import store
from linkstar_labeler.carriers import CARRIERS
from linkstar_labeler.carriers.printing import make_labels
from linkstar_labeler.domain.tracking_numbers import validate
from linkstar_labeler.domain.zpl import render_zpl
from linkstar_runtime.handling import Reject

pytestmark = pytest.mark.integration


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[LabelDesk]:
    async with opened_desk(database_url) as opened:
        yield opened
        await opened.check_books()


async def test_a_route_becomes_a_paid_label(desk: LabelDesk) -> None:
    await desk.top_up(1000)
    [created] = await desk.routes(route(total=400, parcels=2))
    assert isinstance(created, LabelCreated)
    assert (created.version, created.total.amount_minor, created.posting_id) == (1, 400, "order-1|capture|1")
    assert created.purchase_guarantee.value == "offline"
    assert all(validate("usps", parcel.tracking_number) for parcel in created.parcels)
    assert await desk.balance() == 600


async def test_the_hash_is_that_of_the_printed_zpl(desk: LabelDesk) -> None:
    await desk.top_up(1000)
    [created] = await desk.routes(route())
    assert isinstance(created, LabelCreated)
    [label] = make_labels(CARRIERS["usps"], route(), consignee(), numbers([created]), AT)
    assert created.parcels[0].label_sha256 == sha256(render_zpl(label).encode()).hexdigest()


async def test_every_carrier_and_service_can_be_bought(desk: LabelDesk) -> None:
    for currency in ("USD", "CAD", "GBP", "EUR"):
        await desk.top_up(100_000, currency=currency, key=currency)
    offers = [(carrier.code, service) for carrier in CARRIERS.values() for service in carrier.services]
    outcomes = await desk.routes(*[route(*offer, order_id=f"o-{n}") for n, offer in enumerate(offers)])
    assert [(e.carrier, e.service) for e in outcomes if isinstance(e, LabelCreated)] == offers
    assert all(
        validate(event.carrier, event.parcels[0].tracking_number)
        for event in outcomes
        if isinstance(event, LabelCreated)
    )


async def test_a_repeated_route_changes_nothing(desk: LabelDesk) -> None:
    await desk.top_up(1000)
    assert told(await desk.routes(route(), route())) == ["created 1"]
    assert await desk.routes(route()) == []
    assert await desk.balance() == 500


async def test_a_new_attempt_voids_then_buys(desk: LabelDesk) -> None:
    await desk.top_up(1000)
    await desk.routes(route(total=700))
    outcomes = await desk.routes(route("ups", "ground", version=2, total=900))
    assert told(outcomes) == ["voided 2", "created 3"]
    [voided] = [each for each in outcomes if isinstance(each, LabelVoided)]
    assert (voided.route_version, voided.refund.amount_minor, voided.reason) == (1, 700, "rerouted")
    assert await desk.balance() == 100


async def test_a_carrier_without_the_service_rejects_the_route(desk: LabelDesk) -> None:
    await desk.top_up(1000)
    outcomes = await desk.routes(route("usps", "media_mail"), route("nobody", "fast", order_id="order-2"))
    assert [each.code for each in outcomes if isinstance(each, LabelRejected)] == [
        "service_not_offered", "carrier_not_served",
    ]  # fmt: skip
    assert told(await desk.routes(route(version=2))) == ["created 2"]


async def test_a_test_label_is_printed_but_not_charged(desk: LabelDesk) -> None:
    [created] = await desk.routes(route(test=True))
    assert isinstance(created, LabelCreated)
    assert created.posting_id == "order-1|test|1"
    assert told(await desk.changes(cancelled())) == ["voided 2"]


async def test_a_negative_price_is_a_dead_letter(desk: LabelDesk) -> None:
    [reject] = await desk.routes(route(total=-1))
    assert isinstance(reject, Reject)
    assert reject.code == "label.negative_total"


# ---- order of arrival --------------------------------------------------------------------------------------------------


NEWS: dict[str, list[Event]] = {
    "reroute": [route(version=1), route(version=2, total=300), route(version=3, total=200)],
    "change": [route(version=1), changed(2), route(version=2, order_version=2, total=300)],
    "cancel": [route(version=1), route(version=2), cancelled()],
    "change then cancel": [route(version=1), changed(2), route(version=2, order_version=2), cancelled(3)],
}


@pytest.mark.parametrize("news", NEWS.values(), ids=NEWS.keys())
async def test_every_order_of_arrival_ends_the_same(desk: LabelDesk, database_url: str, news: list[Event]) -> None:
    ends = []
    for order in permutations(news):
        async with opened_desk(database_url) as fresh:
            await fresh.top_up(1000)
            versions = [
                event.version
                for each in order
                for event in await fresh.deliver(each)
                if isinstance(event, LabelCreated | LabelVoided)
            ]
            assert versions == list(range(1, len(versions) + 1))
            await fresh.check_books()
            state = await fresh.state()
            ends.append([row[:2] + row[4:] if row[4] else row for row in state])
    assert all(end == ends[0] for end in ends)


async def test_from_acceptance_on_the_label_stays(desk: LabelDesk, database_url: str) -> None:
    for order in permutations([route(version=1), route(version=2, total=300), cancelled()]):
        for moment in range(1, 4):
            async with opened_desk(database_url) as fresh:
                await fresh.top_up(1000)
                await _accepted_after(fresh, order, moment)
                await fresh.check_books()


async def _accepted_after(desk: LabelDesk, order: Sequence[Event], moment: int) -> None:
    """Deliver `moment` news, then the carrier's scan of the label there is by then, then the rest."""
    current: list[str] = []
    for each in order[:moment]:
        for outcome in await desk.deliver(each):
            current = [] if isinstance(outcome, LabelVoided) else numbers([outcome]) or current
    if not current:
        return
    await desk.tracking(tracked(current[0]))
    after = [outcome for each in order[moment:] for outcome in await desk.deliver(each)]
    assert not [outcome for outcome in after if isinstance(outcome, LabelCreated | LabelVoided)]
    assert len({word for word in told(after) if "too_late" in word}) <= 1
    [state] = await desk.state()
    assert (state[5], state[7]) == (True, "active")


async def test_every_way_to_split_news_into_batches_ends_the_same(desk: LabelDesk) -> None:
    await desk.top_up(1000)
    assert told(await desk.routes(route(version=1), route(version=2, total=300))) == ["created 1"]
    assert await desk.balance() == 700


@pytest.mark.parametrize("late", [cancelled(), changed(2), route(version=2)], ids=["cancel", "change", "reroute"])
async def test_what_the_carrier_has_is_not_voided(desk: LabelDesk, late: Event) -> None:
    await desk.top_up(1000)
    [number] = numbers(await desk.routes(route()))
    assert await desk.tracking(tracked(number)) == []
    assert told(await desk.deliver(late)) == ["label.cancel_too_late.order-1 open"]
    assert await desk.balance() == 500
    assert told(await desk.tracking(tracked(number, version=9, delivered=True))) == [
        "label.cancel_too_late.order-1 resolved"
    ]
    assert await desk.tracking(tracked(number, version=9, delivered=True)) == []


async def test_a_voided_label_used_beside_the_current_one_is_an_exception_too(desk: LabelDesk) -> None:
    await desk.top_up(5000)
    [voided] = numbers(await desk.routes(route()))
    [current] = numbers(await desk.routes(route(version=2)))
    outcomes = await desk.tracking(tracked(voided), tracked(current, version=3))
    assert told(outcomes) == ["label.cancel_too_late.order-1 open"]
    assert told(await desk.tracking(tracked(voided, version=4))) == []
    assert [row[5] for row in await desk.state()] == [True]


async def test_a_voided_label_that_is_used_is_an_exception(desk: LabelDesk) -> None:
    await desk.top_up(1000)
    [number] = numbers(await desk.routes(route()))
    assert told(await desk.changes(cancelled())) == ["voided 2"]
    assert told(await desk.tracking(tracked(number))) == ["label.cancel_too_late.order-1 open"]


# ---- holds -------------------------------------------------------------------------------------------------------------


async def test_partial_funds_buy_the_first_by_offset(desk: LabelDesk) -> None:
    await desk.top_up(1700)
    outcomes = await desk.routes(*[route(order_id=f"o-{n}") for n in range(6)])
    assert [each.order_id for each in outcomes if isinstance(each, LabelCreated)] == ["o-0", "o-1", "o-2"]
    assert [word for word in told(outcomes) if "open" in word] == [
        f"label.insufficient_balance.o-{n} open" for n in (3, 4, 5)
    ]
    assert await desk.balance() == 200


async def test_a_top_up_continues_the_held_in_their_order(desk: LabelDesk) -> None:
    await desk.routes(*[route(order_id=f"o-{n}") for n in range(4)])
    assert await desk.timer() == []
    await desk.top_up(1000)
    outcomes = await desk.timer()
    assert [each.order_id for each in outcomes if isinstance(each, LabelCreated)] == ["o-0", "o-1"]
    assert [word for word in told(outcomes) if "resolved" in word] == [
        "label.insufficient_balance.o-0 resolved", "label.insufficient_balance.o-1 resolved",
    ]  # fmt: skip
    await desk.top_up(1000, key="2")
    assert len(numbers(await desk.timer())) == 2
    assert await desk.timer() == []


async def test_only_the_owner_of_a_shard_continues_it(desk: LabelDesk) -> None:
    await desk.routes(route(), shard=5)
    await desk.top_up(1000)
    assert await desk.timer(4) == []
    assert len(numbers(await desk.timer(4, 5))) == 1


async def test_a_cancelled_held_label_is_never_bought(desk: LabelDesk) -> None:
    await desk.routes(route())
    assert told(await desk.changes(cancelled())) == ["label.insufficient_balance.order-1 resolved"]
    await desk.top_up(1000)
    assert await desk.timer() == []


async def test_a_new_attempt_takes_the_place_of_a_held_one(desk: LabelDesk) -> None:
    await desk.top_up(300)
    await desk.routes(route())
    outcomes = await desk.routes(route(version=2, total=300))
    assert told(outcomes) == ["created 1", "label.insufficient_balance.order-1 resolved"]


async def test_used_up_numbers_hold_until_there_are_more(desk: LabelDesk) -> None:
    await desk.top_up(10_000)
    await desk.admin.execute("UPDATE labeler.number_range SET next_serial = last_serial - 1 WHERE carrier = 'usps'")
    outcomes = await desk.routes(*[route(order_id=f"o-{n}") for n in range(4)])
    assert [word for word in told(outcomes) if "open" in word] == ["label.failed.o-2 open", "label.failed.o-3 open"]
    assert await desk.balance() == 9_000
    assert await desk.timer() == []
    await desk.admin.execute("UPDATE labeler.number_range SET next_serial = 5000 WHERE carrier = 'usps'")
    outcomes = await desk.timer()
    assert len(numbers(outcomes)) == 2
    assert [word for word in told(outcomes) if "label." in word] == [
        "label.failed.o-2 resolved", "label.failed.o-3 resolved",
    ]  # fmt: skip


async def test_an_erased_consignee_holds_the_label(desk: LabelDesk) -> None:
    await desk.top_up(1000)
    erased = SealedConsignee(key_id="erased", token="AAAA")
    assert told(await desk.routes(route(sealed=erased))) == ["label.failed.order-1 open"]
    assert await desk.timer() == []
    assert await desk.balance() == 1000


# ---- settlements -------------------------------------------------------------------------------------------------------


async def test_settlements_are_posted_once(desk: LabelDesk) -> None:
    payout = settlement("claim_payout", 800)
    assert await desk.settlements(payout, payout) == []
    await desk.settlements(payout)
    assert await desk.balance() == 800


async def test_a_fee_waits_for_funds(desk: LabelDesk) -> None:
    await desk.settlements(settlement("return_fee", 300, "fee-1"))
    assert await desk.balance() == 0
    await desk.top_up(1000)
    await desk.settlements(settlement("return_fee", 300, "fee-1"))
    await desk.timer()
    await desk.timer()
    assert await desk.balance() == 700


async def test_a_settlement_of_nothing_is_a_dead_letter(desk: LabelDesk) -> None:
    [reject] = await desk.settlements(settlement("refund", 0))
    assert isinstance(reject, Reject)
    assert reject.code == "settlement.not_positive"


# ---- many at once ------------------------------------------------------------------------------------------------------


async def test_eight_writers_neither_deadlock_nor_share_nor_overdraw(desk: LabelDesk) -> None:
    tenants = [f"tenant-{n}" for n in range(5)]
    for tenant in tenants:
        await desk.top_up(20_000, tenant)
    outcomes = await asyncio.gather(*(_writer(desk, shard, tenants) for shard in range(8)))
    bought = [number for events in outcomes for number in numbers(events)]
    assert len(bought) == len(set(bought)) == sum(20_000 // 500 for _ in tenants)
    assert [await desk.balance(tenant) for tenant in tenants] == [0] * 5


async def _writer(desk: LabelDesk, shard: int, tenants: list[str]) -> list[Event]:
    """Buy 60 labels in batches of 6, for tenants in an order of its own; wrong numbers of carriers mixed in."""
    chance = random.Random(shard)
    events: list[Event] = []
    for batch in range(10):
        routes = []
        for n in range(6):
            carrier, service = chance.choice([("usps", "ground_advantage"), ("ups", "ground"), ("fedex", "2day")])
            order_id = f"s{shard}-{batch}-{n}"
            routes.append(route(carrier, service, tenant=chance.choice(tenants), order_id=order_id))
        events += [event for event in await desk.routes(*routes, shard=shard) if isinstance(event, Event)]
    return events


async def test_the_database_refuses_a_second_current_label(desk: LabelDesk) -> None:
    await desk.top_up(1000)
    await desk.routes(route())
    with pytest.raises(Exception, match="label_current"):
        await desk.admin.execute(
            "INSERT INTO labeler.label SELECT tenant, shipment_id, 9, shard, state, hold_code, carrier, service, currency, "
            "charged_minor, tracking_numbers, label_sha256, route, created_at, changed_at FROM labeler.label"
        )


async def test_the_service_cannot_rewrite_its_ledger(desk: LabelDesk) -> None:
    await desk.top_up(1000)
    async with desk.database.transaction() as tx:
        with pytest.raises(Exception, match="permission denied"):
            await tx.execute("UPDATE ledger_entry SET amount_minor = 1")


async def test_a_page_of_the_ledger_explains_a_shipment(desk: LabelDesk) -> None:
    await desk.top_up(1000)
    await desk.routes(route())
    await desk.changes(cancelled())
    async with desk.database.transaction() as tx:
        page = await store.ledger_page(tx, "acme", 0, 10, "order-1")
    assert [(entry["posting_id"], entry["from_account"], entry["to_account"]) for entry in page] == [
        ("order-1|capture|1", "wallet", "carrier_payable:usps"), ("order-1|refund|1", "carrier_payable:usps", "wallet"),
    ]  # fmt: skip
