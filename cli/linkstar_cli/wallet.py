"""`linkstar wallet`: funds, limits, and what volume gives back."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from linkstar_cli.access import Access
from linkstar_cli.running import RunningService
from linkstar_cli.screen import CommandError, coded_errors, out, print_json
from linkstar_contracts.text import CURRENCY_EXPONENTS
from linkstar_contracts.values import Money, parse_money
from linkstar_runtime.ids import Ids
from linkstar_sandbox.listing import Listing

app = typer.Typer(no_args_is_help=True, help=__doc__)
Currency = Annotated[str, typer.Argument(help="ISO 4217 code, such as USD")]
Key = Annotated[str | None, typer.Option(help="Idempotency-Key: the same key does the work once; default: a new one")]
Json = Annotated[bool, typer.Option("--json", help="print JSON, for programs")]


@app.callback()
def wallet() -> None:
    """Funds of the tenant whose API key is in use."""


@app.command()
def show(as_json: Json = False) -> None:
    """Show each wallet: balance, credit limit, what is left, and whether it is low."""
    with coded_errors():
        wallets = _labeler().get("wallet")["wallets"]
        if as_json:
            print_json(wallets)
            return
        table = Listing("currency", "balance", "credit limit", "available", "waiting", "notice below", "low",
                        right={"balance", "credit limit", "available", "waiting", "notice below"})  # fmt: skip
        for each in wallets:
            names = ("balance_minor", "credit_limit_minor", "available_minor", "waiting_minor", "notice_below_minor")
            amounts = [decimal(each[name], each["currency"]) for name in names]
            table.add_row(each["currency"], *amounts, "LOW" if each["low"] else "")
        out.print(table)


@app.command()
def topup(
    amount: Annotated[str, typer.Argument(help="in decimals, such as 250.00")],
    currency: Currency,
    reference: Annotated[str, typer.Option(help="what the payer wrote")] = "",
    key: Key = None,
) -> None:
    """Add funds; labels that wait for them are bought by themselves."""
    with coded_errors():
        body = {"amount_minor": in_minor_units(amount, currency), "currency": currency, "reference": reference}
        _tell(_labeler().send("POST", "wallet/topups", key_or_new(key), json=body))


@app.command()
def limit(
    currency: Currency,
    credit: Annotated[str, typer.Option(help="what the wallet may owe, such as 500.00")],
    reason: Annotated[str, typer.Option(help="why; kept with who and when")],
    notice: Annotated[str, typer.Option(help="low below this much available")] = "0",
    key: Key = None,
) -> None:
    """Set what a wallet may owe and when it is low. Needs a key with `wallet:admin`."""
    with coded_errors():
        limits = {"credit_limit_minor": credit, "notice_below_minor": notice}
        body = {name: in_minor_units(text, currency) for name, text in limits.items()} | {"reason": reason}
        _tell(_labeler().send("PUT", f"wallet/limits/{currency}", key_or_new(key), json=body))


@app.command()
def agree(
    document: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSON, see docs/money.md")],
    key: Key = None,
) -> None:
    """Keep a carrier's volume agreement."""
    with coded_errors():
        try:
            body = json.loads(document.read_text("utf-8"))
        except ValueError as error:
            raise CommandError("not-json", f"{document}: {error}", "Write one JSON object.") from error
        done = _labeler().send("POST", "wallet/agreements", key_or_new(key), json=body)
        tiers = ", ".join(f"{each['basis_points'] / 100:g} % from {each['from_shipments']}" for each in done["tiers"])
        out.print(f"{done['carrier']} {done['currency']} from {done['valid_from']}: {tiers}", highlight=False)


@app.command()
def rebate(
    month: Annotated[str, typer.Argument(help="a month that is over, such as 2026-10")], key: Key = None
) -> None:
    """Post what the volume of a month gives back, once."""
    with coded_errors():
        found = _labeler().send("POST", "wallet/rebates", key_or_new(key), json={"month": month})
        table = Listing("carrier", "currency", "shipments", "with the pool", "charged", "tier", "rebate", "posted",
                        right={"shipments", "with the pool", "charged", "tier", "rebate"})  # fmt: skip
        for each in found["rebates"]:
            table.add_row(
                each["carrier"], each["currency"], str(each["shipments"]), str(each["pooled_shipments"]),
                decimal(each["charged_minor"], each["currency"]), f"{each['basis_points'] / 100:g} %",
                decimal(each["rebate_minor"], each["currency"]), "now" if each["posted"] else "-",
            )  # fmt: skip
        out.print(table)


@app.command()
def unused(
    after: Annotated[int | None, typer.Option(help="days without a scan")] = None,
    never: Annotated[bool, typer.Option("--never", help="keep labels for ever")] = False,
) -> None:
    """Show, or set, after how many days labels that no carrier scanned are voided and refunded."""
    with coded_errors():
        if after is None and not never:
            days = _labeler().get("unused-labels")["after_days"]
        else:
            days = _labeler().send("PUT", "unused-labels", json={"after_days": None if never else after})["after_days"]
        out.print(f"unused labels: {'kept' if days is None else f'refunded after {days} days'}", highlight=False)


def decimal(minor: int, currency: str) -> str:
    """Minor units as people write them."""
    places = CURRENCY_EXPONENTS[currency]
    return f"{Decimal(minor).scaleb(-places):.{places}f}"


def in_minor_units(text: str, currency: str) -> int:
    """What people write, exactly; another notation is a coded error."""
    try:
        money: Money = parse_money(text, currency)
    except KeyError as error:
        raise CommandError("currency-unknown", f"{currency} is no currency of ISO 4217.", "Write e.g. USD.") from error
    except ValueError as error:
        raise CommandError("amount-invalid", f"{text} {error}.", "Write e.g. 1234.50.") from error
    return money.amount_minor


def key_or_new(named: str | None) -> str:
    """The Idempotency-Key that was named, else one that was never used."""
    return named or Ids().base62(24)


def _tell(balance: dict[str, Any]) -> None:
    currency = balance["currency"]
    low = ", LOW" if balance["low"] else ""
    out.print(
        f"{currency}: balance {decimal(balance['balance_minor'], currency)}, "
        f"available {decimal(balance['available_minor'], currency)}{low}", highlight=False,
    )  # fmt: skip


def _labeler() -> RunningService:
    return RunningService(Access.find(), "labeler")
