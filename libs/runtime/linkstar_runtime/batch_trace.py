"""The spans of one attempt at one batch, and which trace each outgoing event belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from opentelemetry.trace import Link, Span, SpanContext, SpanKind

from linkstar_contracts.event import Event
from linkstar_runtime.handling import Received, Reject
from linkstar_runtime.spans import (
    FOLLOW_UPS,
    TOPIC_OF,
    create_attributes,
    fail_span,
    record_attributes,
    topic_of,
)
from linkstar_runtime.traceparent import context_of, traceparent_of

__all__ = ["BatchTrace", "Starter"]


class Starter(Protocol):
    """Starts a span under `origin`, or a new trace without one; `always` ignores the sampling ratio."""

    def __call__(
        self, name: str, kind: SpanKind, attributes: dict[str, Any], origin: SpanContext | None, links: list[Link],
        *, always: bool = False,
    ) -> Span: ...  # fmt: skip


class BatchTrace:
    """One span per sampled record of the batch, each the child of what made its record."""

    def __init__(self, start: Starter, group: str, batch: Span | None = None) -> None:
        self._start = start
        self._group = group
        self._links = [Link(batch.get_span_context())] if batch else []
        self._spans: dict[int, Span] = {}
        self._records: dict[str, tuple[Received[Any], Span]] = {}
        self._open: list[Span] = []

    @contextmanager
    def opened(self, origins: Sequence[tuple[Received[Any], SpanContext | None]]) -> Iterator[None]:
        """Start the spans of these records, each under what made it; end all with the block."""
        try:
            for item, origin in origins:
                self._spans[id(item)] = self._process(item, origin, always=True)
            self.attend([item for item, _ in origins])
            yield
        except BaseException as error:
            for span in self._open:
                fail_span(span, type(error).__name__)
            raise
        finally:
            for span in self._open:
                span.end()

    def attend(self, batch: Iterable[Received[Any]]) -> None:
        """From now on events are caused by these records of the batch: those that their handler was given."""
        if self._spans:
            self._records = {item.key: (item, span) for item in batch if (span := self._spans.get(id(item)))}

    def traceparent_for(self, event: Event, causes: Iterable[str | None] = ()) -> str | None:
        """Return the `traceparent` of an outgoing event: the trace of the record with its key, or a new one linked to it.

        Earlier `causes` always make it a new one, linked to them as well. None when the record is not sampled, or no
        record has this key.
        """
        if not self._records:
            return None
        item, span = self._records.get(event.key, (None, None))
        if item is None or span is None or not span.is_recording():
            return None
        earlier = [Link(context) for cause in causes if (context := context_of(cause))]
        if earlier or (type(event) in FOLLOW_UPS and type(item.event) not in FOLLOW_UPS):
            return self._create(event, span, earlier)
        return traceparent_of(span)

    def rejected(self, reject: Reject) -> None:
        """Record a dead letter's span, sampled or not."""
        span = self._spans.get(id(reject.received))
        if span is None or not span.is_recording():
            span = self._process(reject.received, context_of(reject.received.traceparent), always=True)
            self._open.remove(span)
            fail_span(span, reject.code)
            span.end()
        else:
            fail_span(span, reject.code)

    def _process(self, item: Received[Any], origin: SpanContext | None, *, always: bool = False) -> Span:
        name = f"process {topic_of(item)}"
        span = self._start(
            name, SpanKind.CONSUMER, record_attributes(item, self._group), origin, self._links, always=always
        )
        self._open.append(span)
        return span

    def _create(self, event: Event, cause: Span, earlier: list[Link]) -> str | None:
        links = [*self._links, Link(cause.get_span_context()), *earlier]
        name = f"create {TOPIC_OF[type(event)]}"
        span = self._start(name, SpanKind.PRODUCER, create_attributes(event), None, links, always=True)
        self._open.append(span)
        return traceparent_of(span)
