"""What a demo shows at its end: tables, one order's life and trace, one label as files, every refused row, the checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.box import HEAVY_HEAD
from rich.console import Console

from linkstar_sandbox.demo.history import history_table, open_table, order_history, pick_order, status_table
from linkstar_sandbox.demo.seller import Seller
from linkstar_sandbox.listing import Listing, wide_console
from linkstar_sandbox.reader.account import Account
from linkstar_sandbox.reader.evidence import Evidence, Record, Refusal, Shipment
from linkstar_sandbox.traces import Span, trace_tree

__all__ = ["Closing", "refusal_table", "span_line"]


class Closing:
    """Prints and saves the end of a run into `output`."""

    def __init__(self, console: Console, output: Path, evidence: Evidence, account: Account) -> None:
        self._console, self._output = console, output
        self._evidence, self._account = evidence, account

    async def show(self, endpoints: Mapping[str, Any]) -> None:
        """Show everything."""
        self._show_refusals()
        self._show(status_table(self._evidence), "Shipments by carrier and status", "status.txt")
        self._show(open_table(self._evidence), "Orders still open, and why", "open.txt")
        order = pick_order(self._evidence)
        if order:
            events = order_history(self._evidence, order)
            self._show(history_table(events), f"Every event of order {order[1]}", "history.txt")
            tree = trace_tree("/".join(order), Path(endpoints["spans"]), f"order {order[1]}", span_line)
            self._show(tree or "No span speaks of it.", f"Trace of order {order[1]}", "trace.txt")
            await self._save_label(endpoints, order)
        await self._show_replay(endpoints)
        self._show(self._checks(), "The independent reader's checks", "checks.txt")
        for fault in self._account.faults:
            self._console.print(f"FAULT {fault}", style="bold red", markup=False, highlight=False)

    def _show(self, shown: Any, title: str, name: str) -> None:
        self._console.print()
        self._console.print(title, style="bold", highlight=False)
        self._console.print(shown)
        with (self._output / name).open("w", encoding="utf-8") as file:
            wide_console(file=file).print(shown)

    def _show_refusals(self) -> None:
        table = refusal_table(self._evidence)
        self._show(table, "Refused rows and dead letters", "refused.txt")

    async def _save_label(self, endpoints: Mapping[str, Any], order: Shipment) -> None:
        seller = Seller(endpoints["services"], endpoints["keys"]["demo"])
        try:
            for form in ("pdf", "png"):
                target = self._output / f"label-{order[1]}.{form}"
                target.write_bytes(await seller.label(order[1], form))
                self._console.print(f"Saved {target}", markup=False, highlight=False)
        finally:
            await seller.close()

    async def _show_replay(self, endpoints: Mapping[str, Any]) -> None:
        seller = Seller(endpoints["services"], endpoints["keys"]["demo"])
        try:
            results = await seller.replayed_decisions()
        finally:
            await seller.close()
        told = f"{results['same']} of {results.total()} the same to the byte"
        self._show(told, "Every decision taken again from its stored question", "replay.txt")

    def _checks(self) -> Listing:
        table = Listing("check", "examined", "verdict", box=HEAVY_HEAD, prose={"check"})
        for check in self._account.checks:
            table.add_row(check.name, str(check.examined), check.verdict)
        return table

    def save_account(self) -> None:
        """Write counts, checks and faults to `account.json`."""
        checks = [
            {"name": c.name, "kind": c.kind, "examined": c.examined, "verdict": c.verdict, "violations": c.violations}
            for c in self._account.checks
        ]
        text = json.dumps({"counts": self._account.counts, "checks": checks, "faults": self._account.faults}, indent=1)
        (self._output / "account.json").write_text(text, "utf-8")


def refusal_table(evidence: Evidence) -> Listing:
    """Return every refused row, and every dead letter under the name and code `linkstar dlq list` gives it."""
    table = Listing("file or dead letter", "row", "order or key", "code", box=HEAVY_HEAD)
    for refusal in evidence.refusals:
        table.add_row(*_named(refusal))
    for letter in evidence.dead_letters:
        table.add_row(_letter_name(letter), "", letter.key, letter.headers.get("dlq-code", "?"))
    return table


def _letter_name(letter: Record) -> str:
    service = letter.headers.get("dlq-service", "?").partition("@")[0]
    place = (letter.headers.get(f"orig-{part}", "?") for part in ("topic", "partition", "offset"))
    return "/".join((service, *place))


def _named(refusal: Refusal) -> tuple[str, str, str, str]:
    return refusal.door, str(refusal.row), refusal.order_id, refusal.code


def span_line(span: Span, zero: int, linked: bool) -> str:
    """Service, name, seconds after the beginning and how long; `↪` marks what began a trace of its own."""
    at = f"[dim]+{(span.start - zero) / 1e9:.3f} s, {span.milliseconds:.1f} ms[/]"
    return f"{'↪ ' if linked else ''}{span.service}: {span.raw['name']}  {at}"
