"""Labeler over HTTP with real keys, a real vault and a real database."""

from __future__ import annotations

from io import BytesIO

import pytest
import zxingcpp
from integration.labeler.label_counter import SHARD, Counter
from integration.labeler.label_desk import told
from PIL import Image
from unit.labeler.label_samples import AT

from linkstar_contracts import topics
from linkstar_labeler import app
from linkstar_labeler.handlers import Settler
from linkstar_labeler.jobs import continue_held
from linkstar_runtime.api_keys import create_key
from linkstar_runtime.clock import ManualClock
from linkstar_runtime.handling import Retry
from linkstar_runtime.master_keys import MasterKeys
from linkstar_runtime.vault import Vault

pytestmark = pytest.mark.integration


async def test_a_label_is_printed_in_every_format(counter: Counter) -> None:
    await counter.top_up(1000, "k1")
    await counter.order("order-1", "José ^XA", parcels=2)
    known = (await counter.client.get("/v1/labels/order-1")).json()
    assert (known["state"], known["carrier"], len(known["tracking_numbers"])) == ("active", "usps", 2)
    zpl = await counter.client.get("/v1/labels/order-1.zpl")
    assert zpl.text.count("^XA^CI28") == 2
    assert "Jos_C3_A9 _5EXA" in zpl.text
    assert (await counter.client.get("/v1/labels/order-1.pdf")).content.startswith(b"%PDF")
    png = await counter.client.get("/v1/labels/order-1.png", params={"parcel": 2})
    texts = [bytes(found.bytes).decode() for found in zxingcpp.read_barcodes(Image.open(BytesIO(png.content)))]
    assert f"42010001\x1d{known['tracking_numbers'][1]}" in texts
    third = (await counter.client.get("/v1/labels/order-1.png?parcel=3")).json()
    assert (third["code"], third["fix"]) == ("parcel_unknown", "Ask for parcel 1 to 2.")


async def test_unknown_held_and_voided_labels_are_not_printed(counter: Counter) -> None:
    assert (await counter.client.get("/v1/labels/nothing.pdf")).json()["code"] == "label_unknown"
    await counter.order("order-1", "Ada")
    held = (await counter.client.get("/v1/labels/order-1.pdf")).json()
    assert (held["code"], held["fix"]) == ("label_held", "Top up the wallet; the label is then bought by itself.")
    assert (await counter.client.get("/v1/labels/order-1")).json()["hold_code"] == "insufficient_balance"
    assert (await counter.client.post("/v1/labels/order-1/void")).status_code == 200
    withdrawn = (await counter.client.get("/v1/labels/order-1.pdf")).json()
    assert withdrawn["code"] == "label_withdrawn"
    assert withdrawn["fix"].startswith("Change the order to have a new label made")


async def test_an_erased_consignee_cannot_be_printed_any_more(counter: Counter) -> None:
    await counter.top_up(1000, "k1")
    await counter.order("order-1", "Ada")
    await counter.admin.execute("DELETE FROM vault.dek")
    answer = await counter.client.get("/v1/labels/order-1.pdf")
    assert (answer.status_code, answer.json()["code"]) == (410, "consignee_erased")
    assert "Submit a new order" in answer.json()["fix"]


async def test_without_the_master_key_the_stage_waits(counter: Counter) -> None:
    await counter.order("order-1", "Ada")
    counter.settler = Settler(Vault(MasterKeys(())), block_size=10, clock=ManualClock(AT))
    with pytest.raises(Retry, match="no_master_key"):
        await counter.order("order-2", "Ada")


async def test_no_table_of_labeler_knows_the_consignee(counter: Counter) -> None:
    await counter.top_up(1000, "k1")
    await counter.order("order-1", "Kanarienvogel")
    tables = [
        row[0] for row in await counter.admin.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'labeler'")
    ]
    for table in tables:
        rows = await counter.admin.fetch(f"SELECT t::text FROM labeler.{table} t")
        assert not [row[0] for row in rows if "Kanarienvogel" in row[0] or "1 Main Street" in row[0]]


async def test_void_refunds_once_and_tells_it(counter: Counter) -> None:
    await counter.top_up(1000, "k1")
    await counter.order("order-1", "Ada", total=400)
    for _ in range(2):
        assert (await counter.client.post("/v1/labels/order-1/void")).json()["state"] == "voided"
    [wallet] = (await counter.client.get("/v1/wallet")).json()["wallets"]
    assert (wallet["balance_minor"], wallet["available_minor"], wallet["low"]) == (1000, 1000, False)
    assert await counter.admin.fetchval("SELECT count(*) FROM labeler.outbox") == 1
    assert (await counter.client.post("/v1/labels/nothing/void")).status_code == 404


async def test_a_top_up_is_made_once_per_key(counter: Counter) -> None:
    first, again = await counter.top_up(700, "k1"), await counter.top_up(700, "k1")
    assert (first.status_code, first.json()) == (201, again.json())
    assert first.json()["balance_minor"] == 700
    assert (await counter.top_up(900, "k1")).json()["code"] == "idempotency_key_reused"
    missing = await counter.client.post("/v1/wallet/topups", json={"amount_minor": 1, "currency": "USD"})
    assert missing.json()["code"] == "idempotency_key_missing"
    for unusable in ("k" * 2000, "schlüssel".encode(), "k 1"):
        headers: dict[str, str | bytes] = {"idempotency-key": unusable}
        refused = await counter.client.post(
            "/v1/wallet/topups", json={"amount_minor": 1, "currency": "USD"}, headers=headers
        )
        assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_invalid")
        assert "1 to 255 visible ASCII" in refused.json()["fix"]
    page = (await counter.client.get("/v1/ledger")).json()
    assert [(entry["amount_minor"], entry["reference"]) for entry in page["entries"]] == [(700, "transfer k1")]
    assert "next" not in page


@pytest.mark.parametrize(
    "body",
    [{"amount_minor": 0, "currency": "USD"}, {"amount_minor": 1.5, "currency": "USD"}, {"amount_minor": "5"},
     {"amount_minor": 5, "currency": "XXX"}, {"amount_minor": 5, "currency": "USD", "extra": 1}, []],
)  # fmt: skip
async def test_a_wrong_top_up_is_refused(counter: Counter, body: object) -> None:
    answer = await counter.client.post("/v1/wallet/topups", json=body, headers={"idempotency-key": "k1"})
    assert answer.status_code == 422
    assert (await counter.client.get("/v1/wallet")).json() == {"wallets": []}


@pytest.mark.parametrize(
    "path",
    ["/v1/labels/%00", "/v1/labels/a%00.pdf", "/v1/labels/%ED%A0%80.zpl", "/v1/ledger?shipment_id=%00",
     "/v1/ledger?after=-1", "/v1/ledger?after=99999999999999999999", "/v1/ledger?limit=0", "/v1/labels/order-1.png?parcel=x",
     f"/v1/labels/{'x' * 3000}"],
)  # fmt: skip
async def test_strange_questions_get_coded_answers(counter: Counter, path: str) -> None:
    answer = await counter.client.get(path)
    assert 400 <= answer.status_code < 500
    assert answer.json()["code"]


async def test_a_top_up_lets_the_held_go_on(counter: Counter) -> None:
    assert await counter.order("order-1", "Ada") == ["label.insufficient_balance.order-1 open"]
    await counter.top_up(500, "k1")
    async with counter.database.transaction() as tx:
        events = await continue_held(counter.settler)([SHARD], tx)
    assert told(list(events)) == ["created 1", "label.insufficient_balance.order-1 resolved"]
    assert (await counter.client.get("/v1/labels/order-1.zpl")).status_code == 200


async def test_another_tenant_sees_nothing(counter: Counter) -> None:
    await counter.top_up(1000, "k1")
    await counter.order("order-1", "Ada")
    key = await create_key(counter.admin, "other", ["*"])
    theirs = {"authorization": f"Bearer {key}"}
    assert (await counter.client.get("/v1/labels/order-1.zpl", headers=theirs)).status_code == 404
    assert (await counter.client.post("/v1/labels/order-1/void", headers=theirs)).status_code == 404
    assert (await counter.client.get("/v1/wallet", headers=theirs)).json() == {"wallets": []}
    assert (await counter.client.get("/v1/ledger", headers=theirs)).json() == {"entries": []}


async def test_a_key_without_the_scope_is_refused(counter: Counter) -> None:
    key = await create_key(counter.admin, "acme", ["orders:write"])
    answer = await counter.client.get("/v1/wallet", headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == 403


def test_the_service_is_composed() -> None:
    service = app.build()
    assert {subscription.topic.name for subscription in service.subscriptions} == {
        topic.name for topic in topics.TOPICS if "labeler" in topic.consumers
    }
    assert {topic.name for topic in service.emits} == {
        topic.name for topic in topics.TOPICS if "labeler" in topic.producers
    }
