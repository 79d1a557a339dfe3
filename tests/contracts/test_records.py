"""`parse_record`: a typed event or a coded error, never anything else, and no personal data in what it says."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from contracts.golden import GOLDENS, Golden, golden
from hypothesis import given
from hypothesis import strategies as st

from linkstar_contracts import RecordError, parse_record
from linkstar_contracts.event import MAX_EVENT_BYTES
from linkstar_contracts.events import (
    CarrierScan,
    OrderReceived,
    OrderSubmitted,
    RouteChosen,
    TrackingStatus,
    TrackingUpdated,
)
from linkstar_contracts.record import MAX_DOOR_BYTES, parse_body
from linkstar_contracts.topics import LABELS, ORDERS_INBOUND, ORDERS_RECEIVED, TRACKING_UPDATED

SUBMITTED = golden(OrderSubmitted)
RECEIVED = golden(OrderReceived)


def refusal(value: bytes | None, at: Golden = SUBMITTED, **headers: bytes | None) -> RecordError:
    with pytest.raises(RecordError) as caught:
        parse_record({**dict(at.raw_headers), **headers}, value, at.topic)
    assert str(caught.value) == f"{caught.value.code}: {caught.value.detail}"
    return caught.value


def changed(at: Golden, **fields: Any) -> bytes:
    return json.dumps({**at.body, **fields}).encode()


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "record.empty"),
        (b"", "record.empty"),
        (b"\x00", "record.not_json"),
        (b"\xff\xfe{\x00}\x00", "record.not_json"),
        (b"\xef\xbb\xbf" + SUBMITTED.value, "record.not_json"),
        (SUBMITTED.value[:-1], "record.not_json"),
        (SUBMITTED.value + b"{}", "record.not_json"),
        ("张三".encode("gb18030"), "record.not_json"),
        (b"[" * 100_000, "record.too_large"),
        (b"[" * 90_000, "record.not_json"),
        (b'{"a":' * 201 + b"1" + b"}" * 201, "record.not_json"),
        (b"null", "record.invalid_field"),
        (b"[]", "record.invalid_field"),
        (b"1e400", "record.invalid_field"),
        (b"{}", "record.invalid_field"),
        (b'{"tenant":"\\ud800"}', "record.not_json"),
        (SUBMITTED.value[:-1] + b',"tenant":"nordlicht-gmbh"}', "record.duplicate_key"),
        (SUBMITTED.value.replace(b'"name"', b'"name": "x", "name"', 1), "record.duplicate_key"),
        (b" " * (MAX_DOOR_BYTES - len(SUBMITTED.value) + 1) + SUBMITTED.value, "record.too_large"),
    ],
    ids=range(19),
)
def test_hostile_bytes(value: bytes | None, code: str) -> None:
    assert refusal(value).code == code


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", "1"), ("version", True), ("version", 1.0), ("version", 2**63), ("version", 0), ("version", 10**4299),
        ("occurred_at", "2026-11-22T09:15:02"), ("occurred_at", 1_700_000_000), ("occurred_at", "1700000000"),
        ("occurred_at", "0001-01-01T00:00:00Z"), ("occurred_at", "9999-12-31T23:59:59-12:00"), ("occurred_at", "today"),
        ("order_id", "a/b"), ("order_id", "a~R1"), ("order_id", ""), ("order_id", "a" * 65), ("order_id", "a\n"),
        ("order_id", "１２３"), ("parcels", []), ("parcels", SUBMITTED.body["parcels"] * 11), ("items", {}), ("test", 1),
        ("test", "false"), ("warehouse", None), ("channel", "ama zon"), ("residential", "no"), ("consignee", "Dana"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_field_out_of_contract_is_named(field: str, value: Any) -> None:
    error = refusal(changed(SUBMITTED, **{field: value}))
    assert error.code == "record.invalid_field"
    assert [fault.field.split(".")[0] for fault in error.faults] == [field] * len(error.faults)
    assert field in error.detail


@pytest.mark.parametrize(
    "value",
    ["-1", "0", "NaN", "Infinity", "1e400", '"NaN"', '"1e3"', '"1_0"', '" 1"', '"１"', "0.00001", "1" * 400, "true", "null",
     "[1]", '"Infinity"', "1000001"],
)  # fmt: skip
def test_weights_are_plain_positive_decimals(value: str) -> None:
    body = json.dumps(
        {**SUBMITTED.body, "parcels": [{**SUBMITTED.body["parcels"][0], "weight": {"value": "@", "unit": "kg"}}]}
    )
    error = refusal(body.replace('"@"', value).encode())
    assert error.code == "record.invalid_field"
    assert [fault.field for fault in error.faults] == ["parcels.0.weight.value"]


@pytest.mark.parametrize(
    "path",
    ["", "consignee", "parcels.0", "parcels.0.weight", "parcels.0.contents", "parcels.1.declared_value", "items.0",
     "items.0.unit_price", "options"],
)  # fmt: skip
def test_door_refuses_unknown_fields_at_every_depth(path: str) -> None:
    body = json.loads(SUBMITTED.value)
    place = body
    for step in path.split(".") if path else ():
        place = place[int(step) if step.isdigit() else step]
    place["colour"] = "red"
    error = refusal(json.dumps(body).encode())
    assert error.code == "record.unknown_field"
    assert [fault.field for fault in error.faults] == [f"{path}.colour".removeprefix(".")]


def test_inside_unknown_fields_are_ignored_at_every_depth() -> None:
    body = json.loads(RECEIVED.value)
    body["colour"] = body["parcels"][0]["colour"] = body["options"]["colour"] = "red"
    assert parse_record(RECEIVED.raw_headers, json.dumps(body).encode(), ORDERS_RECEIVED) == RECEIVED.event()


def test_without_a_topic_nothing_is_a_door() -> None:
    assert parse_record(SUBMITTED.raw_headers, changed(SUBMITTED, colour="red")) == SUBMITTED.event()


def test_a_status_of_the_future_is_unknown_and_no_error() -> None:
    at = golden(TrackingUpdated)
    event = parse_record(at.raw_headers, changed(at, status="teleported"), TRACKING_UPDATED)
    assert isinstance(event, TrackingUpdated)
    assert event.status is TrackingStatus.UNKNOWN


def test_what_is_no_event_of_the_topic() -> None:
    assert refusal(SUBMITTED.value, ce_type=b"linkstar.order.sent.v1").code == "record.unknown_type"
    assert refusal(SUBMITTED.value, ce_type=b"\xff").code == "record.no_envelope"
    assert refusal(SUBMITTED.value, ce_tenant=None).code == "record.no_envelope"
    with pytest.raises(RecordError, match="unknown_type"):
        parse_record(RECEIVED.raw_headers, RECEIVED.value, LABELS)


def test_a_topic_may_be_named() -> None:
    assert parse_record(RECEIVED.raw_headers, RECEIVED.value, "orders-received") == RECEIVED.event()
    assert refusal(changed(SUBMITTED, colour="red")).code == "record.unknown_field"
    for name in ("labels", "no-such-topic"):
        with pytest.raises(RecordError, match="unknown_type"):
            parse_record(RECEIVED.raw_headers, RECEIVED.value, name)


@pytest.mark.parametrize("header", ["ce_tenant", "ce_version", "ce_id", "ce_subject"])
def test_headers_and_body_tell_one_story(header: str) -> None:
    error = refusal(RECEIVED.value, RECEIVED, **{header: b"7"})
    assert (error.code, error.detail) == ("record.mismatch", f"{header} and the body disagree")


def test_foreign_publishers_may_number_their_own_records() -> None:
    headers = {**dict(SUBMITTED.raw_headers), "ce_id": b"erp-4711", "ce_subject": None, "ce_time": None}
    assert parse_record(headers, SUBMITTED.value, ORDERS_INBOUND) == SUBMITTED.event()
    assert refusal(SUBMITTED.value, ce_tenant=b"someone-else").code == "record.mismatch"


def test_inner_events_may_be_larger_than_what_a_door_takes() -> None:
    padding = b" " * (MAX_DOOR_BYTES + 1)
    assert parse_record(RECEIVED.raw_headers, RECEIVED.value + padding, ORDERS_RECEIVED)
    assert refusal(RECEIVED.value + b" " * MAX_EVENT_BYTES, RECEIVED).code == "record.too_large"


def test_a_refusal_quotes_no_value() -> None:
    consignee = {**SUBMITTED.body["consignee"], "country": "Kolumbien", "name": "Jörg\ud800", "phone": 49221555}
    error = refusal(changed(SUBMITTED, consignee=consignee, occurred_at="gestern", **{"Jörg\x1b[31m": 1}))
    said = repr(error) + str(error.faults)
    assert not [
        secret for secret in ("Kolumbien", "Jörg", "49221555", "gestern", "\x1b", "Lindenallee") if secret in said
    ]


def test_events_print_without_the_consignee() -> None:
    said = repr(SUBMITTED.event()) + str(SUBMITTED.event())
    assert not [value for value in SUBMITTED.body["consignee"].values() if len(value) > 2 and value in said]


@given(value=st.binary(max_size=300))
def test_any_bytes(value: bytes) -> None:
    with pytest.raises(RecordError):
        parse_record(SUBMITTED.raw_headers, value, ORDERS_INBOUND)


headers = st.lists(
    st.tuples(st.sampled_from([*SUBMITTED.headers, "x"]) | st.text(max_size=9), st.none() | st.binary(max_size=20))
)


@given(headers, st.none() | st.binary(max_size=50))
def test_any_headers(headers: list[tuple[str, bytes | None]], value: bytes | None) -> None:
    with pytest.raises(RecordError):
        parse_record(headers, value)


@given(st.sampled_from(GOLDENS), st.data())
def test_damaged_messages_parse_or_are_refused(at: Golden, data: st.DataObject) -> None:
    value = bytearray(at.value)
    for _ in range(data.draw(st.integers(1, 3))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    with suppress(RecordError):
        parse_record(at.raw_headers, bytes(value), at.topic)


def test_parse_body_gives_the_class_asked_for() -> None:
    scan = parse_body(CarrierScan, golden(CarrierScan).value, strict=True)
    assert scan.retracts is not None
    assert parse_body(RouteChosen, golden(RouteChosen).value).alternatives[0].carrier == "dpd-de"
