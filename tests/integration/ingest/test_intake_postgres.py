"""Orders, changes and cancels against a real PostgreSQL: every order of arrival leads to the same end."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from ingest_orders import NOW, WAREHOUSES, cancel_request, change_request, consignee, parcel, submitted

from linkstar_contracts.event import Event
from linkstar_contracts.events import (
    ExceptionRaised,
    ExceptionState,
    LabelCreated,
    LabelledParcel,
    LabelVoided,
    OrderCancelled,
    OrderChanged,
    OrderReceived,
    PurchaseGuarantee,
    TrackingStatus,
    TrackingUpdated,
)  # fmt: skip
from linkstar_contracts.topics import PARTITIONS
from linkstar_contracts.values import ChargeLine, Destination, Money
from linkstar_ingest.handlers import Intake, on_labels, on_tracking_updated
from linkstar_ingest.store import catalogue, shipments
from linkstar_ingest.store import orders as order_store
from linkstar_runtime.clock import ManualClock
from linkstar_runtime.database import Database
from linkstar_runtime.handling import Received, Reject
from linkstar_runtime.master_keys import MasterKeys
from linkstar_runtime.settings import DatabaseSettings, Settings
from linkstar_runtime.shards import shard_of
from linkstar_runtime.vault import Vault

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    settings = Settings(database=DatabaseSettings(url=database_url))
    database = await Database.connect(settings, "ingest", ManualClock(NOW))
    async with database.transaction() as tx:
        await tx.execute("DELETE FROM order_exception")
        await tx.execute("DELETE FROM order_request")
        await tx.execute("DELETE FROM sales_order")
        await tx.execute("DELETE FROM order_handover")
        await tx.execute("DELETE FROM write_back")
        await catalogue.put_warehouses(tx, "demo", list(WAREHOUSES.values()))
    yield database
    await database.close()


@pytest.fixture(scope="module")
def vault() -> Vault:
    return Vault(MasterKeys([os.urandom(32)]))


@pytest.fixture
def intake(vault: Vault) -> Intake:
    return Intake(vault)


def received(*events: Event) -> list[Received[Any]]:
    return [Received(event, event.key, shard_of(event.key, PARTITIONS), offset=n) for n, event in enumerate(events)]


async def deliver(database: Database, handler: Any, *events: Event) -> Sequence[Any]:
    async with database.transaction() as tx:
        return list(await handler(received(*events), tx))


def told(outcomes: Sequence[Any]) -> list[tuple[str, int]]:
    return [(type(event).__name__, event.version) for event in outcomes if isinstance(event, Event)]


def tracking(order_id: str, version: int, status: TrackingStatus) -> TrackingUpdated:
    return TrackingUpdated(
        tenant="demo", order_id=order_id, shipment_id=order_id, version=version, occurred_at=NOW, carrier="usps",
        service="ground_advantage", status=status, accepted=True, delivered=status is TrackingStatus.DELIVERED, parcel=1,
        tracking_number="9400100000000000000000", parcel_status=status, scanned_at=NOW + timedelta(hours=version),
    )  # fmt: skip


async def test_an_order_is_received_once_with_its_consignee_sealed(
    database: Database, intake: Intake, vault: Vault
) -> None:
    order = submitted()
    first = await deliver(database, intake.on_orders_inbound, order)
    again = await deliver(database, intake.on_orders_inbound, order, order)
    assert told(first) == [("OrderReceived", 1)]
    assert again == []
    event = first[0]
    assert b"Ava" not in event.body()
    assert b"Oak St" not in event.body()
    assert event.destination.postcode == "02108"
    assert event.warehouse == WAREHOUSES["US-NJ"]
    async with database.transaction() as tx:
        opened = await vault.open_many(tx, [("demo", "shop-1", event.consignee)])
        stored = await tx.fetchval("SELECT content::text FROM sales_order")
    assert opened[0] is not None
    assert opened[0].name == "Ava Carter"
    assert "Ava" not in stored
    assert "Oak" not in stored


async def test_corrections_follow_the_sellers_policy(database: Database, intake: Intake, vault: Vault) -> None:
    lost_zero = {"consignee": consignee(postcode="2108")}
    [applied] = await deliver(database, intake.on_orders_inbound, submitted("shop-1", **lost_zero))
    async with database.transaction() as tx:
        await catalogue.put_policy(tx, "demo", "propose")
    [proposed] = await deliver(database, intake.on_orders_inbound, submitted("shop-2", **lost_zero))
    change = change_request("shop-1", **lost_zero)
    [changed] = await deliver(database, intake.on_orders_inbound, change)
    async with database.transaction() as tx:
        await tx.execute("DELETE FROM address_policy")
        sealed = [("demo", event.order_id, event.consignee) for event in (applied, proposed, changed)]
        opened = await vault.open_many(tx, sealed)
    assert [one and one.postcode for one in opened] == ["02108", "2108", "2108"]
    assert {event.destination.postcode for event in (applied, proposed, changed)} == {"02108"}


async def test_other_content_under_the_same_id_is_refused_also_within_a_batch(
    database: Database, intake: Intake
) -> None:
    other = submitted(external_ref="other")
    outcomes = await deliver(database, intake.on_orders_inbound, submitted(), other)
    later = await deliver(database, intake.on_orders_inbound, other)
    for refused in (outcomes[1], later[0]):
        assert isinstance(refused, Reject)
        assert refused.code == "ingest.order_conflict"


async def test_one_bad_order_does_not_block_the_others(database: Database, intake: Intake) -> None:
    bad = [submitted("bad-1", warehouse="MOON-1"), submitted("bad-2", consignee=consignee(postcode="ABC"))]
    outcomes = await deliver(database, intake.on_orders_inbound, submitted("a"), *bad, submitted("b"))
    assert told(outcomes) == [("OrderReceived", 1)] * 2
    rejects = {outcome.received.event.order_id: outcome for outcome in outcomes if isinstance(outcome, Reject)}
    assert {order_id: reject.code for order_id, reject in rejects.items()} == {
        "bad-1": "ingest.warehouse_unknown", "bad-2": "ingest.postcode_malformed",
    }  # fmt: skip
    assert all("Ava" not in reject.detail for reject in rejects.values())


@pytest.mark.parametrize("order", list(itertools.permutations(["order", "change", "cancel"])))
async def test_order_change_and_cancel_commute(database: Database, intake: Intake, order: tuple[str, ...]) -> None:
    events = {
        "order": submitted(), "cancel": cancel_request(),
        "change": change_request(parcels=[parcel(weight={"value": "3", "unit": "lb"})]),
    }  # fmt: skip
    emitted: list[Event] = []
    for name in order:
        emitted += await deliver(database, intake.on_orders_inbound, events[name])
    assert [event.version for event in emitted] == list(range(1, len(emitted) + 1))
    assert isinstance(emitted[0], OrderReceived)
    assert isinstance(emitted[-1], OrderCancelled)
    changes = [event for event in emitted if isinstance(event, OrderChanged)]
    assert len(changes) == (0 if order[2] == "change" else 1), "a change of a cancelled order is superseded"


async def test_all_in_one_batch_in_any_order(database: Database, intake: Intake) -> None:
    outcomes = await deliver(
        database, intake.on_orders_inbound, cancel_request(), change_request(consignee=consignee(city="Cambridge")),
        submitted(),
    )  # fmt: skip
    assert [name for name, _ in told(outcomes)] == ["OrderReceived", "OrderCancelled"]


async def test_a_change_carries_the_whole_new_content(database: Database, intake: Intake, vault: Vault) -> None:
    await deliver(database, intake.on_orders_inbound, submitted())
    moved = change_request(consignee=consignee(name="Mia Holt", city="Los Angeles", region="CA", postcode="90058"))
    outcomes = await deliver(database, intake.on_orders_inbound, moved)
    again = await deliver(database, intake.on_orders_inbound, moved)
    assert told(outcomes) == [("OrderChanged", 2)]
    assert again == []
    changed = outcomes[0]
    assert changed.destination.postcode == "90058"
    assert changed.parcels == submitted().parcels
    async with database.transaction() as tx:
        opened = await vault.open_many(tx, [("demo", "shop-1", changed.consignee)])
    assert opened[0] is not None
    assert opened[0].name == "Mia Holt"


async def test_an_undeliverable_address_holds_the_order_until_it_is_corrected(
    database: Database, intake: Intake
) -> None:
    wrong = submitted(consignee=consignee(city="Albany", region="NY", postcode="90058"))
    held = await deliver(database, intake.on_orders_inbound, wrong)
    assert told(held) == [("ExceptionRaised", 1)]
    assert held[0].exception_id == "ingest.address_undeliverable.shop-1"
    still = await deliver(database, intake.on_orders_inbound, change_request(parcels=[parcel()]))
    assert still == []
    freed = await deliver(database, intake.on_orders_inbound, change_request(request_id="c2", consignee=consignee()))
    assert told(freed) == [("OrderReceived", 1), ("ExceptionRaised", 2)]
    assert freed[1].state is ExceptionState.RESOLVED


async def test_cancelling_a_held_order_resolves_its_exception(database: Database, intake: Intake) -> None:
    wrong = submitted(consignee=consignee(city="Albany", region="NY", postcode="90058"))
    await deliver(database, intake.on_orders_inbound, wrong)
    outcomes = await deliver(database, intake.on_orders_inbound, cancel_request())
    assert told(outcomes) == [("OrderCancelled", 1), ("ExceptionRaised", 2)]


async def test_a_change_to_an_undeliverable_address_keeps_the_old_one(database: Database, intake: Intake) -> None:
    await deliver(database, intake.on_orders_inbound, submitted())
    wrong = change_request(consignee=consignee(city="Albany", region="NY", postcode="90058"))
    refused = await deliver(database, intake.on_orders_inbound, wrong)
    assert told(refused) == [("ExceptionRaised", 1)]
    right = await deliver(database, intake.on_orders_inbound, change_request(request_id="c2", consignee=consignee()))
    assert told(right) == [("OrderChanged", 2), ("ExceptionRaised", 2)]


async def test_after_the_hand_over_changes_are_too_late_until_delivery_settles_it(
    database: Database, intake: Intake
) -> None:
    await deliver(database, intake.on_orders_inbound, submitted())
    await deliver(database, on_tracking_updated, tracking("shop-1", 1, TrackingStatus.ACCEPTED))
    late = await deliver(database, intake.on_orders_inbound, cancel_request(), change_request(parcels=[parcel()]))
    assert [event.exception_id for event in late if isinstance(event, ExceptionRaised)] == [
        "ingest.change_too_late.shop-1", "ingest.change_too_late.shop-1~~2",
    ]  # fmt: skip
    assert len(late) == 2
    settled = await deliver(database, on_tracking_updated, tracking("shop-1", 2, TrackingStatus.DELIVERED))
    assert [(event.version, event.state) for event in settled] == [(2, ExceptionState.RESOLVED)] * 2
    assert not await deliver(database, on_tracking_updated, tracking("shop-1", 2, TrackingStatus.DELIVERED))


async def test_two_writers_of_one_order_lead_to_one_event(database: Database, intake: Intake) -> None:
    """HTTP and Kafka bring the same 40 orders at once, in opposite orders; cancels race with them."""
    orders = [submitted(f"race-{n:02}") for n in range(40)]
    cancels = [cancel_request(f"race-{n:02}") for n in range(0, 40, 2)]
    streams = [orders[:20], orders[19::-1], orders[20:], orders[:19:-1], cancels, cancels[::-1]]
    results = await asyncio.gather(*(deliver(database, intake.on_orders_inbound, *stream) for stream in streams))
    events = [event for outcomes in results for event in outcomes]
    assert not [event for event in events if isinstance(event, Reject)]
    ids = [event.ce_id for event in events]
    assert len(ids) == len(set(ids)) == 60
    assert sum(isinstance(event, OrderReceived) for event in events) == 40
    assert sum(isinstance(event, OrderCancelled) for event in events) == 20


def label(version: int) -> LabelCreated:
    stated = submitted().parcels[0]
    labelled = LabelledParcel(
        number=1, tracking_number=f"94001{version:017}", label_sha256="0" * 64, weight=stated.weight,
        declared_value=stated.declared_value,
    )  # fmt: skip
    return LabelCreated(
        tenant="demo", order_id="shop-1", shipment_id="shop-1", version=version, occurred_at=NOW, route_version=1,
        carrier="usps", service="ground_advantage", account="demo", posting_id="p1", parcels=(labelled,),
        total=Money(amount_minor=500, currency="USD"),
        lines=(ChargeLine(code="base", amount=Money(amount_minor=500, currency="USD")),),
        purchase_guarantee=PurchaseGuarantee.OFFLINE, warehouse=WAREHOUSES["US-NJ"],
        destination=Destination(country="US", postcode="02108"),
    )  # fmt: skip


def voided(version: int) -> LabelVoided:
    return LabelVoided(
        tenant="demo", order_id="shop-1", shipment_id="shop-1", version=version, occurred_at=NOW, route_version=1,
        carrier="usps", service="ground_advantage", reason="cancelled", refund=Money(amount_minor=500, currency="USD"),
    )  # fmt: skip


@pytest.mark.parametrize("order", list(itertools.permutations(["first", "void", "second", "tracking"])))
async def test_the_newest_label_and_tracking_state_win_whatever_comes_first(
    database: Database, order: tuple[str, ...]
) -> None:
    for name in order:
        if name == "tracking":
            await deliver(database, on_tracking_updated, tracking("shop-1", 3, TrackingStatus.DELIVERED))
            await deliver(database, on_tracking_updated, tracking("shop-1", 2, TrackingStatus.IN_TRANSIT))
        else:
            await deliver(database, on_labels, {"first": label(1), "void": voided(2), "second": label(3)}[name])
    async with database.transaction() as tx:
        row = await shipments.find_shipment(tx, "demo", "shop-1")
    assert row is not None
    assert (row["label_version"], row["label_state"]) == (3, "created")
    assert list(row["tracking_numbers"]) == ["9400100000000000000003"]
    assert (row["status"], row["tracking_version"]) == ("delivered", 3)
    assert row["delivered_at"] == NOW + timedelta(hours=3)


async def test_a_return_shipment_does_not_hand_the_order_over(database: Database, intake: Intake) -> None:
    await deliver(database, intake.on_orders_inbound, submitted())
    coming_back = tracking("shop-1", 1, TrackingStatus.ACCEPTED).model_copy(
        update={"kind": "return", "shipment_id": "shop-1~R1"}
    )
    await deliver(database, on_tracking_updated, coming_back)
    assert told(await deliver(database, intake.on_orders_inbound, cancel_request())) == [("OrderCancelled", 2)]


async def test_pages_of_orders_follow_each_other_without_gap(database: Database, intake: Intake) -> None:
    await deliver(database, intake.on_orders_inbound, *(submitted(f"page-{n}") for n in range(5)))
    await deliver(database, intake.on_orders_inbound, cancel_request("not-here-yet"))
    seen: list[str] = []
    place = None
    async with database.transaction() as tx:
        while found := await order_store.list_orders(tx, "demo", None, place, 2):
            seen += [order.order_id for _, order in found]
            place = (found[-1][0], found[-1][1].order_id)
        assert await order_store.list_orders(tx, "other", None, None, 9) == []
    assert seen == [f"page-{n}" for n in range(5)]
