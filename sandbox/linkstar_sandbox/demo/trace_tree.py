"""One order's trace as a tree across all services: spans by parent, later traces under the span they link to."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.tree import Tree

__all__ = ["Span", "order_spans", "read_spans", "trace_tree"]

KEY = "messaging.kafka.message.key"


@dataclass(frozen=True)
class Span:
    """One span of one process."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    service: str
    start_ns: int
    end_ns: int
    key: str
    links: tuple[str, ...]

    @property
    def milliseconds(self) -> float:
        """How long it took."""
        return (self.end_ns - self.start_ns) / 1e6


def read_spans(directory: Path) -> list[Span]:
    """Return the finished spans of all processes, oldest first; a line still being written is left out."""
    spans = []
    for file in sorted(directory.glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            try:
                spans.append(_span(json.loads(line)))
            except ValueError:
                continue
    return sorted(spans, key=lambda span: span.start_ns)


def _span(line: dict[str, Any]) -> Span:
    return Span(
        trace_id=line["trace_id"], span_id=line["span_id"], parent_id=line["parent_id"], name=line["name"],
        service=line["resource"]["service.name"], start_ns=line["start_ns"], end_ns=line["end_ns"],
        key=line["attributes"].get(KEY, ""), links=tuple(link["span_id"] for link in line["links"]),
    )  # fmt: skip


def order_spans(spans: Iterable[Span], tenant: str, order_id: str) -> list[Span]:
    """Return the spans that speak of one order."""
    return [span for span in spans if span.key == f"{tenant}/{order_id}"]


def trace_tree(spans: Sequence[Span], title: str) -> Tree:
    """Return the spans as a tree; `↪` marks what began a trace of its own and links here."""
    known = {span.span_id for span in spans}
    children: dict[str | None, list[Span]] = defaultdict(list)
    for span in spans:
        children[_above(span, known)].append(span)
    tree = Tree(title)
    if spans:
        _grow(tree, None, children, min(span.start_ns for span in spans))
    return tree


def _above(span: Span, known: set[str]) -> str | None:
    if span.parent_id in known:
        return span.parent_id
    return next((link for link in span.links if link in known and link != span.span_id), None)


def _grow(node: Tree, above: str | None, children: dict[str | None, list[Span]], zero_ns: int) -> None:
    for span in sorted(children[above], key=lambda each: each.start_ns):
        mark = "" if span.parent_id == above else "↪ "
        at = (span.start_ns - zero_ns) / 1e9
        label = f"{mark}{span.service}: {span.name}  [dim]+{at:.3f} s, {span.milliseconds:.1f} ms[/]"
        _grow(node.add(label), span.span_id, children, zero_ns)
