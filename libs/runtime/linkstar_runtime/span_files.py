"""Writes finished spans as JSON lines, so that an order's trace can be read without a tracing backend."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import format_span_id, format_trace_id

__all__ = ["SpanFile", "span_line"]


class SpanFile(SpanExporter):
    """Appends to `path`; when that is a directory (no suffix), to a file of this process in it."""

    def __init__(self, path: Path, process: str) -> None:
        target = path if path.suffix else path / f"{process}.jsonl"
        target.parent.mkdir(parents=True, exist_ok=True)
        self._handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write all lines in one append, so that processes may share a file."""
        lines = "".join(json.dumps(span_line(span), separators=(",", ":")) + "\n" for span in spans)
        os.write(self._handle, lines.encode())
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        os.close(self._handle)


def span_line(span: ReadableSpan) -> dict[str, Any]:
    """Return a span as plain JSON values."""
    context = span.get_span_context()
    return {
        "trace_id": format_trace_id(context.trace_id) if context else None,
        "span_id": format_span_id(context.span_id) if context else None,
        "parent_id": format_span_id(span.parent.span_id) if span.parent else None,
        "name": span.name,
        "kind": span.kind.name,
        "start_ns": span.start_time,
        "end_ns": span.end_time,
        "status": span.status.status_code.name,
        "attributes": dict(span.attributes or {}),
        "links": [
            {"trace_id": format_trace_id(link.context.trace_id), "span_id": format_span_id(link.context.span_id)}
            for link in span.links
        ],
        "resource": {name: span.resource.attributes.get(name) for name in ("service.name", "service.instance.id")},
    }
