"""The carrier's own form: whatever it answers, every label on one, and only what it takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pypdfium2
import pytest
from integration.labeler.carrier_rigs import US_SENDER, Simulator
from integration.labeler.label_counter import Counter
from integration.labeler.label_desk import cancelled
from integration.labeler.manifest_desk import PATIENCE, USPS, ask, bind, buy, close, empty, on

from linkstar_cli.vault import SECRETS
from linkstar_labeler.carriers.remote.usps import Usps
from linkstar_labeler.domain.connector import Document, PurchasedLabel
from linkstar_labeler.handlers import Handlers
from linkstar_labeler.jobs import measure_hand_overs
from linkstar_runtime.handling import Received
from linkstar_runtime.metrics import exposition
from linkstar_runtime.service import ServiceContext

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def _fresh(counter: Counter) -> None:
    await empty(counter)


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
