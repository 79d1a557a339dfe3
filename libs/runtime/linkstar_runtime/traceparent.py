"""W3C `traceparent` headers, as far as they are sampled."""

from __future__ import annotations

import re

from opentelemetry.trace import Span, SpanContext, TraceFlags

__all__ = ["context_of", "trace_id_of", "traceparent_of"]

_TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")


def context_of(traceparent: str | None) -> SpanContext | None:
    """Return the context a `traceparent` names; None when it is absent, malformed or not sampled."""
    match = _TRACEPARENT.match(traceparent or "")
    if not match or not int(match[3], 16) & TraceFlags.SAMPLED:
        return None
    context = SpanContext(int(match[1], 16), int(match[2], 16), is_remote=True, trace_flags=TraceFlags(1))
    return context if context.is_valid else None


def traceparent_of(span: Span) -> str | None:
    """Return the `traceparent` for what this span makes; None unless it is sampled."""
    context = span.get_span_context()
    if not context.trace_flags.sampled:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-01"


def trace_id_of(traceparent: str | None) -> str | None:
    """Return the trace id in a `traceparent`, whether sampled or not."""
    match = _TRACEPARENT.match(traceparent or "")
    return match[1] if match else None
