"""An order's way through all services as one tree of the spans they write; later traces hang where they link to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.tree import Tree

__all__ = ["Line", "Span", "arrange", "collect", "trace_tree"]

KEY = "messaging.kafka.message.key"


@dataclass(eq=False)
class Span:
    """One span as a service wrote it, with those that belong below it."""

    raw: dict[str, Any]
    below: list[Span] = field(default_factory=list)

    @property
    def start(self) -> int:
        return int(self.raw["start_ns"])

    @property
    def service(self) -> str:
        return str(self.raw["resource"]["service.name"])

    @property
    def milliseconds(self) -> float:
        """How long it took."""
        return float(self.raw["end_ns"] - self.raw["start_ns"]) / 1e6


def collect(key: str, folder: Path) -> list[Span]:
    """The spans of every trace in which a span has this key or belongs to a shipment of it."""
    lines = [line for file in sorted(folder.glob("*.jsonl")) for line in _complete_lines(file)]
    speaking = [span for span in map(json.loads, (ln for ln in lines if key in ln)) if _is_about(span, key)]
    traces = {span["trace_id"] for span in speaking}
    return [Span(raw) for raw in map(json.loads, lines) if raw["trace_id"] in traces]


def _complete_lines(file: Path) -> Iterator[str]:
    """Lines already written to their end."""
    with file.open(encoding="utf-8") as stream:
        yield from (line for line in stream if line.endswith("\n"))


def _is_about(span: dict[str, Any], key: str) -> bool:
    found = str(span["attributes"].get(KEY, ""))
    return found == key or found.startswith(f"{key}~")


def arrange(spans: Iterable[Span]) -> list[Span]:
    """Hang each span below its parent, or a trace's root below the span it links to; return what is left on top.

    No ring can form, whatever the files say: who would hang below itself stays on top.
    """
    ordered = sorted(spans, key=lambda span: span.start)
    by_id = {span.raw["span_id"]: span for span in ordered}
    above: dict[str, Span] = {}
    roots: list[Span] = []
    for span in ordered:
        target = by_id.get(span.raw["parent_id"]) or _linked(span, by_id)
        if target is None or span in _way_up(target, above):
            roots.append(span)
        else:
            above[span.raw["span_id"]] = target
            target.below.append(span)
    return roots


def _way_up(span: Span | None, above: dict[str, Span]) -> Iterator[Span]:
    while span is not None:
        yield span
        span = above.get(span.raw["span_id"])


def _linked(span: Span, by_id: dict[str, Span]) -> Span | None:
    """The earliest other trace's span this one links to."""
    targets = [by_id[link["span_id"]] for link in span.raw["links"] if link["span_id"] in by_id]
    others = [target for target in targets if target.raw["trace_id"] != span.raw["trace_id"]]
    return min(others, key=lambda target: target.start, default=None)


Line = Callable[[Span, int, bool], str]
"""What a tree says of a span, given when the tree begins and whether the span hangs there by a link."""


def trace_tree(key: str, folder: Path, title: str, line: Line) -> Tree | None:
    """The tree of all spans of the traces that speak of this key; None if there are none."""
    roots = arrange(collect(key, folder))
    tree = Tree(title)
    _hang(tree, roots, roots[0].start if roots else 0, None, line)
    return tree if roots else None


def _hang(tree: Tree, spans: Sequence[Span], zero: int, trace: str | None, line: Line) -> None:
    for span in spans:
        own = span.raw["trace_id"]
        _hang(tree.add(line(span, zero, trace not in (None, own))), span.below, zero, own, line)
