"""The three order files as sellers have them: joined rows, encodings, damage; one bad row never blocks the others."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_orders import NOW, PRODUCTS, WAREHOUSES, order_body, submitted

from linkstar_contracts.events import OrderSubmitted
from linkstar_contracts.values import Warehouse
from linkstar_ingest.channels import CHANNELS
from linkstar_ingest.channels.json_orders import read_event
from linkstar_ingest.channels.order_file import OrderFile
from linkstar_ingest.channels.table import MAX_FILE_BYTES
from linkstar_ingest.domain.acceptance import Acceptance, accept, fingerprint
from linkstar_ingest.domain.drafts import CancelDraft, OrderDraft, complete
from linkstar_ingest.domain.faults import Refusal, RowFault
from linkstar_ingest.domain.products import Product
from linkstar_sandbox.order_files import PRODUCTS as DEMO_PRODUCTS
from linkstar_sandbox.order_files import WAREHOUSES as DEMO_WAREHOUSES
from linkstar_sandbox.order_files import build_order_book

SHOPIFY = [
    "Name", "Email", "Financial Status", "Fulfillment Status", "Currency", "Shipping Method", "Created at",
    "Lineitem quantity", "Lineitem name", "Lineitem price", "Lineitem sku", "Lineitem requires shipping",
    "Lineitem fulfillment status", "Shipping Name", "Shipping Address1", "Shipping Address2", "Shipping Company",
    "Shipping City", "Shipping Zip", "Shipping Province", "Shipping Country", "Shipping Phone", "Cancelled at",
]  # fmt: skip
AMAZON = [
    "order-id", "purchase-date", "promise-date", "buyer-email", "buyer-phone-number", "sku", "product-name",
    "quantity-purchased", "quantity-to-ship", "ship-service-level", "recipient-name", "ship-address-1", "ship-address-2",
    "ship-address-3", "ship-city", "ship-state", "ship-postal-code", "ship-country", "is-business-order",
]  # fmt: skip
OWN = [
    "order_id", "row_kind", "placed_at", "warehouse", "name", "company", "street", "city", "region", "postcode", "country",
    "sku", "description", "quantity", "unit_price", "currency", "parcel", "weight", "weight_unit", "length", "width",
    "height", "size_unit", "reason",
]  # fmt: skip


def table(columns: Sequence[str], rows: Sequence[dict[str, str]], delimiter: str = ",") -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def shopify(name: str = "#1001", **changes: str) -> dict[str, str]:
    return {
        "Name": name, "Email": "ava@example.com", "Financial Status": "paid", "Currency": "USD",
        "Shipping Method": "Standard", "Created at": "2026-11-01 10:00:00 +0000", "Lineitem quantity": "1",
        "Lineitem name": "Mug", "Lineitem price": "12.99", "Lineitem sku": "MUG", "Lineitem requires shipping": "true",
        "Shipping Name": "Ava Carter", "Shipping Address1": "12 Oak St", "Shipping City": "Boston",
        "Shipping Zip": "'02108", "Shipping Province": "MA", "Shipping Country": "US", **changes,
    }  # fmt: skip


def second_line(name: str = "#1001", **changes: str) -> dict[str, str]:
    return {
        "Name": name, "Lineitem quantity": "2", "Lineitem name": "Lamp", "Lineitem price": "34.90",
        "Lineitem sku": "LAMP", "Lineitem requires shipping": "true", **changes,
    }  # fmt: skip


def amazon(reference: str = "113-1-1", **changes: str) -> dict[str, str]:
    return {
        "order-id": reference, "purchase-date": "2026-11-01T10:00:00+00:00", "promise-date": "2026-11-04T07:59:59+00:00",
        "sku": "MUG", "product-name": 'Mug 6" high', "quantity-purchased": "1", "quantity-to-ship": "1",
        "ship-service-level": "Standard", "recipient-name": "Ava Carter", "ship-address-1": "12 Oak St",
        "ship-city": "Boston", "ship-state": "MA", "ship-postal-code": "02108", "ship-country": "US", **changes,
    }  # fmt: skip


def amazon_file(*rows: dict[str, str]) -> bytes:
    lines = ["\t".join(AMAZON), *("\t".join(row.get(name, "") for name in AMAZON) for row in rows)]
    return "\n".join(lines).encode()


def own(order_id: str = "shop-1", **changes: str) -> dict[str, str]:
    return {
        "order_id": order_id, "name": "Ava Carter", "street": "12 Oak St", "city": "Boston", "region": "MA",
        "postcode": "02108", "country": "US", "sku": "MUG", "quantity": "1", "unit_price": "12.99", "currency": "USD",
        **changes,
    }  # fmt: skip


def orders(file: OrderFile, warehouse: str = "US-NJ") -> tuple[list[OrderSubmitted], list[RowFault]]:
    completed = [
        complete(draft, "demo", NOW, warehouse, PRODUCTS) for draft in file.drafts if isinstance(draft, OrderDraft)
    ]
    good = [order for order in completed if isinstance(order, OrderSubmitted)]
    return good, file.faults + [fault for found in completed if isinstance(found, list) for fault in found]


def faults_of(channel: str, raw: bytes) -> list[tuple[int, str, str, str]]:
    _, faults = orders(CHANNELS[channel](raw))
    return [(found.row, found.order_id, found.fault.code, found.fault.field) for found in faults]


def refusal_of(channel: str, raw: bytes) -> str:
    with pytest.raises(Refusal) as refused:
        CHANNELS[channel](raw)
    return refused.value.fault.code


def test_shopify_joins_the_lines_of_an_order_by_name() -> None:
    raw = table(
        SHOPIFY, [shopify(), shopify("#1002"), second_line(), second_line("#1002", **{"Lineitem quantity": "1"})]
    )
    good, faults = orders(CHANNELS["shopify"](raw))
    assert faults == []
    first, second = good
    assert (first.order_id, first.external_ref, first.channel) == ("shopify-1001", "#1001", "shopify")
    assert [(item.sku, item.quantity) for item in first.items] == [("MUG", 1), ("LAMP", 2)]
    assert [(item.sku, item.quantity) for item in second.items] == [("MUG", 1), ("LAMP", 1)]
    assert first.consignee.postcode == "02108"
    assert first.occurred_at == datetime(2026, 11, 1, 10, tzinfo=UTC)
    parcel = first.parcels[0]
    assert (parcel.weight.value, parcel.weight.unit) == (Decimal("5.5"), "lb")
    sides = parcel.dimensions
    assert (sides.length, sides.width, sides.height) == (16, 7, 14)
    assert parcel.declared_value.amount_minor == 1299 + 2 * 3490
    assert parcel.contents.battery.value == "in_equipment"


def test_shopify_leaves_out_what_needs_no_shipping_and_cancels_what_the_shop_cancelled() -> None:
    rows = [
        shopify("#1", **{"Fulfillment Status": "fulfilled"}), shopify("#2", **{"Financial Status": "refunded"}),
        shopify("#3", **{"Lineitem requires shipping": "false"}), shopify("#4", **{"Cancelled at": "2026-11-01"}),
        shopify("#5"), second_line("#5", **{"Lineitem fulfillment status": "fulfilled"}),
    ]  # fmt: skip
    file = CHANNELS["shopify"](table(SHOPIFY, rows))
    assert (file.rows, file.skipped, file.faults) == (6, 3, [])
    assert [draft.order_id for draft in file.drafts if isinstance(draft, CancelDraft)] == ["shopify-4"]
    good, _ = orders(file)
    assert [(order.order_id, len(order.items)) for order in good] == [("shopify-5", 1)]


def test_a_broken_line_takes_its_whole_order_along_and_no_other() -> None:
    raw = table(SHOPIFY, [shopify(), second_line(), shopify("#1002")]).decode().splitlines()
    raw[2] += ",one,cell,too,many"
    text = "\n".join(raw).encode()
    assert faults_of("shopify", text) == [
        (3, "shopify-1001", "cells_surplus", "row"), (2, "shopify-1001", "order_incomplete", "row"),
    ]  # fmt: skip
    assert [order.order_id for order in orders(CHANNELS["shopify"](text))[0]] == ["shopify-1002"]


def test_amazon_takes_quotation_marks_as_they_are_and_the_ship_by_promise() -> None:
    good, faults = orders(CHANNELS["amazon"](amazon_file(amazon(), amazon(sku="LAMP"), amazon("113-2-2"))))
    assert faults == []
    assert [order.order_id for order in good] == ["amazon-113-1-1", "amazon-113-2-2"]
    assert good[0].items[0].description == 'Mug 6" high'
    assert good[0].options.ship_by == datetime(2026, 11, 4, 7, 59, 59, tzinfo=UTC)
    assert good[0].parcels[0].declared_value.amount_minor == 1299 + 3490, "prices come from product data"


def test_amazon_skips_what_has_been_shipped() -> None:
    file = CHANNELS["amazon"](amazon_file(amazon(**{"quantity-to-ship": "0"}), amazon("113-2-2")))
    assert (file.skipped, len(file.drafts)) == (1, 1)


def test_own_file_states_parcels_and_cancels() -> None:
    stated = {"weight": "2.5", "weight_unit": "kgs", "length": "30", "width": "20", "height": "10", "size_unit": "cm"}
    rows = [
        own("a", parcel="1", **stated), own("a", sku="LAMP", parcel="2", **{**stated, "weight": "3"}),
        own("b", **stated), own("b", sku="LAMP", **stated), {"order_id": "c", "row_kind": "cancel", "reason": "late"},
    ]  # fmt: skip
    file = CHANNELS["linkstar"](table(OWN, rows))
    good, faults = orders(file)
    assert faults == []
    first, second = good
    assert [parcel.weight.value for parcel in first.parcels] == [Decimal("2.5"), Decimal(3)]
    assert [item.parcel for item in first.items] == [1, 2]
    assert len(second.parcels) == 1, "rows without a parcel number travel in one parcel"
    cancel = file.drafts[-1]
    assert isinstance(cancel, CancelDraft)
    assert (cancel.order_id, cancel.row, cancel.reason) == ("c", 6, "late")


def test_own_file_lets_a_seller_name_the_warehouse_by_row() -> None:
    good, _ = orders(CHANNELS["linkstar"](table(OWN, [own(warehouse="US-LA"), own("b")])), warehouse="auto")
    houses = [
        accepted.warehouse.code for order in good if isinstance(accepted := accept(order, WAREHOUSES), Acceptance)
    ]
    assert houses == ["US-LA", "US-NJ"]


MEASURES = {"weight": "1", "weight_unit": "kg", "length": "9", "width": "9", "height": "9", "size_unit": "cm"}


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"quantity": "-2"}, "quantity_invalid", "quantity"),
        ({"quantity": "two"}, "quantity_invalid", "quantity"),
        ({"quantity": "1.5"}, "quantity_invalid", "quantity"),
        ({"quantity": "0"}, "number_out_of_range", "quantity"),
        ({"quantity": "9" * 30}, "quantity_invalid", "quantity"),
        ({"quantity": "٣"}, "quantity_invalid", "quantity"),
        ({"unit_price": "12.9O"}, "price_invalid", "unit_price"),
        ({"unit_price": "12.999"}, "price_invalid", "unit_price"),
        ({"unit_price": "1e400"}, "price_invalid", "unit_price"),
        ({"unit_price": "Infinity"}, "price_invalid", "unit_price"),
        ({"unit_price": "NaN"}, "price_invalid", "unit_price"),
        ({"unit_price": "1,299.00"}, "price_invalid", "unit_price"),
        ({"currency": "DOGE"}, "currency_unknown", "currency"),
        ({"sku": "GONE"}, "sku_unknown", "sku"),
        ({"country": "Atlantis"}, "country_unknown", "consignee.country"),
        ({"country": ""}, "country_unknown", "consignee.country"),
        ({"name": ""}, "field_missing", "consignee.name"),
        ({"name": "x" * 101}, "text_too_long", "consignee.name"),
        ({"name": "\u200b"}, "field_empty", "consignee.name"),
        ({"postcode": ""}, "postcode_malformed", "consignee.postcode"),
        ({"order_id": "a/b"}, "text_malformed", "order_id"),
        ({"order_id": "x" * 65}, "text_malformed", "order_id"),
        ({"placed_at": "soon"}, "time_invalid", "placed_at"),
        ({"placed_at": "45992.4"}, "time_invalid", "placed_at"),
        ({"placed_at": "2026-11-01 10:00:00"}, "time_naive", "placed_at"),
        ({"placed_at": "9999-12-31T23:59:59Z"}, "number_out_of_range", "occurred_at"),
        ({"row_kind": "maybe"}, "value_unknown", "row kind"),
        ({"parcel": "x"}, "number_malformed", "parcel"),
        ({**MEASURES, "weight": "99999999"}, "weight_invalid", "weight"),
        ({**MEASURES, "weight": "0"}, "weight_invalid", "weight"),
        ({**MEASURES, "weight": "-1"}, "weight_invalid", "weight"),
        ({**MEASURES, "weight": "1e3"}, "weight_invalid", "weight"),
        ({**MEASURES, "weight_unit": "stone"}, "unit_unknown", "weight_unit"),
        ({**MEASURES, "size_unit": "parsec"}, "unit_unknown", "size_unit"),
        ({**MEASURES, "length": ""}, "size_invalid", "size"),
        ({**MEASURES, "length": "1000000"}, "size_invalid", "size"),
    ],
)
def test_bad_cells_are_told_by_row_field_and_code(changes: dict[str, str], code: str, field: str) -> None:
    raw = table(OWN, [own("good-1"), own(**changes), own("good-2")])
    told = faults_of("linkstar", raw)
    assert [(row, found, name) for row, _, found, name in told] == [(3, code, field)]
    assert [order.order_id for order in orders(CHANNELS["linkstar"](raw))[0]] == ["good-1", "good-2"]


@pytest.mark.parametrize("damaged", ["1.23457E+11", "1,2E+15"])
def test_rounded_order_ids_are_told(damaged: str) -> None:
    assert faults_of("linkstar", table(OWN, [own(damaged)]))[0][2] == "order_id_damaged"


CHINESE = own(name="王小明", street="Oak St 12", company="好运贸易")


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(),
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("gb18030"),
        lambda text: text.encode("utf-16"),
        lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    ],
    ids=["utf-8", "utf-8-bom", "gb18030", "utf-16-le", "utf-16-be"],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "bar"])
def test_encodings_line_ends_and_delimiters_are_found_out(encode: Any, ending: str, delimiter: str) -> None:
    text = table(OWN, [own("a"), CHINESE], delimiter).decode().replace("\r\n", ending)
    good, faults = orders(CHANNELS["linkstar"](encode(text)))
    assert faults == []
    assert [order.consignee.name for order in good] == ["Ava Carter", "王小明"]
    assert good[1].consignee.company == "好运贸易"


def test_windows_letters_are_not_taken_for_chinese() -> None:
    raw = table(OWN, [own(name="Jürgen Groß", city="Boston")]).decode().encode("cp1252")
    assert orders(CHANNELS["linkstar"](raw))[0][0].consignee.name == "Jürgen Groß"


def test_a_nul_spoils_its_row_only() -> None:
    raw = table(OWN, [own("a"), own("b", name="A\0va"), own("c")])
    assert faults_of("linkstar", raw) == [(3, "b", "nul_character", "name")]


def test_a_quotation_mark_that_never_closes_spoils_its_row_only() -> None:
    lines = table(OWN, [own("a"), own("b"), own("c")]).decode().splitlines()
    lines[2] = lines[2].replace("Ava Carter", '"Ava Carter')
    good, faults = orders(CHANNELS["linkstar"]("\n".join(lines).encode()))
    assert [(found.row, found.fault.code) for found in faults] == [(3, "quote_unclosed")]
    assert [order.order_id for order in good] == ["a", "c"]


def test_rows_are_numbered_by_line_even_after_cells_with_line_breaks() -> None:
    raw = table(OWN, [own("a", description="two\nlines"), own("b", quantity="x")])
    assert faults_of("linkstar", raw) == [(4, "b", "quantity_invalid", "quantity")]


@pytest.mark.parametrize(
    ("channel", "raw", "code"),
    [
        ("shopify", b"", "file_empty"),
        ("shopify", b"\n\n  \n", "file_empty"),
        ("shopify", b"order_id,name\n1,2", "column_missing"),
        ("amazon", table(SHOPIFY, [shopify()]), "column_missing"),
        ("linkstar", b"order_id,order_id\n1,2", "column_duplicate"),
        ("linkstar", b"PK\x03\x04" + bytes(2000), "workbook_unreadable"),
        ("linkstar", b"order_id\n" + b"\x81\x00" * 50, "encoding_unknown"),
        ("linkstar", b",".join([b"order_id", *[b"x"] * 400]), "columns_too_many"),
        ("linkstar", bytes(MAX_FILE_BYTES + 1), "file_too_large"),
        ("linkstar", b"order_id\n" + b"a\n" * 100_001, "rows_too_many"),
    ],
    ids=["empty", "blank", "other header", "other channel", "twice", "zip", "binary", "wide", "large", "long"],
)
def test_files_that_are_none_of_the_channel_are_refused_whole(channel: str, raw: bytes, code: str) -> None:
    assert refusal_of(channel, raw) == code


@settings(deadline=None)
@given(raw=st.one_of(st.binary(max_size=400), st.text(max_size=400).map(lambda text: text.encode("utf-8", "replace"))))
def test_any_bytes_lead_to_orders_or_coded_errors(raw: bytes) -> None:
    for channel, header in (("shopify", SHOPIFY), ("amazon", AMAZON), ("linkstar", OWN)):
        delimiter = "\t" if channel == "amazon" else ","
        for file in (raw, delimiter.join(header).encode() + b"\n" + raw):
            told = told_of(channel, file)
            assert told
            assert all(code and row >= 0 for row, code in told)


def told_of(channel: str, raw: bytes) -> list[tuple[int, str]]:
    """Every order or finding of a file as (row, code); a file refused whole is row 0."""
    try:
        good, faults = orders(CHANNELS[channel](raw))
    except Refusal as refused:
        return [(0, refused.fault.code)]
    return [(1, "file"), *((1, order.order_id) for order in good), *((found.row, found.fault.code) for found in faults)]


@settings(deadline=None)
@given(cells=st.lists(st.dictionaries(st.sampled_from(OWN), st.text(max_size=30)), max_size=5))
def test_any_cells_lead_to_orders_or_coded_errors_of_their_rows(cells: list[dict[str, str]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, OWN)
    writer.writeheader()
    writer.writerows({**own(f"o-{n}"), **row} for n, row in enumerate(cells))
    good, faults = orders(CHANNELS["linkstar"](text.getvalue().encode("utf-8", "replace")))
    assert len(good) + len(faults) <= 3 * len(cells)
    for order in good:
        accept(order, WAREHOUSES)


def test_the_same_order_by_api_kafka_and_file_is_the_same_order() -> None:
    (by_file,), faults = orders(CHANNELS["linkstar"](table(OWN, [own(description="Mug", unit_price="12.990")])))
    assert faults == []
    body = order_body()
    body["consignee"] = {key: text for key, text in body["consignee"].items() if key not in {"phone", "email"}}
    by_http = read_event(OrderSubmitted, body, "demo", NOW)
    assert isinstance(by_http, OrderSubmitted)
    by_kafka = submitted(consignee=body["consignee"])
    assert fingerprint(by_file) == fingerprint(by_http) == fingerprint(by_kafka)
    accepted = [accept(order, WAREHOUSES) for order in (by_file, by_http, by_kafka)]
    contents = {
        (found.warehouse.code, found.address.destination, found.address.consignee.model_dump_json())
        for found in accepted if isinstance(found, Acceptance)
    }  # fmt: skip
    assert len(accepted) == 3
    assert len(contents) == 1


def test_every_order_of_the_demo_ends_as_its_author_expects() -> None:
    """The sandbox writes its files without knowing this importer; both must mean the same formats and codes."""
    products = {product.sku: Product.model_validate(product.registration(), strict=False) for product in DEMO_PRODUCTS}
    houses = {house["code"]: Warehouse(**house) for house in DEMO_WAREHOUSES}
    book = build_order_book(11, NOW)
    for file in book.files:
        read = CHANNELS[file.channel](file.content)
        ends = {found.order_id: ("rejected", found.fault.code, found.row) for found in read.faults}
        for draft in read.drafts:
            if isinstance(draft, OrderDraft):
                ends[draft.order_id] = _end(draft, file.warehouse, products, houses)
        wanted = {
            wish.order_id: (wish.outcome, wish.code, wish.row) for wish in book.expectations if wish.door == file.name
        }
        assert {order_id: ends.get(order_id) for order_id in wanted} == wanted


def _end(
    draft: OrderDraft, warehouse: str, products: dict[str, Product], houses: dict[str, Warehouse]
) -> tuple[str, str | None, int]:
    order = complete(draft, "demo", NOW, warehouse, products)
    if isinstance(order, list):
        return "rejected", order[0].fault.code, draft.row
    accepted = accept(order, houses)
    if not isinstance(accepted, Acceptance):
        return "rejected", accepted.code, draft.row
    return ("held" if accepted.address.problem else "accepted"), None, draft.row
