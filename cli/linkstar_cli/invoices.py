"""`linkstar invoices`: carriers' invoices matched with what was bought, line by line."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from linkstar_cli.access import Access
from linkstar_cli.running import RunningService
from linkstar_cli.screen import coded_errors, err, out, print_json
from linkstar_cli.wallet import decimal, in_minor_units, key_or_new
from linkstar_sandbox.listing import Listing

app = typer.Typer(no_args_is_help=True, help=__doc__)
Carrier = Annotated[str, typer.Argument(help="carrier code, such as ups")]
Number = Annotated[str, typer.Argument(help="the invoice's number")]
Line = Annotated[int, typer.Argument(help="line of the invoice")]
Key = Annotated[str | None, typer.Option(help="Idempotency-Key; default: a new one")]
Json = Annotated[bool, typer.Option("--json", help="print JSON, for programs")]
AMOUNTS = ("expected_minor", "billed_minor", "variance_minor")


@app.callback()
def invoices() -> None:
    """Carriers' invoices: import, look, settle, dispute."""


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV, see docs/money.md")],
    carrier: Annotated[str, typer.Option(help="whose invoice it is, such as ups")],
    layout: Annotated[str, typer.Option(help="linkstar, or ups-billing-data")] = "linkstar",
) -> None:
    """Import a file as a whole; a bad row is told with its remedy and keeps all of it out. Again, it changes nothing."""
    body = file.read_bytes()
    key = sha256(f"{carrier} {layout}\n".encode() + body).hexdigest()
    with coded_errors():
        done = _labeler().send(
            "POST", "invoices", f"invoice-{key}", content=body, headers={"Content-Type": "text/csv"},
            params={"carrier": carrier, "layout": layout}, tell=_tell_faults,
        )  # fmt: skip
        out.print(_sums(done["invoices"]))


@app.command("list")
def list_invoices(as_json: Json = False) -> None:
    """Show the invoices with what was expected, billed, and waits for somebody."""
    with coded_errors():
        found: list[dict[str, Any]] = []
        after: str | None = ""
        while after is not None:
            page = _labeler().get("invoices", after=after)
            found, after = [*found, *page["invoices"]], page.get("next")
    if as_json:
        print_json(found)
    else:
        out.print(_sums(found))


@app.command()
def show(
    carrier: Carrier,
    number: Number,
    kind: Annotated[str | None, typer.Option(help="only lines of this kind, such as price_differs")] = None,
    as_json: Json = False,
) -> None:
    """Show one invoice: expected beside billed by charge code, then the lines that are not simply matched."""
    with coded_errors():
        query = {"kind": kind} if kind else {}
        page = found = _labeler().get(f"invoices/{carrier}/{number}", **query)
        while "next" in page:
            page = _labeler().get(f"invoices/{carrier}/{number}", after=page["next"], **query)
            found["lines"] += page["lines"]
    found.pop("next", None)
    if as_json:
        print_json(found)
        return
    codes = Listing("charge", "kind", "lines", "expected", "billed", "variance", right=_RIGHT)
    for each in found["codes"]:
        codes.add_row(each["charge_code"], each["kind"], str(each["lines"]), *_amounts(each))
    out.print(codes)
    out.print(_lines([each for each in found["lines"] if kind or each["kind"] != "matched"]))
    invented = " (invented terms)" if found["terms"]["synthetic"] else ""
    out.print(f"Disputes are possible until {found['terms']['dispute_until']}{invented}.", highlight=False)


@app.command()
def accept(carrier: Carrier, number: Number, line: Line, key: Key = None) -> None:
    """Take a line in review as it was billed."""
    _step(carrier, number, line, "accept", key)


@app.command()
def dispute(
    carrier: Carrier,
    number: Number,
    line: Line,
    reason: Annotated[str, typer.Option(help="what is wrong with it")],
    key: Key = None,
) -> None:
    """Contest a line in review, within the carrier's window."""
    _step(carrier, number, line, "dispute", key, reason=reason)


@app.command()
def answer(
    carrier: Carrier,
    number: Number,
    line: Line,
    outcome: Annotated[str, typer.Option(help="won or lost")],
    key: Key = None,
) -> None:
    """Note what the carrier decided about a dispute."""
    _step(carrier, number, line, "answer", key, outcome=outcome)


@app.command()
def disputes(state: Annotated[str | None, typer.Option(help="open, won, lost or expired")] = None) -> None:
    """Show disputes, those whose answer is due first."""
    with coded_errors():
        found = _labeler().get("invoices/disputes", **({"state": state} if state else {}))["disputes"]
        table = Listing("carrier", "invoice", "line", "kind", "contested", "state", "answer due", "reason",
                        prose={"reason"}, right={"line", "contested"})  # fmt: skip
        for each in found:
            table.add_row(
                each["carrier"], each["invoice_number"], str(each["line"]), each["kind"],
                decimal(each["contested_minor"], each["currency"]), each["state"], each["answer_due_on"], each["reason"],
            )  # fmt: skip
        out.print(table)


@app.command()
def policy(
    currency: Annotated[str, typer.Argument(help="ISO 4217 code, such as USD")],
    auto: Annotated[str, typer.Option(help="excess of a line that the wallet pays without review, such as 0.50")],
) -> None:
    """Set up to which excess a line is paid at once; what is billed less always comes back."""
    with coded_errors():
        body = {"auto_up_to_minor": in_minor_units(auto, currency)}
        done = _labeler().send("PUT", f"invoices/policy/{currency}", json=body)
        out.print(f"{currency}: up to {decimal(done['auto_up_to_minor'], currency)} per line", highlight=False)


_RIGHT = {"line", "lines", "expected", "billed", "variance", "in review", "disputed"}


def _step(carrier: str, number: str, line: int, what: str, key: str | None, **body: str) -> None:
    with coded_errors():
        path = f"invoices/{carrier}/{number}/lines/{line}/{what}"
        done = _labeler().send("POST", path, key_or_new(key), **({"json": body} if body else {}))
        variance = decimal(done["variance_minor"], done["currency"])
        out.print(f"{carrier} {number} line {line}: {done['kind']}, {variance}, {done['state']}", highlight=False)


def _sums(found: list[dict[str, Any]]) -> Listing:
    table = Listing("carrier", "invoice", "date", "currency", "lines", "expected", "billed", "variance", "in review",
                    "disputed", right=_RIGHT)  # fmt: skip
    for each in found:
        table.add_row(
            each["carrier"], each["invoice_number"], str(each["invoice_date"]), each["currency"], str(each["lines"]),
            *_amounts(each), str(each["in_review"]), str(each["disputed"]),
        )  # fmt: skip
    return table


def _lines(found: list[dict[str, Any]]) -> Listing:
    table = Listing("line", "tracking number", "shipment", "charge", "kind", "expected", "billed", "variance", "state",
                    right=_RIGHT)  # fmt: skip
    for each in found:
        table.add_row(
            str(each["line"]), each["tracking_number"], each["shipment_id"] or "-", each["charge_code"], each["kind"],
            *_amounts(each), each["state"],
        )  # fmt: skip
    return table


def _amounts(sums: dict[str, Any]) -> list[str]:
    return [decimal(sums[name], sums["currency"]) for name in AMOUNTS]


def _tell_faults(problem: dict[str, Any]) -> None:
    faults = problem.get("errors", ())
    if faults:
        table = Listing(
            "row and column", "code", "what is wrong", "how to fix it", prose={"what is wrong", "how to fix it"}
        )
        for fault in faults:
            table.add_row(fault["field"], fault["code"], fault["detail"], fault["fix"])
        err.print(table)


def _labeler() -> RunningService:
    return RunningService(Access.find(), "labeler")
