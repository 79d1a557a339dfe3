"""`linkstar trace ORDER`: the order's way through all services as one tree, later traces hung where they link to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from linkstar_cli.access import Access
from linkstar_cli.screen import CommandError, coded_errors, out
from linkstar_sandbox.traces import Span, trace_tree

PARTITION = "messaging.destination.partition.id"


def trace(
    order_id: Annotated[str, typer.Argument(help="the order id, e.g. shopify-1001")],
    tenant: Annotated[str | None, typer.Option(help="whose order; default: demo or LINKSTAR_TENANT")] = None,
    spans: Annotated[Path | None, typer.Option(help="folder of span files; default: the stack's")] = None,
) -> None:
    """Show one order's trace across all services as a tree."""
    with coded_errors():
        access = Access.find()
        key = f"{tenant or access.tenant}/{order_id}"
        tree = trace_tree(key, spans or access.home.spans, f"[bold]{escape(key)}[/]", span_line)
        if tree is None:
            raise CommandError("no-trace", f"No span speaks of {key}.", "Check id and tenant; orders may be sampled.")
        out.print(tree)


def span_line(span: Span, zero: int, linked: bool) -> str:
    """Service, name, when after the beginning, how long, where in Kafka."""
    attributes = span.raw["attributes"]
    parts = [
        f"[bold]{escape(span.service)}[/] {escape(span.raw['name'])}",
        f"[dim]+{(span.start - zero) / 1e6:.1f} ms[/]",
        f"{span.milliseconds:.2f} ms",
    ]
    if (partition := attributes.get(PARTITION)) is not None:
        parts.append(f"[dim]shard {escape(str(partition))}[/]")
    if span.raw["status"] == "ERROR":
        parts.append(f"[red]{escape(str(attributes.get('error.type', 'error')))}[/]")
    return ("[cyan]⇢ linked[/] " if linked else "") + "  ".join(parts)
