"""`linkstar pickup`: drivers asked to come."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from linkstar_cli.access import Access
from linkstar_cli.manifest import Carrier, Json, Warehouse, kilograms, one_of
from linkstar_cli.running import RunningService
from linkstar_cli.screen import coded_errors, out, print_json
from linkstar_cli.wallet import key_or_new
from linkstar_sandbox.listing import Listing

app = typer.Typer(no_args_is_help=True, help=__doc__)
Number = Annotated[str, typer.Argument(help="number of the pickup, such as P0000001")]


@app.callback()
def pickup() -> None:
    """Ask a carrier for a driver, once per warehouse, account and day."""


@app.command()
def book(
    warehouse: Warehouse,
    carrier: Carrier,
    day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="day of collection")],
    ready: Annotated[str, typer.Option(help="local time from which parcels are ready, such as 09:00")],
    closes: Annotated[str, typer.Option(help="local time at which the warehouse closes, such as 17:00")],
    account: Annotated[str | None, typer.Option(help="the account that asks; needed where there are several")] = None,
    parcels: Annotated[int | None, typer.Option(min=1, help="default: those of the labels to collect")] = None,
    weight: Annotated[int | None, typer.Option(min=1, help="in grams; default: as the labels tell it")] = None,
    timezone: Annotated[str | None, typer.Option(help="of the warehouse; default: as its labels tell it")] = None,
    key: Annotated[
        str | None, typer.Option(help="Idempotency-Key: the same key books once; default: a new one")
    ] = None,
) -> None:
    """Ask for a driver; `linkstar pickup list` shows when the carrier has confirmed."""
    with coded_errors():
        named = {"account": account, "timezone": timezone, "parcels": parcels, "weight_g": weight}
        body = {
            "warehouse": warehouse, "carrier": carrier, "day": day.date().isoformat(), "ready": ready, "closes": closes,
            **{name: value for name, value in named.items() if value is not None},
        }  # fmt: skip
        _show([_labeler().send("POST", "pickups", key_or_new(key), json=body)])


@app.command("list")
def listed(
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="only this day")] = None,
    state: Annotated[str | None, typer.Option(help="requested, unknown, booked, refused or cancelled")] = None,
    as_json: Json = False,
) -> None:
    """List pickups, the newest first."""
    with coded_errors():
        asked = {"day": day and day.date().isoformat(), "state": state}
        found = _labeler().get("pickups", **{name: value for name, value in asked.items() if value})["pickups"]
        print_json(found) if as_json else _show(found)


@app.command()
def cancel(
    number: Number,
    told_carrier: Annotated[bool, typer.Option("--told-carrier", help="it was cancelled with the carrier")] = False,
) -> None:
    """Cancel a pickup; one that may be booked must be cancelled with the carrier first."""
    with coded_errors():
        done = _labeler().send("DELETE", f"pickups/{number}", params={"told_carrier": told_carrier})
        out.print(f"{number}: {done['state']}", highlight=False)


@app.command()
def answer(
    number: Number,
    confirmation: Annotated[str | None, typer.Option(help="the confirmation, as the carrier told it")] = None,
    none: Annotated[bool, typer.Option("--none", help="the carrier has no such booking")] = False,
) -> None:
    """End a pickup that is unknown by what the carrier told you."""
    with coded_errors():
        one_of(confirmation, none, "--confirmation", "--none")
        done = _labeler().send("POST", f"pickups/{number}/answer", json={"confirmation": confirmation})
        out.print(f"{number}: {done['state']}", highlight=False)


def _show(found: list[dict[str, Any]]) -> None:
    table = Listing("pickup", "confirmation", "warehouse", "carrier", "account", "day", "ready", "closes", "parcels", "kg",
                    "state", "why", prose={"why"}, right={"parcels", "kg"})  # fmt: skip
    for each in found:
        table.add_row(
            each["pickup_id"], each["confirmation"], each["warehouse"], each["carrier"], each["account"], each["day"],
            each["ready_at"], each["closes_at"], str(each["parcels"]), kilograms(each["weight_g"]), each["state"],
            " ".join(part for part in (each["code"], each["detail"]) if part),
        )  # fmt: skip
    out.print(table)


def _labeler() -> RunningService:
    return RunningService(Access.find(), "labeler")
