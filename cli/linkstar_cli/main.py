"""The `linkstar` command: one door for people. It starts processes and talks HTTP, Kafka and SQL; it imports no service."""

from __future__ import annotations

import typer

from linkstar_cli import (
    actions,
    automation,
    calendars,
    carriers,
    dead_letters,
    decisions,
    evidence,
    history,
    invoices,
    ledger,
    lifecycle,
    manifest,
    orders,
    pickup,
    quality,
    quotes,
    rules,
    scans,
    tariffs,
    topics,
    trace,
    tracking,
    vault,
    wallet,
)

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_show_locals=False)
for command in (
    lifecycle.up, lifecycle.down, lifecycle.status, lifecycle.logs, lifecycle.reset,
    history.order, tracking.track, quality.quality, trace.trace, topics.topics, quotes.quote,
):  # fmt: skip
    app.command()(command)
app.add_typer(decisions.app, name="decisions")
app.add_typer(orders.app, name="orders")
app.add_typer(tariffs.app, name="tariffs")
app.add_typer(dead_letters.app, name="dlq")
app.add_typer(rules.app, name="rules")
app.add_typer(calendars.app, name="calendars")
app.add_typer(carriers.app, name="carriers")
app.add_typer(ledger.app, name="ledger")
app.add_typer(invoices.app, name="invoices")
app.add_typer(wallet.app, name="wallet")
app.add_typer(vault.app, name="vault")
app.add_typer(manifest.app, name="manifest")
app.add_typer(pickup.app, name="pickup")
app.add_typer(tracking.app, name="tracking")
app.add_typer(scans.app, name="scans")
app.add_typer(evidence.app, name="evidence")
app.add_typer(actions.app, name="action")
app.add_typer(automation.app, name="automation")

if __name__ == "__main__":
    app()
