"""Makes a quotation: reads the mix, has the router quote every kind of shipment, and writes the workbook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from linkstar_cli.quotation.mix import Quoted, break_evens, by_currency
from linkstar_cli.quotation.profile import Kind, read_profile
from linkstar_cli.router import OwnRouter, RunningRouter
from linkstar_cli.screen import CommandError, out
from linkstar_contracts.values import Money
from linkstar_sandbox.listing import Listing

__all__ = ["Costs", "make_quotation"]


@dataclass(frozen=True)
class Costs:
    """Fixed costs a month in minor units: of using the platform, and of using a carrier at all."""

    platform_minor: int
    carriers: dict[str, int]

    @classmethod
    def parse(cls, monthly: str, fees: Sequence[str]) -> Costs:
        found = {}
        for fee in fees:
            carrier, _, amount = fee.partition("=")
            found[carrier.strip()] = _minor(amount, fee)
        return cls(_minor(monthly or "0", monthly), found)


def make_quotation(router: RunningRouter | OwnRouter, mix: Path, output: Path, costs: Costs, at: str) -> None:
    """Write the quotation of a mix, and print what it comes to."""
    kinds = read_profile(mix, router.warehouses())
    quoted = _quoted(router, mix, kinds, at)
    groups = by_currency(quoted)
    volumes = {currency: break_evens(group, costs.platform_minor, costs.carriers) for currency, group in groups.items()}
    about = {
        "mix": mix.name,
        "kinds of shipment": str(len(kinds)),
        "prices": "all charges and taxes of one parcel or shipment, as quoted",
    }
    from linkstar_cli.quotation.workbook import write_quotation  # takes as long to load as all other commands together

    write_quotation(output, quoted, volumes, about)
    _print(quoted)
    for currency, found in volumes.items():
        for each in found:
            told = "never pays" if each.volume is None else f"pays from {each.volume} parcels a month on"
            fixed = Money(amount_minor=each.fixed_minor, currency=currency)
            out.print(f"{each.what} against {each.against}: {told} ({fixed} a month; {each.expected} expected)",
                      highlight=False, markup=False)  # fmt: skip
    out.print(f"Wrote {output}", highlight=False, markup=False)


def _quoted(router: RunningRouter | OwnRouter, mix: Path, kinds: Sequence[Kind], at: str) -> list[Quoted]:
    more = {"quoted_at": at} if at else {}
    results = router.quote({"quotes": [kind.request | more for kind in kinds]})["results"]
    found = []
    for kind, result in zip(kinds, results, strict=True):
        if result["status"] != "quoted":
            problem = result["problem"]
            told = f"{mix} row {kind.row}: {problem.get('field', '')} {problem.get('detail') or problem['title']}"
            raise CommandError(problem["code"], told, problem.get("fix", "Correct the row."))
        quote = result["quote"]
        found.append(Quoted(kind, quote["routes"], quote["excluded"], quote["notices"]))
    return found


def _print(quoted: Sequence[Quoted]) -> None:
    table = Listing(
        "shipment", "per month", "best service", "price", "a month", right={"per month", "price", "a month"}
    )
    for each in quoted:
        minor = each.best_minor()
        if minor is None:
            table.add_row(each.kind.name, str(each.kind.per_month), "none can take it", "", "")
            continue
        price, month = (Money(amount_minor=m, currency=each.currency) for m in (minor, minor * each.kind.per_month))
        best = each.routes[0]
        table.add_row(
            each.kind.name, str(each.kind.per_month), f"{best['carrier']}/{best['service']}", str(price), str(month)
        )
    out.print(table)


def _minor(amount: str, said: str) -> int:
    try:
        minor = Decimal(amount.strip()).scaleb(2)
    except InvalidOperation:
        minor = Decimal("NaN")
    if not (minor.is_finite() and minor >= 0 and minor == minor.to_integral_value()):
        raise CommandError("amount-unreadable", f"{said!r} is no amount.", "Write e.g. --monthly 250 --fee ups=80.")
    return int(minor)
