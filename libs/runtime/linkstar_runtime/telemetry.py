"""Traces of orders through the stages.

Order, route and label are one trace: each record's span is the child of the span that made the record, and links to its
batch. What comes hours later (tracking, exceptions, returns, settlements) starts a trace of its own with a link. Unsampled
records cost nothing. Spans carry keys and codes, never personal data.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, set_span_in_context, use_span

from linkstar_contracts.event import Event
from linkstar_runtime.batch_trace import BatchTrace
from linkstar_runtime.handling import Received
from linkstar_runtime.ids import Ids
from linkstar_runtime.settings import TelemetrySettings
from linkstar_runtime.span_files import SpanFile
from linkstar_runtime.spans import DOORS, TOPIC_OF, batch_attributes, create_attributes, fail_span
from linkstar_runtime.traceparent import context_of, traceparent_of

__all__ = ["Telemetry"]

MAX_LINKS = 128
_NO_PARENT = Context()


class Telemetry:
    """Makes the spans of one process. Without a place to send them to, it makes none."""

    def __init__(
        self, service: str, processors: Sequence[SpanProcessor], ratio: float = 1.0, ids: Ids | None = None
    ) -> None:
        resource = Resource.create({"service.name": service, "service.instance.id": f"{service}-{os.getpid()}"})
        self._ids, self._ratio = ids or Ids(), ratio
        draw = _SpanIds(self._ids)
        self._enabled = bool(processors)
        self._providers = [
            _provider(resource, draw, sampler, processors)
            for sampler in (ParentBased(TraceIdRatioBased(ratio)), ALWAYS_ON)
        ]
        self._sampled, self._always = (provider.get_tracer("linkstar") for provider in self._providers)

    @classmethod
    def from_settings(cls, settings: TelemetrySettings, service: str, ids: Ids | None = None) -> Telemetry:
        """Return the telemetry the settings describe: spans to files, to an OTLP collector, to both or nowhere."""
        processors: list[SpanProcessor] = []
        if settings.spans_file:
            file = SpanFile(settings.spans_file, f"{service}-{os.getpid()}")
            processors.append(_in_background(file))
        if settings.otlp_endpoint:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            processors.append(_in_background(OTLPSpanExporter(settings.otlp_endpoint)))
        return cls(service, processors, settings.sample_ratio, ids)

    def shutdown(self) -> None:
        """Send what is left."""
        self._providers[0].shutdown()

    @contextmanager
    def batch(self, group: str, received: Sequence[Received[Any]]) -> Iterator[BatchTrace]:
        """Spans of one attempt at one batch: one for the batch, one per sampled record, closed with the block."""
        traced = list(self._traced(received)) if self._enabled else []
        if not traced:
            yield BatchTrace(self._start, group)
            return
        with self._batch_span(group, received, [Link(origin) for _, origin in traced if origin]) as span:
            trace = BatchTrace(self._start, group, span)
            with trace.opened(traced):
                yield trace

    def _traced(self, received: Iterable[Received[Any]]) -> Iterator[tuple[Received[Any], SpanContext | None]]:
        """Yield the sampled records with what made them. Of those from a door that have no trace, draw a share."""
        for item in received:
            if item.traceparent is not None:
                if origin := context_of(item.traceparent):
                    yield item, origin
            elif type(item.event) in DOORS and self._ids.fraction() < self._ratio:
                yield item, None

    @contextmanager
    def sending(self, topic: str, traceparents: Iterable[str | None]) -> Iterator[None]:
        """Span of one emission (`send <topic>`), linked to what made its records; none when nothing is sampled."""
        contexts = [context_of(text) for text in traceparents if text] if self._enabled else []
        links = [Link(context) for context in contexts if context]
        if not links:
            yield
            return
        attributes = batch_attributes("send", topic, len(links))
        span = self._always.start_span(f"send {topic}", _NO_PARENT, SpanKind.CLIENT, attributes, links[:MAX_LINKS])
        with _ended(span):
            yield

    def start_order_trace(self, event: Event | None = None, upstream: str | None = None) -> str | None:
        """Start an order's trace at a door, under the caller's `upstream` if given; return its `traceparent`."""
        return self._create(event, context_of(upstream), [])

    def linked_traceparent(self, event: Event | None = None, causes: Iterable[str | None] = ()) -> str | None:
        """Start the trace of an event that no record caused (timers, workers), linked to its earlier `causes`."""
        return self._create(event, None, [Link(context) for text in causes if (context := context_of(text))])

    def _create(self, event: Event | None, origin: SpanContext | None, links: list[Link]) -> str | None:
        if not self._enabled:
            return None
        name = f"create {TOPIC_OF.get(type(event), 'event') if event else 'event'}"
        span = self._start(name, SpanKind.PRODUCER, create_attributes(event) if event else {}, origin, links)
        span.end()
        return traceparent_of(span)

    @contextmanager
    def _batch_span(self, group: str, received: Sequence[Received[Any]], links: Sequence[Link]) -> Iterator[Span]:
        topics = {item.topic for item in received}
        name = topics.pop() if len(topics) == 1 else ""
        attributes = batch_attributes("process", name, len(received), group)
        span = self._always.start_span(
            f"process {name or group}", _NO_PARENT, SpanKind.CONSUMER, attributes, links[:MAX_LINKS]
        )
        with use_span(span, record_exception=False, set_status_on_exception=False), _ended(span):
            yield span

    def _start(self, name: str, kind: SpanKind, attributes: dict[str, Any], origin: SpanContext | None, links: list[Link],
              *, always: bool = False) -> Span:  # fmt: skip
        parent = set_span_in_context(NonRecordingSpan(origin), _NO_PARENT) if origin else _NO_PARENT
        tracer = self._always if always else self._sampled
        return tracer.start_span(name, parent, kind, attributes, links)


@contextmanager
def _ended(span: Span) -> Iterator[None]:
    """End the span with the block, failed if the block fails."""
    try:
        yield
    except BaseException as error:
        fail_span(span, type(error).__name__)
        raise
    finally:
        span.end()


def _in_background(exporter: SpanExporter) -> SpanProcessor:
    """A thread that exports; its queue holds several full batches at 100 % sampling, so that no trace gets holes."""
    return BatchSpanProcessor(exporter, max_queue_size=65_536, schedule_delay_millis=500, max_export_batch_size=2_048)


def _provider(resource: Resource, ids: IdGenerator, sampler: Sampler, to: Sequence[SpanProcessor]) -> TracerProvider:
    provider = TracerProvider(sampler, resource, shutdown_on_exit=False, id_generator=ids)
    for processor in to:
        provider.add_span_processor(processor)
    return provider


class _SpanIds(IdGenerator):
    """Trace and span ids from the process's source of chance."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def generate_trace_id(self) -> int:
        return int.from_bytes(self._ids.bytes(16)) or 1

    def generate_span_id(self) -> int:
        return int.from_bytes(self._ids.bytes(8)) or 1
