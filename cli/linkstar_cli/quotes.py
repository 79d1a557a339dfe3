"""`linkstar quote`: what a shipment costs under every service, line by line, and why the others cannot take it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from linkstar_cli.quotation.making import Costs, make_quotation
from linkstar_cli.router import find_router
from linkstar_cli.screen import CommandError, coded_errors, out, print_json
from linkstar_cli.shipment import Goods, destination_of, parcels_of, warehouse_of
from linkstar_contracts.values import Money
from linkstar_sandbox.listing import Listing

LEVELS = "economy, standard, expedited or next_day"
BATTERIES = "none, in_equipment, with_equipment or standalone"


def quote(
    to: Annotated[str, typer.Option("--to", help='destination, e.g. "US 10001" or 10001')] = "",
    parcel: Annotated[list[str] | None, typer.Option(help='e.g. "12 lb 20x12x10 in"; may be repeated')] = None,
    warehouse: Annotated[str, typer.Option("--from", help="ship-from warehouse")] = "US-LA",
    value: Annotated[str, typer.Option(help='value of the goods in each parcel, e.g. "45.00 USD"')] = "20",
    battery: Annotated[str, typer.Option(help=f"lithium batteries: {BATTERIES}")] = "none",
    liquid: Annotated[bool, typer.Option("--liquid", help="the parcels hold liquids")] = False,
    hazmat: Annotated[bool, typer.Option("--hazmat", help="the parcels are dangerous goods")] = False,
    commercial: Annotated[bool, typer.Option("--commercial", help="the receiver is a business")] = False,
    po_box: Annotated[bool, typer.Option("--po-box", help="the address is a PO box")] = False,
    level: Annotated[str, typer.Option(help=f"the slowest that will do: {LEVELS}")] = "standard",
    signature: Annotated[bool, typer.Option("--signature", help="ask for a signature")] = False,
    insurance: Annotated[bool, typer.Option("--insurance", help="insure the declared value")] = False,
    at: Annotated[str, typer.Option(help="when, e.g. 2026-12-01T10:00:00Z; default: now")] = "",
    request: Annotated[Path | None, typer.Option(help="a file with the body of POST /v1/quotes instead")] = None,
    profile: Annotated[Path | None, typer.Option(help="a mix of shipments, CSV or XLSX: makes a quotation")] = None,
    output: Annotated[Path, typer.Option(help="the quotation of --profile")] = Path("quotation.xlsx"),
    monthly: Annotated[str, typer.Option(help="fixed cost a month of shipping by this quotation")] = "0",
    fee: Annotated[list[str] | None, typer.Option(help="CARRIER=AMOUNT a month; may be repeated")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="from the shipped lists, whatever runs")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="the answer as the API gives it")] = False,
) -> None:
    """Price a shipment under every service: itemised, with notices, and with a reason for each service that is out.

    Asks the running router; where none runs, a process of it answers from the shipped price lists.
    """
    with coded_errors():
        router = find_router(offline=offline)
        if profile is not None:
            make_quotation(router, profile, output, Costs.parse(monthly, fee or []), at)
            return
        if request is not None:
            body = _read(request)
        else:
            house = warehouse_of(warehouse, router.warehouses())
            goods = Goods(value, battery, liquid, hazmat)
            body = {
                "warehouse": house,
                "destination": destination_of(to, house["country"], residential=not commercial, po_box=po_box),
                "parcels": parcels_of(parcel or [], goods, house["country"]),
                "options": {"level": level, "signature": signature, "insurance": insurance},
            } | ({"quoted_at": at} if at else {})
        answer = router.quote(body)
        if as_json:
            print_json(answer)
        else:
            _print(answer)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError("request-unreadable", f"{path}: {error}.", "Name a JSON file.") from error
    if not isinstance(found, dict) or "quotes" in found:
        raise CommandError("request-unreadable", f"{path} holds no single quote.", "Name a file with one quote.")
    return found


def _print(answer: dict[str, Any]) -> None:
    if answer["routes"]:
        out.print(_prices(answer["routes"]))
    if answer["excluded"]:
        out.print(_missing(answer["excluded"]))
    for notice in answer["notices"]:
        concerned = f" ({', '.join(notice['services'])})" if notice.get("services") else ""
        out.print(f"{notice['code']}: {notice['detail']}{concerned}", highlight=False, markup=False)


def _prices(routes: list[dict[str, Any]]) -> Listing:
    columns = ("service", "total", "billable", "zone", "arrives", "charges", "price list")
    table = Listing(*columns, prose={"charges", "price list"}, spare=("price list",), right={"total", "billable"})
    for route in routes:
        weight, evidence, promise = route["billable_weight"], route["evidence"], route.get("promise")
        table.add_row(
            f"{route['carrier']}/{route['service']}", _money(route["total"]), f"{weight['value']} {weight['unit']}",
            route["zone"] + {"distance_estimate": " (estimate)"}.get(route["zone_source"], ""),
            _dates(promise) if promise else "not known",
            ", ".join(f"{line['code']} {_amount(line['amount'])}" for line in route["lines"]),
            evidence["source"],
        )  # fmt: skip
    return table


def _missing(excluded: list[dict[str, Any]]) -> Listing:
    table = Listing("not offered", "code", "why", prose={"why"})
    for entry in excluded:
        table.add_row(f"{entry['carrier']}/{entry['service']}", entry["code"], entry.get("detail", ""))
    return table


def _dates(promise: dict[str, Any]) -> str:
    first, last = promise["p50_on"], promise["p90_on"]
    return first if first == last else f"{first} to {last}"


def _money(amount: dict[str, Any]) -> str:
    return str(Money.model_validate(amount))


def _amount(amount: dict[str, Any]) -> str:
    return _money(amount).partition(" ")[0]
