"""`linkstar trace ORDER`: the order's way through all services as one tree, later traces hung where they link to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.tree import Tree

from linkstar_cli.access import Access
from linkstar_cli.screen import CommandError, coded_errors, out

KEY = "messaging.kafka.message.key"
PARTITION = "messaging.destination.partition.id"


@dataclass
class Span:
    """One span as the services write it, with those that belong below it."""

    raw: dict[str, Any]
    below: list[Span] = field(default_factory=list)

    @property
    def start(self) -> int:
        return int(self.raw["start_ns"])

    def label(self, zero: int, linked: bool) -> str:
        """Service, name, when after the beginning, how long, where in Kafka."""
        raw = self.raw
        service = raw["resource"]["service.name"]
        took = (raw["end_ns"] - raw["start_ns"]) / 1e6
        parts = [f"[bold]{escape(service)}[/] {escape(raw['name'])}", f"[dim]+{(self.start - zero) / 1e6:.1f} ms[/]"]
        parts.append(f"{took:.2f} ms")
        if (partition := raw["attributes"].get(PARTITION)) is not None:
            parts.append(f"[dim]shard {escape(str(partition))}[/]")
        if raw["status"] == "ERROR":
            parts.append(f"[red]{escape(str(raw['attributes'].get('error.type', 'error')))}[/]")
        return ("[cyan]⇢ linked[/] " if linked else "") + "  ".join(parts)


def trace(
    order_id: Annotated[str, typer.Argument(help="the order id, e.g. shopify-1001")],
    tenant: Annotated[str | None, typer.Option(help="whose order; default: demo or LINKSTAR_TENANT")] = None,
    spans: Annotated[Path | None, typer.Option(help="folder of span files; default: the stack's")] = None,
) -> None:
    """Show one order's trace across all services as a tree."""
    with coded_errors():
        access = Access.find()
        key = f"{tenant or access.tenant}/{order_id}"
        tree = trace_tree(key, spans or access.home.spans)
        if tree is None:
            raise CommandError("no-trace", f"No span speaks of {key}.", "Check id and tenant; orders may be sampled.")
        out.print(tree)


def trace_tree(key: str, folder: Path) -> Tree | None:
    """The tree of all spans of the traces that speak of this key; None if there are none."""
    roots = arrange(collect(key, sorted(folder.glob("*.jsonl"))))
    if not roots:
        return None
    tree = Tree(f"[bold]{escape(key)}[/]")
    for root in roots:
        _hang(tree, root, roots[0].start, root.raw["trace_id"])
    return tree


def collect(key: str, files: Iterable[Path]) -> list[Span]:
    """The spans of every trace in which a span has this key or belongs to a shipment of it."""
    lines = [line for file in files for line in _complete_lines(file)]
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
    """Hangs each span below its parent, or a trace's root below the span it links to; returns what is left on top."""
    ordered = sorted(spans, key=lambda span: span.start)
    by_id = {span.raw["span_id"]: span for span in ordered}
    roots: list[Span] = []
    for span in ordered:
        above = by_id.get(span.raw["parent_id"]) or _linked(span, by_id)
        (above.below if above else roots).append(span)
    return roots


def _linked(span: Span, by_id: dict[str, Span]) -> Span | None:
    """The earliest other trace's span this one links to, so that no ring can form."""
    targets = [by_id[link["span_id"]] for link in span.raw["links"] if link["span_id"] in by_id]
    earlier = [t for t in targets if t.raw["trace_id"] != span.raw["trace_id"] and t.start < span.start]
    return min(earlier, key=lambda target: target.start, default=None)


def _hang(tree: Tree, span: Span, zero: int, trace_id: str) -> None:
    branch = tree.add(span.label(zero, linked=span.raw["trace_id"] != trace_id))
    for below in span.below:
        _hang(branch, below, zero, span.raw["trace_id"])
