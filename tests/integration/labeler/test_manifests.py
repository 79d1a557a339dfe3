"""The end of a day on real PostgreSQL, over HTTP: every label on one manifest, once, whatever the carrier answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pypdfium2
import pytest
from integration.labeler.carrier_rigs import RIGS, US_SENDER, Simulator, running_simulator
from integration.labeler.label_counter import Counter
from integration.labeler.label_desk import cancelled, tracked
from unit.labeler.label_samples import route

from linkstar_cli.vault import SECRETS
from linkstar_labeler.carriers.remote.usps import Usps
from linkstar_labeler.domain.connector import Document, PurchasedLabel
from linkstar_labeler.domain.purchase_steps import Patience
from linkstar_labeler.handlers import Buyer, Handlers, StoredPurchases
from linkstar_labeler.handlers.closing import Closer
from linkstar_labeler.handlers.manifest_calls import ManifestCalls
from linkstar_labeler.handlers.pickup_calls import PickupCalls
from linkstar_labeler.jobs import close_due_day, measure_hand_overs
from linkstar_runtime.clock import Clock
from linkstar_runtime.handling import Received
from linkstar_runtime.metrics import exposition
from linkstar_runtime.service import ServiceContext

pytestmark = pytest.mark.integration
PATIENCE = Patience(lease_s=60, settle_s=50)
[USPS] = [rig for rig in RIGS if rig.connector == "usps"]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator() as running:
        yield running


async def empty(counter: Counter) -> None:
    """No paper yet, and funds."""
    await counter.admin.execute(
        """TRUNCATE labeler.hand_over, labeler.paper_series, labeler.manifest, labeler.manifest_label,
             labeler.manifest_document, labeler.pickup"""
    )
    assert (await counter.top_up(100_000, "funds")).status_code == 201


@pytest.fixture(autouse=True)
async def _fresh(counter: Counter) -> None:
    await empty(counter)


async def close(counter: Counter, key: str = "k1", status: int = 201, **more: Any) -> dict[str, Any]:
    body = {"warehouse": "US-NJ", "carrier": "usps"} | more
    answer = await counter.client.post("/v1/manifests", json=body, headers={"idempotency-key": key})
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def on(counter: Counter, manifest: str) -> list[str]:
    found = (await counter.client.get(f"/v1/manifests/{manifest}")).json()
    return [each["shipment_id"] for each in found["on_it"]]


async def scan(counter: Counter, order_id: str) -> None:
    number = (await counter.client.get(f"/v1/labels/{order_id}")).json()["tracking_numbers"][0]
    event = tracked(number, order_id=order_id)
    async with counter.database.transaction() as tx:
        await Handlers(counter.settler).on_tracking_updated([Received(event, event.key, 1)], tx)


async def bind(
    counter: Counter, simulator: Simulator, client: str, account: str = "platform", **changed: Any
) -> httpx.Response:
    """Bind USPS at the simulator."""
    given = USPS.account(simulator.address, client)
    body = {
        "connector": "usps", "base_url": given.base_url, "number": client, "credentials": dict(given.credentials),
        "settings": dict(given.settings), "senders": {"*": US_SENDER.model_dump()}, "drift_percent": 900,
    }  # fmt: skip
    return await counter.client.put(f"/v1/carrier-accounts/usps/{account}", json=body | changed)


async def buy(counter: Counter, *orders: str) -> None:
    """Buy labels of USPS, which lives by the wall clock."""
    counter.clock.advance(Clock().now() - counter.clock.now())
    for order in orders:
        await counter.order(order, "Ada")
    book = StoredPurchases(counter.database, counter.writer, counter.vault, counter.connectors, counter.clock, PATIENCE)
    await Buyer(book, counter.clock, at_once=4).run()


async def ask(counter: Counter, after_s: float = 0.0) -> None:
    counter.clock.advance(timedelta(seconds=after_s))
    await ManifestCalls(counter.database, counter.vault, counter.connectors, counter.clock, PATIENCE).run()
    await PickupCalls(counter.database, counter.connectors, counter.clock, PATIENCE).run()


async def test_a_day_is_closed_once_and_later_labels_go_on_the_next_manifest(counter: Counter) -> None:
    for order in ("o1", "o2"):
        await counter.order(order, "Ada", parcels=2)
    await counter.order("test", "Ada", test=True)
    await counter.order("elsewhere", "Ada", warehouse=route().warehouse.model_copy(update={"code": "US-CA"}))
    told = await close(counter)
    [made] = told["manifests"]
    assert (made["manifest_id"], made["state"], made["made_by"], made["day"]) == (
        "M0000001", "closed", "linkstar", "2026-11-20",
    )  # fmt: skip
    assert (made["labels"], made["parcels"], made["weight_g"]) == (2, 4, 4 * 681)
    assert await close(counter) == told
    assert await close(counter, "k2") == {"manifests": [], "waiting": []}
    await counter.order("o3", "Ada")
    [later] = (await close(counter, "k3"))["manifests"]
    assert await on(counter, later["manifest_id"]) == ["o3"]
    listed = (await counter.client.get("/v1/manifests", params={"day": "2026-11-20", "limit": 1})).json()
    assert ([each["manifest_id"] for each in listed["manifests"]], listed["next"]) == (["M0000002"], "M0000002")
    older = (await counter.client.get("/v1/manifests", params={"before": "M0000002", "carrier": "usps"})).json()
    assert ([each["manifest_id"] for each in older["manifests"]], older["next"]) == (["M0000001"], None)
    paper = await counter.client.get("/v1/manifests/M0000001.pdf")
    text = pypdfium2.PdfDocument(paper.content)[0].get_textpage().get_text_range()
    assert "Total: 2 labels, 4 parcels, 2.724 kg" in text
    assert "collection on 2026-11-20" in text
    assert paper.content == (await counter.client.get("/v1/manifests/M0000001.pdf")).content


async def test_closes_at_the_same_time_share_no_label(counter: Counter) -> None:
    for number in range(6):
        await counter.order(f"o{number}", "Ada")
    told = await asyncio.gather(*(close(counter, f"k{number}") for number in range(5)))
    assert sorted(len(each["manifests"]) for each in told) == [0, 0, 0, 0, 1]
    assert await counter.admin.fetchval("SELECT count(*) FROM labeler.manifest_label WHERE held") == 6


async def test_the_cut_off_is_the_warehouses_own(counter: Counter) -> None:
    await counter.order("early", "Ada")
    counter.clock.advance(timedelta(hours=8, seconds=1))
    await counter.order("late", "Ada")
    told = await close(counter)
    assert [each["day"] for each in told["manifests"]] == ["2026-11-20"]
    assert told["waiting"] == [{"code": "after_cut_off", "account": None, "labels": 1}]
    assert await on(counter, "M0000001") == ["early"]
    assert (await close(counter, "k2"))["manifests"] == []
    [next_day] = (await close(counter, "k3", day="2026-11-21"))["manifests"]
    assert await on(counter, next_day["manifest_id"]) == ["late"]
    await counter.order("driver-waits", "Ada")
    assert len((await close(counter, "k4", include_late=True))["manifests"]) == 1
    await counter.order("o4", "Ada")
    assert (await close(counter, "k5", 422, day="2026-12-20"))["code"] == "day_too_far"
    assert (await close(counter, "k6", 422, day=1_700_000_000))["code"] == "validation_failed"


async def test_a_reopened_manifest_gives_its_labels_back_until_the_driver_came(counter: Counter) -> None:
    for order in ("o1", "o2"):
        await counter.order(order, "Ada")
    await close(counter)
    refused = await counter.client.post("/v1/labels/o1/void")
    assert (refused.status_code, refused.json()["code"]) == (409, "label_manifested")
    assert "M0000001" in refused.json()["fix"]
    for _ in range(2):
        reopened = await counter.client.post("/v1/manifests/M0000001/reopen")
        assert (reopened.status_code, reopened.json()["state"]) == (200, "reopened")
    assert (await counter.client.get("/v1/manifests/M0000001.pdf")).json()["code"] == "manifest_not_closed"
    assert (await counter.client.post("/v1/labels/o1/void")).status_code == 200
    [again] = (await close(counter, "k2"))["manifests"]
    assert await on(counter, again["manifest_id"]) == ["o2"]
    await scan(counter, "o2")
    gone = await counter.client.post(f"/v1/manifests/{again['manifest_id']}/reopen")
    assert (gone.status_code, gone.json()["code"]) == (409, "manifest_handed_over")
    assert (await counter.client.post("/v1/labels/o2/void")).json()["code"] == "label_in_use"
    assert (await counter.client.get("/v1/manifests/M0000099")).json()["code"] == "manifest_unknown"


async def test_a_label_cancelled_after_the_close_is_told(counter: Counter) -> None:
    for order in ("o1", "o2"):
        await counter.order(order, "Ada")
    await close(counter)
    event = cancelled(order_id="o1")
    async with counter.database.transaction() as tx:
        await Handlers(counter.settler).on_order_changes([Received(event, event.key, 1)], tx)
    found = (await counter.client.get("/v1/manifests/M0000001")).json()
    assert {each["shipment_id"]: each["state"] for each in found["on_it"]} == {"o1": "voided", "o2": "active"}
    assert (found["labels"], found["parcels"]) == (1, 1)


async def test_what_the_carrier_has_waits_for_no_manifest(counter: Counter) -> None:
    await counter.order("o1", "Ada")
    await scan(counter, "o1")
    assert await close(counter) == {"manifests": [], "waiting": []}


async def test_a_day_closes_by_itself_after_its_cut_off(counter: Counter) -> None:
    terms = {"cut_off": "10:30", "closes_itself": True, "closed_on": ["2026-11-21"]}
    unknown = await counter.client.put("/v1/hand-overs/US-NJ/usps", json=terms)
    assert unknown.json()["code"] == "timezone_missing"
    wrong = await counter.client.put("/v1/hand-overs/US-NJ/usps", json=terms | {"timezone": "Mars/Base"})
    assert wrong.json()["code"] == "timezone_unknown"
    agreed = await counter.client.put("/v1/hand-overs/US-NJ/usps", json=terms | {"timezone": "America/New_York"})
    assert agreed.json()["close_at"] == "2026-11-20T10:30:00-05:00"
    await counter.order("o1", "Ada")
    closer = Closer(counter.connectors, counter.clock)

    async def tick(**later: float) -> bool:
        counter.clock.advance(timedelta(**later))
        async with counter.database.transaction() as tx:
            return await close_due_day(tx, closer)

    assert not await tick(hours=3, minutes=29)
    assert await tick(minutes=1)
    assert not await tick()
    [made] = (await counter.client.get("/v1/manifests")).json()["manifests"]
    assert (made["key_id"], made["day"], made["labels"]) == ("end-of-day", "2026-11-20", 1)
    [plan] = (await counter.client.get("/v1/hand-overs")).json()["hand_overs"]
    assert plan["close_at"] == "2026-11-23T15:30:00Z"
    await counter.order("o2", "Ada")
    assert await tick(days=5)
    assert not await tick()
    [newest, _] = (await counter.client.get("/v1/manifests")).json()["manifests"]
    assert (newest["day"], newest["labels"]) == ("2026-11-25", 1)


async def test_the_carriers_own_form_survives_a_lost_answer(counter: Counter, simulator: Simulator) -> None:
    client = "form-lost"
    assert (await bind(counter, simulator, client)).status_code == 200
    await buy(counter, "o1", "o2", "o3")
    simulator.fail("timeout_after", "manifest", client, seconds=0.05)
    [closing] = (await close(counter, include_late=True))["manifests"]
    assert (closing["state"], closing["made_by"], closing["labels"]) == ("closing", "carrier", 3)
    await ask(counter)
    unknown = (await counter.client.get("/v1/manifests", params={"state": "unknown"})).json()["manifests"]
    assert [each["manifest_id"] for each in unknown] == ["M0000001"]
    await measure_hand_overs(cast("ServiceContext", SimpleNamespace(database=counter.database)))
    assert b'linkstar_manifests_open{state="unknown"} 1.0' in exposition()[0]
    reopening = await counter.client.post("/v1/manifests/M0000001/reopen")
    assert (reopening.status_code, reopening.json()["code"]) == (409, "manifest_not_closed")
    assert (await close(counter, "k2", include_late=True))["manifests"] == []
    await ask(counter, 49)
    assert (await counter.client.get("/v1/manifests/M0000001")).json()["state"] == "unknown"
    await ask(counter, 2)
    found = (await counter.client.get("/v1/manifests/M0000001")).json()
    [form] = {sale["manifest"] for sale in simulator.sales(client)}
    assert (found["state"], found["carrier_number"], found["labels"]) == ("closed", form, 3)
    assert form
    paper = pypdfium2.PdfDocument((await counter.client.get("/v1/manifests/M0000001.pdf")).content)
    assert str(form) in paper[0].get_textpage().get_text_range()
    voided = await counter.client.post("/v1/labels/o1/void")
    assert voided.json() == {"shipment_id": "o1", "state": "voided", "manifest_id": "M0000001"}
    final = await counter.client.post("/v1/manifests/M0000001/reopen")
    assert (final.status_code, final.json()["code"]) == (409, "manifest_final")


async def test_a_carriers_form_leaves_out_what_it_does_not_take(counter: Counter, simulator: Simulator) -> None:
    client = "form-partly"
    await bind(counter, simulator, client)
    await buy(counter, "o1", "o2")
    number = (await counter.client.get("/v1/labels/o2")).json()["tracking_numbers"][0]
    connector = counter.connectors.connector(USPS.account(simulator.address, client))
    await connector.manifest("other", US_SENDER, [PurchasedLabel("LS1", number, (number,))], counter.clock.now().date())
    await close(counter, include_late=True)
    await ask(counter)
    found = (await counter.client.get("/v1/manifests/M0000001")).json()
    assert (found["state"], found["labels"]) == ("closed", 1)
    assert {each["shipment_id"]: bool(each["left_out"]) for each in found["on_it"]} == {"o1": False, "o2": True}
    kept = await counter.admin.fetchval("SELECT content FROM labeler.manifest_document")
    assert b"PDF" not in kept[:64]
    [named] = [each for each in SECRETS if each.table == "labeler.manifest_document"]
    sealed_as = await counter.admin.fetchval(f"SELECT {named.name} FROM {named.table}")
    assert counter.vault.open_secret("acme", sealed_as, kept).startswith(b"%PDF")
    assert (await counter.client.get("/v1/manifests/M0000001.pdf")).content.startswith(b"%PDF")
    [again] = (await close(counter, "k2", include_late=True))["manifests"]
    assert await on(counter, again["manifest_id"]) == ["o2"]


async def test_a_sheet_that_cannot_be_read_gives_way_to_our_own(
    counter: Counter, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: Any = Usps.manifest

    async def with_a_page(self: Usps, *asked: Any) -> Any:
        return replace(await made(self, *asked), document=Document("application/pdf", b"<html>busy</html>"))

    monkeypatch.setattr(Usps, "manifest", with_a_page)
    await bind(counter, simulator, "form-page")
    await buy(counter, "o1")
    await close(counter, include_late=True)
    await ask(counter)
    assert (await counter.client.get("/v1/manifests/M0000001")).json()["state"] == "closed"
    assert await counter.admin.fetchval("SELECT count(*) FROM labeler.manifest_document") == 0
    cut = counter.vault.seal_secret("acme", "manifest/M0000001", b"%PDF-1.4 cut")
    for kept in (cut, b"sealed by nobody"):
        await counter.admin.execute(
            """INSERT INTO labeler.manifest_document VALUES ('acme', 'M0000001', 'application/pdf', $1, now())
               ON CONFLICT (tenant, manifest_id) DO UPDATE SET content = EXCLUDED.content""",
            kept,
        )
        paper = await counter.client.get("/v1/manifests/M0000001.pdf")
        assert "Total: 1 label" in pypdfium2.PdfDocument(paper.content)[0].get_textpage().get_text_range()


async def test_a_label_voided_before_the_call_is_not_on_the_carriers_form(
    counter: Counter, simulator: Simulator
) -> None:
    client = "form-voided"
    await bind(counter, simulator, client)
    for key, orders, gone in (("k1", ("o1", "o2"), "o1"), ("k2", ("o3",), "o3")):
        await buy(counter, *orders)
        await close(counter, key, include_late=True)
        event = cancelled(order_id=gone)
        async with counter.database.transaction() as tx:
            await Handlers(counter.settler).on_order_changes([Received(event, event.key, 1)], tx)
        await ask(counter)
    assert sorted(bool(sale["manifest"]) for sale in simulator.sales(client)) == [False, False, True]
    found = (await counter.client.get("/v1/manifests/M0000001")).json()
    assert (found["state"], found["labels"]) == ("closed", 1)
    assert {each["shipment_id"]: each["left_out"] for each in found["on_it"]} == {"o1": "voided", "o2": ""}
    empty_one = (await counter.client.get("/v1/manifests/M0000002")).json()
    assert (empty_one["state"], empty_one["code"]) == ("refused", "nothing_to_manifest")


async def test_an_unknown_form_ends_with_what_the_carrier_told_somebody(counter: Counter, simulator: Simulator) -> None:
    client = "form-answered"
    await bind(counter, simulator, client)
    await buy(counter, "o1")
    for number, (told, state) in enumerate(((None, "refused"), ("EFN-1", "closed")), 1):
        simulator.fail("timeout_before", "manifest", client, seconds=0.05)
        await close(counter, f"k{number}", include_late=True)
        path = f"/v1/manifests/M{number:07d}/answer"
        assert (await counter.client.post(path, json={"carrier_number": told})).status_code == 409
        await ask(counter)
        assert (await counter.client.post(path, json={"carrier_number": told})).json()["state"] == state
    assert (await close(counter, "k9", include_late=True))["manifests"] == []


async def test_a_suspended_account_keeps_its_labels_waiting(counter: Counter, simulator: Simulator) -> None:
    client = "form-suspended"
    await bind(counter, simulator, client)
    await buy(counter, "o1")
    await counter.client.post("/v1/carrier-accounts/usps/platform/suspend")
    told = await close(counter, include_late=True)
    assert told == {"manifests": [], "waiting": [{"code": "account_unusable", "account": "platform", "labels": 1}]}
    await counter.client.post("/v1/carrier-accounts/usps/platform/resume")
    await close(counter, "k2", include_late=True)
    await counter.client.post("/v1/carrier-accounts/usps/platform/suspend")
    await ask(counter)
    assert (await counter.client.get("/v1/manifests/M0000001")).json()["code"] == "account_unusable"
    assert [sale["manifest"] for sale in simulator.sales(client)] == [""]
    counter.clock.advance(timedelta(seconds=PATIENCE.give_up_s))
    await ask(counter, 61)
    refused = (await counter.client.get("/v1/manifests/M0000001")).json()
    assert (refused["state"], refused["code"]) == ("refused", "carrier_unavailable")
    await counter.client.post("/v1/carrier-accounts/usps/platform/resume")
    [again] = (await close(counter, "k3", include_late=True))["manifests"]
    assert await on(counter, again["manifest_id"]) == ["o1"]


async def test_a_pickup_is_booked_once_and_never_asked_for_again(counter: Counter, simulator: Simulator) -> None:
    client = "pickup"
    await bind(counter, simulator, client)
    await buy(counter, "o1", "o2")
    tomorrow = (counter.clock.now() + timedelta(days=1)).date()
    body = {"warehouse": "US-NJ", "carrier": "usps", "day": str(tomorrow), "ready": "09:00", "closes": "17:00"}

    async def book(key: str, **more: Any) -> Any:
        return (await counter.client.post("/v1/pickups", json=body | more, headers={"idempotency-key": key})).json()

    first = await book("p1")
    assert (first["pickup_id"], first["state"], first["parcels"], first["weight_g"]) == (
        "P0000001", "requested", 2, 2 * 681,
    )  # fmt: skip
    assert await book("p1") == first
    assert (await book("p2"))["code"] == "pickup_exists"
    await ask(counter)
    booked = (await counter.client.get("/v1/pickups/P0000001")).json()
    assert (booked["state"], bool(booked["confirmation"])) == ("booked", True)
    assert (await counter.client.delete("/v1/pickups/P0000001")).json()["code"] == "cancel_with_carrier"
    gone = await counter.client.delete("/v1/pickups/P0000001", params={"told_carrier": True})
    assert gone.json()["state"] == "cancelled"
    simulator.fail("timeout_after", "pickup", client, seconds=0.05)
    assert (await book("p3"))["pickup_id"] == "P0000002"
    for _ in range(3):
        await ask(counter, 100)
    lost = (await counter.client.get("/v1/pickups", params={"state": "unknown"})).json()["pickups"]
    assert [each["pickup_id"] for each in lost] == ["P0000002"]
    assert (await book("p4"))["code"] == "pickup_exists"
    answered = await counter.client.post("/v1/pickups/P0000002/answer", json={"confirmation": "WTC1"})
    assert (answered.json()["state"], answered.json()["confirmation"]) == ("booked", "WTC1")
    assert (await counter.client.post("/v1/pickups/P0000002/answer", json={"confirmation": None})).status_code == 409
    for changed, code in (
        ({"carrier": "ups"}, "pickup_not_offered"),
        ({"closes": "08:00"}, "times_reversed"),
        ({"day": "2020-01-01"}, "day_too_far"),
        ({"warehouse": "US-XX"}, "timezone_unknown"),
        ({"warehouse": "US-XX", "timezone": "America/Chicago"}, "nothing_to_collect"),
    ):
        assert (await book(f"bad-{code}", **changed))["code"] == code
