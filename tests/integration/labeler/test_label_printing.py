"""Printing over HTTP: papers, slips, reprints that are counted, and many labels as one document."""

from __future__ import annotations

import re
from base64 import b64decode
from hashlib import sha256
from typing import Any

import pytest
from integration.labeler.label_counter import Counter
from pypdfium2 import PdfDocument

from linkstar_contracts.values import Item, Warehouse

pytestmark = pytest.mark.integration


def written(pdf: bytes) -> list[str]:
    return [page.get_textpage().get_text_range() for page in PdfDocument(pdf)]


async def described(counter: Counter, shipment_id: str) -> list[dict[str, Any]]:
    answer = await counter.client.get(f"/v1/labels/{shipment_id}")
    found: list[dict[str, Any]] = answer.json()["prints"]
    return found


async def test_labels_come_on_the_paper_asked_for(counter: Counter) -> None:
    await counter.top_up(2000, "k1")
    await counter.order("order-1", "王小明", parcels=3, items=(Item(sku="MUG-1", description="Mug 杯", quantity=2),))
    sheet = await counter.client.get("/v1/labels/order-1.pdf", params={"paper": "a4", "position": 3})
    assert [page.count("PARCEL ") for page in written(sheet.content)] == [2, 1]
    slips = await counter.client.get("/v1/labels/order-1.pdf", params={"slip": "true"})
    assert len(written(slips.content)) == 6
    assert "MUG-1" in written(slips.content)[1]
    assert "Mug 杯" in written(slips.content)[1]
    fine = await counter.client.get("/v1/labels/order-1.zpl", params={"dpi": 300})
    assert fine.text.count("^PW1200") == 3
    small, large = [
        (await counter.client.get("/v1/labels/order-1.png", params={"dpi": dpi})).content for dpi in (203, 300)
    ]
    assert small[:4] == large[:4] == b"\x89PNG"
    assert [int.from_bytes(picture[16:20]) for picture in (small, large)] == [812, 1200]


@pytest.mark.parametrize(
    ("print_", "code"),
    [
        ("zpl?paper=a4", "pdf_only"), ("png?slip=true", "pdf_only"), ("pdf?position=2", "position_unknown"),
        ("pdf?paper=letter&position=2&slip=true", "slip_needs_whole_sheet"),
    ],
)  # fmt: skip
async def test_what_cannot_be_printed_together_is_refused(counter: Counter, print_: str, code: str) -> None:
    answer = await counter.client.get(f"/v1/labels/order-1.{print_}")
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["fix"]


@pytest.mark.parametrize("query", ["paper=a3", "position=0", "position=5", "dpi=204", "dpi=x", "slip=perhaps"])
async def test_unknown_papers_and_printers_are_refused(counter: Counter, query: str) -> None:
    assert (await counter.client.get(f"/v1/labels/order-1.pdf?{query}")).status_code == 422


async def test_a_reprint_equals_the_first_print_and_is_counted(counter: Counter) -> None:
    await counter.top_up(2000, "k1")
    await counter.order("order-1", "Ada")
    assert await described(counter, "order-1") == []
    prints = [await counter.client.get("/v1/labels/order-1.zpl") for _ in range(3)]
    await counter.client.get("/v1/labels/order-1.pdf")
    assert len({answer.content for answer in prints}) == 1
    known = await described(counter, "order-1")
    counts = {each["format"]: (each["prints"], each["changed"]) for each in known}
    assert counts == {"zpl": (3, False), "pdf": (1, False)}
    assert all(re.fullmatch(r"\w{8}", each["key_id"]) for each in known)
    assert all(each["first_at"] == each["last_at"] for each in known)


async def test_a_print_unlike_the_first_is_marked(counter: Counter) -> None:
    await counter.top_up(2000, "k1")
    await counter.order("order-1", "Ada")
    await counter.admin.execute("UPDATE labeler.label SET label_sha256 = ARRAY['other']")
    await counter.client.get("/v1/labels/order-1.zpl")
    assert [each["changed"] for each in await described(counter, "order-1")] == [True]


async def test_many_labels_are_one_document_in_picking_order(counter: Counter) -> None:
    await counter.top_up(5000, "k1")
    mug, pen = (Item(sku=sku, quantity=1) for sku in ("MUG", "PEN"))
    west = Warehouse(code="US-CA", country="US", postcode="90001", timezone="America/Los_Angeles")
    await counter.order("order-1", "Ada", items=(pen,))
    await counter.order("order-2", "Ben", items=(mug, pen))
    await counter.order("order-3", "Cleo", items=(mug,), parcels=2)
    await counter.order("order-4", "Dee", items=(pen,), warehouse=west)
    ids = ["order-1", "order-2", "order-3", "order-4", "order-3"]
    answer = (await counter.client.post("/v1/labels/print", json={"shipment_ids": ids})).json()
    assert [(each["shipment_id"], each["first_label"]) for each in answer["printed"]] == [
        ("order-4", 1), ("order-3", 2), ("order-2", 4), ("order-1", 5)
    ]  # fmt: skip
    assert (answer["not_printed"], answer["labels"], answer["media_type"]) == ([], 5, "application/pdf")
    pages = written(b64decode(answer["document_base64"]))
    assert [re.findall(r"REF (order-\d)", page) for page in pages] == [
        ["order-4"], ["order-3"], ["order-3"], ["order-2"], ["order-1"]
    ]  # fmt: skip
    given = {"shipment_ids": ids, "order": "given", "format": "zpl"}
    zpl = (await counter.client.post("/v1/labels/print", json=given)).json()
    assert re.findall(r"REF (order-\d)", b64decode(zpl["document_base64"]).decode()) == [
        "order-1", "order-2", "order-3", "order-3", "order-4"
    ]  # fmt: skip
    assert {each["format"]: each["prints"] for each in await described(counter, "order-3")} == {"pdf": 1, "zpl": 1}


async def test_whoever_is_not_printed_is_told_why(counter: Counter) -> None:
    await counter.top_up(1500, "k1")
    for name in ("printed", "erased", "voided"):
        await counter.order(name, "Ada")
    await counter.order("held", "Ada")
    await counter.admin.execute("DELETE FROM vault.dek WHERE order_id = 'erased'")
    await counter.client.post("/v1/labels/voided/void")
    ids = ["nothing", "held", "voided", "erased", "printed"]
    body = {"shipment_ids": ids, "paper": "letter", "position": 4, "slip": False}
    answer = (await counter.client.post("/v1/labels/print", json=body)).json()
    assert [(each["shipment_id"], each["code"]) for each in answer["not_printed"]] == [
        ("nothing", "label_unknown"), ("held", "label_held"), ("voided", "label_voided"), ("erased", "consignee_erased")
    ]  # fmt: skip
    assert all(each["fix"] and each["title"] for each in answer["not_printed"])
    assert [each["shipment_id"] for each in answer["printed"]] == ["printed"]
    nothing = (await counter.client.post("/v1/labels/print", json={"shipment_ids": ["nothing"]})).json()
    assert (nothing["document_base64"], nothing["printed"]) == (None, [])


@pytest.mark.parametrize(
    "body",
    [{}, {"shipment_ids": []}, {"shipment_ids": ["a"] * 201}, {"shipment_ids": ["a"], "format": "png"},
     {"shipment_ids": ["a b"]}, {"shipment_ids": ["a"], "paper": "a4", "position": 9}, {"shipment_ids": ["a"], "x": 1}],
)  # fmt: skip
async def test_a_strange_print_order_is_refused(counter: Counter, body: object) -> None:
    answer = await counter.client.post("/v1/labels/print", json=body)
    assert (answer.status_code, bool(answer.json()["code"])) == (422, True)


async def test_too_many_labels_are_refused_whole(counter: Counter) -> None:
    await counter.top_up(500 * 60, "k1")
    ids = [f"order-{number}" for number in range(51)]
    for each in ids:
        await counter.order(each, "Ada", parcels=20, total=1)
    answer = await counter.client.post("/v1/labels/print", json={"shipment_ids": ids, "format": "zpl"})
    assert (answer.status_code, answer.json()["code"]) == (422, "print_too_large")
    assert (await counter.client.post("/v1/labels/print", json={"shipment_ids": ids[1:], "format": "zpl"})).json()[
        "labels"
    ] == 1000


async def test_what_the_carrier_printed_is_printed_again(counter: Counter) -> None:
    await counter.top_up(5000, "k1")
    for each in ("own", "pdf", "zpl", "broken"):
        await counter.order(each, "Ada")
    content = (await counter.client.get("/v1/labels/own.pdf")).content
    for name, kind, document in (
        ("pdf", "application/pdf", content), ("zpl", "application/zpl", b"^XA^FDcarrier^FS^XZ"),
        ("broken", "application/pdf", b"%PDF-1.4 but no more"),
    ):  # fmt: skip
        async with counter.database.transaction() as tx:
            [sealed] = await counter.vault.seal_bytes(tx, [(("acme", name), document)])
        await counter.admin.execute(
            "INSERT INTO labeler.label_document VALUES ('acme', $1, 1, 1, $2, $3)", name, kind, sealed
        )
        await counter.admin.execute(
            "UPDATE labeler.label SET label_sha256 = ARRAY[$2] WHERE shipment_id = $1",
            name,
            sha256(document).hexdigest(),
        )
    assert (await counter.client.get("/v1/labels/pdf.pdf")).content == content
    assert (await counter.client.get("/v1/labels/zpl.zpl")).content == b"^XA^FDcarrier^FS^XZ"
    assert (await counter.client.get("/v1/labels/zpl.pdf")).json()["code"] == "carrier_label_is_zpl"
    assert (await counter.client.get("/v1/labels/pdf.png")).content[:4] == b"\x89PNG"
    assert b":Z64:" in (await counter.client.get("/v1/labels/pdf.zpl")).content
    body = {"shipment_ids": ["own", "pdf", "zpl", "broken"], "paper": "a4", "order": "given"}
    answer = (await counter.client.post("/v1/labels/print", json=body)).json()
    assert [each["shipment_id"] for each in answer["printed"]] == ["own", "pdf"]
    assert {each["shipment_id"]: each["code"] for each in answer["not_printed"]} == {
        "zpl": "carrier_label_is_zpl", "broken": "carrier_label_unreadable"
    }  # fmt: skip
    [page] = written(b64decode(answer["document_base64"]))
    assert page.count("REF own") == 2
    assert [each["changed"] for each in await described(counter, "pdf")] == [False, False, False]
