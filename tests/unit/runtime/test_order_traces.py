"""The span tree of one order over three hops, and what follows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from linkstar_contracts import events as e
from linkstar_contracts.event import Event
from linkstar_runtime.handling import Received, Reject
from linkstar_runtime.ids import SeededIds
from linkstar_runtime.settings import TelemetrySettings
from linkstar_runtime.spans import FOLLOW_UPS, TOPIC_OF
from linkstar_runtime.telemetry import Telemetry
from linkstar_runtime.traceparent import context_of

NOW = datetime(2026, 5, 1, tzinfo=UTC)
CANARY = "Kanarienvogel"


def _event(kind: type[Event], order: str = "shopify-1", **more: object) -> Event:
    ids = {"shipment_id": order, "exception_id": f"track.silent.{order}", "return_id": f"{order}~R1"}
    return kind.model_construct(tenant="demo", order_id=order, version=1, occurred_at=NOW, **ids, **more)


def _received(event: Event, traceparent: str | None, offset: int = 7) -> Received[Event]:
    return Received(event, event.key, 4, TOPIC_OF[type(event)], offset, traceparent)


class Trail:
    """Finished spans, to be asked for by name."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()

    def telemetry(self, service: str, ratio: float = 1.0) -> Telemetry:
        return Telemetry(service, [SimpleSpanProcessor(self.exporter)], ratio, SeededIds(len(service)))

    def hop(self, service: str, event: Event, traceparent: str | None, made: type[Event]) -> str | None:
        with self.telemetry(service).batch(service, [_received(event, traceparent)]) as trace:
            return trace.traceparent_for(_event(made))

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    def record(self, name: str) -> ReadableSpan:
        (span,) = [span for span in self.named(name) if "messaging.kafka.message.key" in (span.attributes or {})]
        return span

    def batch(self, name: str) -> ReadableSpan:
        (span,) = [span for span in self.named(name) if "messaging.batch.message_count" in (span.attributes or {})]
        return span


@pytest.fixture
def trail() -> Iterator[Trail]:
    trail = Trail()
    yield trail
    assert CANARY not in "".join(span.to_json() for span in trail.exporter.get_finished_spans())


def _id(span: ReadableSpan) -> tuple[int, int]:
    context = span.get_span_context()
    assert context is not None
    return context.trace_id, context.span_id


def _links(span: ReadableSpan) -> set[tuple[int, int]]:
    return {(link.context.trace_id, link.context.span_id) for link in span.links}


def test_order_route_and_label_are_one_trace(trail: Trail) -> None:
    at_door = trail.telemetry("ingest").start_order_trace(_event(e.OrderSubmitted))
    received = trail.hop("ingest", _event(e.OrderSubmitted, channel=CANARY), at_door, e.OrderReceived)
    chosen = trail.hop("router", _event(e.OrderReceived), received, e.RouteChosen)
    trail.hop("labeler", _event(e.RouteChosen), chosen, e.LabelCreated)

    door = trail.record("create orders-inbound")
    hops = [trail.record(f"process {topic}") for topic in ("orders-inbound", "orders-received", "routes-chosen")]
    assert door.parent is None
    for parent, child in zip([door, *hops], hops, strict=False):
        assert child.parent is not None
        assert (child.parent.trace_id, child.parent.span_id) == _id(parent)
    assert {_id(span)[0] for span in hops} == {_id(door)[0]}
    for span, service in zip(hops, ("ingest", "router", "labeler"), strict=True):
        batch = trail.batch(span.name)
        assert batch.parent is None
        assert _id(batch) in _links(span)
        assert span.parent is not None
        assert _links(batch) == {(span.parent.trace_id, span.parent.span_id)}
        assert (span.kind, batch.kind) == (SpanKind.CONSUMER, SpanKind.CONSUMER)
        assert span.resource.attributes["service.name"] == service


def test_attributes_follow_the_conventions(trail: Trail) -> None:
    trail.hop("router", _event(e.OrderReceived), f"00-{'ab' * 16}-{'cd' * 8}-01", e.RouteChosen)
    assert dict(trail.record("process orders-received").attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "orders-received",
        "messaging.consumer.group.name": "router",
        "messaging.destination.partition.id": "4",
        "messaging.kafka.offset": 7,
        "messaging.kafka.message.key": "demo/shopify-1",
        "messaging.message.id": _event(e.OrderReceived).ce_id,
    }


@pytest.mark.parametrize("later", [e.TrackingUpdated, e.ExceptionRaised, e.ReturnUpdated, e.ShipmentUpdated])
def test_what_comes_days_later_is_linked(trail: Trail, later: type[Event]) -> None:
    label = f"00-{'ab' * 16}-{'cd' * 8}-01"
    assert later in FOLLOW_UPS
    traceparent = trail.hop("tracker", _event(e.LabelCreated), label, later)
    created = trail.record(f"create {TOPIC_OF[later]}")
    assert created.parent is None
    assert _id(trail.record("process labels")) in _links(created)
    context = context_of(traceparent)
    assert context is not None
    assert (context.trace_id, context.span_id) == _id(created)


def test_follow_ups_of_follow_ups_stay_in_their_trace(trail: Trail) -> None:
    scans = f"00-{'ef' * 16}-{'cd' * 8}-01"
    traceparent = context_of(trail.hop("tracker", _event(e.TrackingUpdated), scans, e.ReturnUpdated))
    assert traceparent is not None
    assert traceparent.trace_id == int("ef" * 16, 16)


def test_events_of_timers_link_to_their_causes(trail: Trail) -> None:
    label = f"00-{'ab' * 16}-{'cd' * 8}-01"
    trail.telemetry("tracker").linked_traceparent(_event(e.TrackingUpdated), [label, None])
    created = trail.record("create tracking-updated")
    assert created.parent is None
    assert _links(created) == {(int("ab" * 16, 16), int("cd" * 8, 16))}


def test_events_follow_the_record_their_own_handler_was_given(trail: Trail) -> None:
    """One poll may bring records of one order from several topics, each with a trace of its own."""
    order, label = (f"00-{trace * 16}-{'cd' * 8}-01" for trace in ("ab", "ef"))
    batch = [_received(_event(e.OrderReceived), order), _received(_event(e.LabelCreated), label)]
    with trail.telemetry("router").batch("router", batch) as trace:
        for item, origin in zip(batch, (order, label), strict=True):
            trace.attend([item])
            made, wanted = context_of(trace.traceparent_for(_event(e.RouteChosen))), context_of(origin)
            assert made is not None
            assert wanted is not None
            assert made.trace_id == wanted.trace_id
        trace.rejected(Reject(batch[0], "route.bad_order", "of two records with one key"))
    assert trail.record("process orders-received").status.status_code is StatusCode.ERROR
    assert trail.record("process labels").status.status_code is StatusCode.UNSET


def test_unsampled_records_make_no_span(trail: Trail) -> None:
    for traceparent in (None, "garbage", f"00-{'ab' * 16}-{'cd' * 8}-00", f"00-{'0' * 32}-{'cd' * 8}-01"):
        assert trail.hop("router", _event(e.OrderReceived), traceparent, e.RouteChosen) is None
    assert trail.telemetry("ingest", ratio=0).start_order_trace(_event(e.OrderSubmitted)) is None
    assert trail.exporter.get_finished_spans() == ()


def test_of_upstream_records_without_trace_a_share_is_traced(trail: Trail) -> None:
    batch = [_received(_event(e.OrderSubmitted, f"order-{number}"), None) for number in range(1_000)]
    with trail.telemetry("ingest", ratio=0.1).batch("ingest", batch) as trace:
        made = [trace.traceparent_for(_event(e.OrderReceived, f"order-{number}")) for number in range(1_000)]
    assert 50 < sum(each is not None for each in made) < 200
    assert len(trail.exporter.get_finished_spans()) == sum(each is not None for each in made) + 1


def test_records_from_upstream_without_trace_start_one(trail: Trail) -> None:
    assert trail.hop("ingest", _event(e.OrderSubmitted), None, e.OrderReceived)
    assert trail.record("process orders-inbound").parent is None


def test_rejects_are_recorded_even_unsampled(trail: Trail) -> None:
    received = _received(_event(e.OrderReceived), None)
    with trail.telemetry("router").batch("router", [received]) as trace:
        trace.rejected(Reject(received, "route.bad_order", CANARY))
    span = trail.record("process orders-received")
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "route.bad_order"


def test_an_unexpected_error_fails_every_span_and_passes_on(trail: Trail) -> None:
    received = _received(_event(e.OrderReceived), f"00-{'ab' * 16}-{'cd' * 8}-01")
    with pytest.raises(KeyError), trail.telemetry("router").batch("router", [received]):
        raise KeyError(CANARY)
    spans = trail.exporter.get_finished_spans()
    assert [(span.attributes or {})["error.type"] for span in spans] == ["KeyError", "KeyError"]


def test_sending_links_to_what_made_the_records(trail: Trail) -> None:
    telemetry = trail.telemetry("router")
    with telemetry.sending("routes-chosen", [None, f"00-{'ab' * 16}-{'cd' * 8}-01"]):
        pass
    with telemetry.sending("labels", [None]):
        pass
    (span,) = trail.exporter.get_finished_spans()
    assert (span.name, span.kind) == ("send routes-chosen", SpanKind.CLIENT)
    assert _links(span) == {(int("ab" * 16, 16), int("cd" * 8, 16))}


def test_span_file_has_one_json_line_per_span(tmp_path: Path) -> None:
    telemetry = Telemetry.from_settings(TelemetrySettings(sample_ratio=1, spans_file=tmp_path), "router", SeededIds(1))
    with telemetry.batch("router", [_received(_event(e.OrderReceived), f"00-{'ab' * 16}-{'cd' * 8}-01")]):
        pass
    telemetry.shutdown()
    (file,) = tmp_path.iterdir()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) == 2
    child = next(line for line in lines if line["parent_id"])
    assert (child["trace_id"], child["parent_id"], child["name"]) == ("ab" * 16, "cd" * 8, "process orders-received")
    assert child["start_ns"] <= child["end_ns"]
    assert child["links"]
    assert child["resource"]["service.name"] == "router"


def test_spans_reach_an_otlp_collector() -> None:
    posted: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            posted.append((self.path, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        endpoint = f"http://127.0.0.1:{server.server_port}/v1/traces"
        telemetry = Telemetry.from_settings(TelemetrySettings(sample_ratio=1, otlp_endpoint=endpoint), "router")
        telemetry.start_order_trace(_event(e.OrderSubmitted))
        telemetry.shutdown()
        server.shutdown()
        thread.join()
    ((path, body),) = posted
    assert path == "/v1/traces"
    assert b"create orders-inbound" in body
    assert b"demo/shopify-1" in body


def test_a_burst_of_full_batches_loses_no_span(tmp_path: Path) -> None:
    telemetry = Telemetry.from_settings(TelemetrySettings(sample_ratio=1, spans_file=tmp_path), "router", SeededIds(1))
    for number in range(10):
        burst = [_received(_event(e.OrderSubmitted, f"o-{number}-{n}"), None) for n in range(500)]
        with telemetry.batch("ingest", burst):
            pass
    telemetry.shutdown()
    (file,) = tmp_path.iterdir()
    assert len(file.read_text().splitlines()) == 10 * 501


def test_telemetry_switched_off_makes_nothing() -> None:
    telemetry = Telemetry.from_settings(TelemetrySettings(), "router")
    assert telemetry.start_order_trace(_event(e.OrderSubmitted)) is None
    with telemetry.batch("router", [_received(_event(e.OrderSubmitted), None)]) as trace:
        assert trace.traceparent_for(_event(e.OrderReceived)) is None
