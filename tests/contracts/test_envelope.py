"""The envelope on the wire: raw header bytes, and the CloudEvents project's own reader as referee."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from contracts.golden import GOLDENS, Golden, golden

from linkstar_contracts.event import read_headers
from linkstar_contracts.events import OrderCancelled, RouteChosen

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
EAST = timezone(timedelta(hours=8))


def cancelled() -> OrderCancelled:
    happened = datetime(2026, 11, 22, 17, 15, 2, 5000, EAST)
    return OrderCancelled(tenant="demo", order_id="shopify-1001", version=2, occurred_at=happened)


def test_raw_headers() -> None:
    assert cancelled().headers("/linkstar/ingest", TRACE) == [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"15480865-ba8f-139b-7911-30106f711e67"),
        ("ce_type", b"linkstar.order.cancelled.v1"),
        ("ce_source", b"/linkstar/ingest"),
        ("ce_subject", b"shopify-1001"),
        ("ce_time", b"2026-11-22T09:15:02.005000Z"),
        ("ce_version", b"2"),
        ("ce_tenant", b"demo"),
        ("content-type", b"application/json"),
        ("traceparent", TRACE.encode()),
    ]


def test_an_hour_that_comes_twice_is_two_times() -> None:
    first = datetime(2026, 11, 1, 1, 30, tzinfo=ZoneInfo("America/New_York"))
    twice = [cancelled().model_copy(update={"occurred_at": first.replace(fold=fold)}) for fold in (0, 1)]
    written = [dict(event.headers("/linkstar/ingest"))["ce_time"] for event in twice]
    assert written == [b"2026-11-01T05:30:00Z", b"2026-11-01T06:30:00Z"]


def test_body_is_compact_and_says_nothing_about_the_absent() -> None:
    assert cancelled().body() == (
        b'{"tenant":"demo","order_id":"shopify-1001","version":2,"occurred_at":"2026-11-22T17:15:02.005000+08:00","reason":""}'
    )
    assert b"null" not in golden(RouteChosen, "minimal").event().body()


def test_no_trace_no_header() -> None:
    assert "traceparent" not in dict(cancelled().headers("/linkstar/ingest"))


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)
def test_the_referee_reads_the_same_event(golden: Golden) -> None:
    event = golden.event()
    headers = dict(event.headers(golden.headers["ce_source"], TRACE))
    seen = from_binary(KafkaMessage(headers, event.key.encode(), event.body()), JSONFormat(), CloudEvent)
    assert seen.get_id() == event.ce_id
    assert seen.get_type() == event.TYPE
    assert seen.get_source() == golden.headers["ce_source"]
    assert seen.get_subject() == event.aggregate_id
    assert seen.get_time() == event.occurred_at
    assert seen.get_datacontenttype() == "application/json"
    assert seen.get_extension("tenant") == event.tenant
    assert seen.get_extension("version") == str(event.version)
    assert seen.get_extension("partitionkey") == event.key
    data = seen.get_data()
    assert isinstance(data, dict)
    assert data["order_id"] == event.order_id


def test_head_is_read_back() -> None:
    event = cancelled()
    head = read_headers(event.headers("/linkstar/ingest", TRACE))
    assert head is not None
    assert (head.type, head.id, head.version, head.tenant) == (event.TYPE, event.ce_id, 2, "demo")
    assert (head.subject, head.traceparent) == ("shopify-1001", TRACE)
    assert head.time == event.occurred_at.astimezone(UTC)


@pytest.mark.parametrize(
    "damage",
    [
        {"ce_specversion": b"0.3"}, {"ce_specversion": None}, {"ce_id": b""}, {"ce_id": b"\xff"}, {"ce_type": None},
        {"ce_tenant": b""}, {"ce_version": b"two"},
        {"ce_tenant": b"a\x00"}, {"ce_id": b"1\n2"}, {"ce_type": "linkstar.\u202e".encode()}, {"ce_subject": b"x" * 3000},
        {"ce_version": b"0"}, {"ce_version": b"-1"}, {"ce_version": b"1000000001"},
        {"ce_version": b"9" * 5000}, {"ce_time": b"yesterday"},
        {"traceparent": b"\xff\xfe"},
    ],
    ids=str,
)  # fmt: skip
def test_damaged_headers_are_no_envelope(damage: dict[str, bytes | None]) -> None:
    assert read_headers({**dict(cancelled().headers("/linkstar/ingest", TRACE)), **damage}) is None


@pytest.mark.parametrize("odd", ["---", "00-" + "a" * 400 + "-b-01", TRACE.upper(), TRACE + "-more", "zz" + TRACE[2:]])
def test_a_malformed_traceparent_belongs_to_no_trace_and_spoils_nothing(odd: str) -> None:
    head = read_headers(cancelled().headers("/linkstar/ingest", odd))
    assert head is not None
    assert head.traceparent is None


def test_values_that_are_null_or_doubled_do_not_raise() -> None:
    headers = cancelled().headers("/linkstar/ingest")
    assert read_headers([*headers, ("x-foreign", None), ("ce_version", b"2")]) is not None
    assert read_headers([]) is None
