"""What nobody uses costs nothing: labels without a scan by the seller's choice, returns until they are scanned."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from integration.labeler.label_desk import SHARD, numbers, route, told, tracked
from integration.labeler.money_counter import MoneyCounter, opened_counter

from linkstar_cli.ledger import examine
from linkstar_contracts.event import Event
from linkstar_contracts.events import LabelCreated, LabelVoided, RouteChosen, TrackingUpdated
from linkstar_labeler.domain.charge_events import charged_on_scan
from linkstar_labeler.jobs import give_up_unused

pytestmark = pytest.mark.integration

IN_FORCE = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
async def counter(database_url: str) -> AsyncIterator[MoneyCounter]:
    async with opened_counter(database_url) as opened:
        await opened.desk.top_up(10_000)
        yield opened


async def sweep(counter: MoneyCounter, days: int = 0) -> Sequence[Event]:
    counter.desk.clock.advance(timedelta(days=days))
    async with counter.desk.database.transaction() as tx:
        return await give_up_unused(counter.desk.settler)([SHARD], tx)


async def choose(counter: MoneyCounter, after_days: int | None) -> Any:
    answer = await counter.client.put("/v1/unused-labels", json={"after_days": after_days})
    return answer.json()


async def sound(counter: MoneyCounter) -> dict[str, Any]:
    report = await examine(counter.desk.admin)
    assert report["ok"], report
    laws: dict[str, Any] = report["laws"]
    return laws


def returned(
    order_id: str = "order-1", *, parcels: int = 1, carrier: str = "usps", at: datetime = IN_FORCE
) -> RouteChosen:
    service = "ground_advantage" if carrier == "usps" else "home"
    chosen = route(carrier, service, order_id=order_id, kind="return", parcels=parcels)
    return chosen.model_copy(update={"occurred_at": at})


def scan(number: str, order_id: str = "order-1", parcel: int = 1) -> TrackingUpdated:
    return tracked(number, order_id=order_id).model_copy(update={"shipment_id": f"{order_id}~R1", "parcel": parcel})


async def test_labels_without_a_scan_come_back_once_by_the_seller_s_choice(counter: MoneyCounter) -> None:
    assert await counter.get("unused-labels") == {"after_days": None}
    bought = numbers(await counter.desk.routes(*(route(order_id=f"o{n}") for n in range(3))))
    await counter.desk.tracking(tracked(bought[1], order_id="o1"))
    assert await sweep(counter, 30) == []
    assert await choose(counter, 28) == {"after_days": 28}
    await counter.desk.routes(route(order_id="new"))
    voided = await sweep(counter)
    assert {(each.shipment_id, each.reason) for each in voided if isinstance(each, LabelVoided)} == {
        ("o0", "unused"), ("o2", "unused"),
    }  # fmt: skip
    assert await counter.desk.balance() == 10_000 - 2 * 500
    assert await sweep(counter, 27) == []
    assert told(list(await sweep(counter, 1))) == ["voided 2"]
    assert await sweep(counter, 100) == []
    await sound(counter)
    await choose(counter, None)
    assert await counter.get("unused-labels") == {"after_days": None}


async def test_more_than_one_transaction_s_worth_is_not_forgotten(
    counter: MoneyCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linkstar_labeler.jobs.unused.AT_ONCE", 2)
    await counter.desk.routes(*(route(order_id=f"o{n}") for n in range(5)))
    await choose(counter, 10)
    found = [len(await sweep(counter, days)) for days in (11, 0, 0, 0)]
    assert found == [2, 2, 1, 0]


@pytest.mark.parametrize("parcels", [1, 2])
async def test_a_return_is_paid_when_it_is_scanned_and_not_before(counter: MoneyCounter, parcels: int) -> None:
    [created] = await counter.desk.routes(returned(parcels=parcels))
    assert isinstance(created, LabelCreated)
    assert created.posting_id == "order-1~R1|hold|1"
    assert await counter.desk.balance() == 9_500
    laws = await sound(counter)
    assert (laws["one_capture"]["examined"], laws["holds_end_once"]["examined"]) == (1, 1)
    scans = [scan(number, parcel=place) for place, number in enumerate(numbers([created]), 1)]
    for _ in range(2):
        await counter.desk.tracking(*scans)
        assert await counter.desk.balance() == 9_500
        await sound(counter)
    accounts = [(entry["from_account"], entry["to_account"]) for entry in (await counter.get("ledger"))["entries"][1:]]
    assert accounts == [("wallet", "wallet_held"), ("wallet_held", "carrier_payable:usps")]


async def test_a_return_nobody_sends_costs_nothing(counter: MoneyCounter) -> None:
    await counter.desk.routes(returned("a"), returned("b"), returned("c"))
    assert (await counter.desk.balance()) == 8_500
    planted = counter.desk.admin.transaction()
    await planted.start()
    await counter.desk.admin.execute("UPDATE labeler.shipment SET accepted = true WHERE shipment_id = 'a~R1'")
    assert (await examine(counter.desk.admin))["laws"]["one_capture"]["examples"] == ["acme/a~R1 attempt 1"]
    await planted.rollback()
    await choose(counter, 60)
    assert len(await sweep(counter, 61)) == 3
    assert (await counter.desk.balance()) == 10_000
    laws = await sound(counter)
    assert laws["one_refund"]["examined"] == 3


def test_who_is_charged_on_the_first_scan() -> None:
    assert charged_on_scan(returned())
    assert not charged_on_scan(route())
    assert not charged_on_scan(returned(carrier="hermes-de"))
    assert not charged_on_scan(returned(at=IN_FORCE - timedelta(days=2)))


async def test_a_scan_after_the_void_pays_nothing(counter: MoneyCounter) -> None:
    [number] = numbers(await counter.desk.routes(returned()))
    await choose(counter, 1)
    assert len(await sweep(counter, 2)) == 1
    assert told(await counter.desk.tracking(scan(number))) == ["label.cancel_too_late.order-1~R1 open"]
    assert await counter.desk.balance() == 10_000
    await sound(counter)
