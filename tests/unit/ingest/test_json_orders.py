"""JSON orders at the HTTP door: everything but a good order is a coded fault that names its field and quotes no value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_orders import NOW, WAREHOUSES, consignee, order_body, parcel

from linkstar_contracts.events import OrderChangeRequested, OrderSubmitted
from linkstar_ingest.channels.json_orders import read_event
from linkstar_ingest.domain.acceptance import Acceptance, accept
from linkstar_ingest.domain.faults import Fault

MONEY = {"amount_minor": 1299, "currency": "USD"}


def faults(body: Any) -> list[tuple[str, str]]:
    found = read_event(OrderSubmitted, body, "demo", NOW)
    assert isinstance(found, list)
    return [(fault.code, fault.field) for fault in found]


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (7, "type_wrong", "body"),
        ([], "type_wrong", "body"),
        (order_body(colour="red"), "field_unknown", "colour"),
        (order_body(tenant="other"), "field_unknown", "tenant"),
        (order_body(consignee=consignee(shoe_size=42)), "field_unknown", "consignee.shoe_size"),
        (order_body(parcels=[]), "list_empty", "parcels"),
        (order_body(parcels=[parcel(number=n) for n in range(1, 22)]), "list_too_long", "parcels"),
        (order_body(parcels=[parcel(number="1")]), "type_wrong", "parcels.0.number"),
        (order_body(parcels=[parcel(number=True)]), "type_wrong", "parcels.0.number"),
        (order_body(parcels=[parcel(number=2**63)]), "number_out_of_range", "parcels.0.number"),
        (order_body(parcels=[parcel(weight={"value": "1", "unit": "stone"})]), "unit_unknown", "parcels.0.weight.unit"),
        (order_body(parcels=[parcel(weight={"value": "NaN", "unit": "lb"})]), "value_refused", "parcels.0.weight.value"),
        (order_body(parcels=[parcel(weight={"value": "1e9", "unit": "lb"})]), "value_refused", "parcels.0.weight.value"),
        (order_body(parcels=[parcel(weight={"value": 0, "unit": "lb"})]), "value_refused", "parcels.0.weight.value"),
        (order_body(parcels=[parcel(weight={"value": -1, "unit": "lb"})]), "value_refused", "parcels.0.weight.value"),
        (order_body(parcels=[parcel(weight={"value": float("inf"), "unit": "lb"})]), "number_out_of_range", "body"),
        (order_body(parcels=[parcel(declared_value={**MONEY, "amount_minor": 12.99})]), "type_wrong",
         "parcels.0.declared_value.amount_minor"),
        (order_body(parcels=[parcel(declared_value={**MONEY, "amount_minor": 10**13})]), "number_out_of_range",
         "parcels.0.declared_value.amount_minor"),
        (order_body(parcels=[parcel(declared_value={**MONEY, "currency": "DOGE"})]), "text_malformed",
         "parcels.0.declared_value.currency"),
        (order_body(consignee=consignee(name="")), "field_empty", "consignee.name"),
        (order_body(consignee=consignee(name="\u0000")), "field_empty", "consignee.name"),
        (order_body(consignee=consignee(name="x" * 101)), "text_too_long", "consignee.name"),
        (order_body(consignee=consignee(name="\ud800")), "json_invalid", "body"),
        (order_body(consignee=consignee(name="a\ufdd0")), "value_refused", "consignee.name"),
        (order_body(consignee=consignee(name=5)), "type_wrong", "consignee.name"),
        (order_body(consignee=consignee(country="usa")), "text_malformed", "consignee.country"),
        (order_body(options={"deliver_by": "2026-11-22T10:00:00"}), "time_naive", "options.deliver_by"),
        (order_body(options={"deliver_by": "soon"}), "value_refused", "options.deliver_by"),
        (order_body(options={"deliver_by": 1732280000}), "value_refused", "options.deliver_by"),
        (order_body(options={"level": "teleport"}), "value_unknown", "options.level"),
        (order_body("a/b"), "text_malformed", "order_id"),
        (order_body("a~2"), "text_malformed", "order_id"),
        (order_body("x" * 65), "text_malformed", "order_id"),
        ({key: value for key, value in order_body().items() if key != "order_id"}, "field_missing", "order_id"),
        (order_body(external_ref="x" * 100_000), "order_too_large", "body"),
    ],
)  # fmt: skip
def test_bad_orders_are_told_by_code_and_field(body: Any, code: str, field: str) -> None:
    assert faults(body) == [(code, field)]


def test_faults_quote_no_value() -> None:
    found = read_event(
        OrderSubmitted, order_body(consignee=consignee(phone="SECRET" * 30, country="Secret")), "demo", NOW
    )
    assert isinstance(found, list)
    assert "ecret" not in repr(found).replace("consignee", "").lower()


def test_the_request_path_tells_the_order() -> None:
    head = {"order_id": "shop-1", "version": 1}
    good = read_event(OrderChangeRequested, {"request_id": "c1"}, "demo", NOW, **head)
    assert isinstance(good, OrderChangeRequested)
    other = read_event(OrderChangeRequested, {"request_id": "c1", "order_id": "b"}, "demo", NOW, **head)
    assert isinstance(other, list)
    assert other[0].code == "field_unknown"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None)
@given(field=st.sampled_from(sorted(order_body())), value=json_values)
def test_any_value_in_any_field_is_an_order_or_a_coded_fault(field: str, value: Any) -> None:
    found = read_event(OrderSubmitted, order_body() | {field: value}, "demo", NOW)
    if isinstance(found, list):
        assert all(fault.code and fault.fix for fault in found)
    else:
        judged = accept(found, WAREHOUSES)
        assert isinstance(judged, Acceptance) or judged.code


@settings(deadline=None)
@given(value=json_values)
def test_any_document_is_an_order_or_a_coded_fault(value: Any) -> None:
    found = read_event(OrderSubmitted, value, "demo", NOW)
    assert isinstance(found, list)
    assert all(isinstance(fault, Fault) for fault in found)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"parcels": [parcel(number=2)]}, "parcel_numbers"),
        ({"parcels": [parcel(), parcel()]}, "parcel_numbers"),
        ({"parcels": [parcel(declared_value={**MONEY, "amount_minor": -1})]}, "value_negative"),
        ({"parcels": [parcel(), parcel(number=2, declared_value={**MONEY, "currency": "EUR"})]}, "currency_mixed"),
        ({"items": [{"sku": "MUG", "quantity": 1, "parcel": 2}]}, "item_parcel"),
        ({"options": {"ship_by": "2026-11-22T10:00:00Z", "deliver_by": "2026-11-21T10:00:00Z"}}, "deliver_before_ship"),
        ({"warehouse": "MOON-1"}, "warehouse_unknown"),
        ({"warehouse": "auto", "consignee": consignee(country="FR", region="", postcode="75001")}, "warehouse_missing"),
        ({"consignee": consignee(country="ZZ")}, "country_unknown"),
        ({"consignee": consignee(postcode="ABC")}, "postcode_malformed"),
    ],
)
def test_orders_that_can_never_be_shipped(changes: dict[str, Any], code: str) -> None:
    order = read_event(OrderSubmitted, order_body(**changes), "demo", NOW)
    assert isinstance(order, OrderSubmitted), order
    judged = accept(order, WAREHOUSES)
    assert isinstance(judged, Fault)
    assert judged.code == code
    assert judged.fix


@pytest.mark.parametrize(
    ("region", "city", "postcode", "house"),
    [("CA", "Los Angeles", "90058", "US-LA"), ("TX", "Austin", "78701", "US-LA"), ("NY", "New York", "10001", "US-NJ"),
     ("IL", "Chicago", "60601", "US-NJ"), ("MN", "Minneapolis", "55401", "US-LA")],
)  # fmt: skip
def test_the_mississippi_divides_the_warehouses(region: str, city: str, postcode: str, house: str) -> None:
    where = consignee(region=region, city=city, postcode=postcode)
    order = read_event(OrderSubmitted, order_body(warehouse="auto", consignee=where), "demo", NOW)
    assert isinstance(order, OrderSubmitted)
    judged = accept(order, WAREHOUSES)
    assert isinstance(judged, Acceptance)
    assert judged.warehouse.code == house


def test_numbers_and_times_written_differently_are_the_same_content() -> None:
    def shape(value: str, moment: str) -> bytes:
        stated = order_body(parcels=[parcel(weight={"value": value, "unit": "lb"})], options={"ship_by": moment})
        order = read_event(OrderSubmitted, json.loads(json.dumps(stated)), "demo", NOW)
        assert isinstance(order, OrderSubmitted)
        judged = accept(order, WAREHOUSES)
        assert isinstance(judged, Acceptance)
        return judged.fingerprint

    first = shape("1.5", "2026-11-22T10:00:00Z")
    assert shape("1.50", "2026-11-22T18:00:00+08:00") == first
    assert shape("1.51", "2026-11-22T10:00:00Z") != first
    assert shape("1.5", "2026-11-22T10:00:01Z") != first
