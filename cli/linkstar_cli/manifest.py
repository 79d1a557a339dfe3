"""`linkstar manifest`: the end of a day at a warehouse."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from linkstar_cli.access import Access
from linkstar_cli.running import RunningService
from linkstar_cli.screen import coded_errors, out, print_json
from linkstar_cli.wallet import key_or_new
from linkstar_sandbox.listing import Listing

app = typer.Typer(no_args_is_help=True, help=__doc__)
Warehouse = Annotated[str, typer.Argument(help="code of the warehouse, such as US-NJ")]
Carrier = Annotated[str, typer.Argument(help="such as usps")]
Number = Annotated[str, typer.Argument(help="number of the manifest, such as M0000001")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="day of collection; default: the next")]
Json = Annotated[bool, typer.Option("--json", help="print JSON, for programs")]
_RIGHT = {"labels", "parcels", "kg"}
_LOOK_S = 0.5


@app.callback()
def manifest() -> None:
    """Close the day of a warehouse and carrier: every label that waits goes on one manifest."""


@app.command()
def close(
    warehouse: Warehouse,
    carrier: Carrier,
    day: Day = None,
    late: Annotated[bool, typer.Option("--include-late", help="labels made after the cut-off too")] = False,
    wait: Annotated[float, typer.Option(help="seconds to wait for the carrier's own manifest")] = 60.0,
    key: Annotated[
        str | None, typer.Option(help="Idempotency-Key: the same key closes once; default: a new one")
    ] = None,
    as_json: Json = False,
) -> None:
    """Close the day and show its manifests; repeat it for labels bought later."""
    with coded_errors():
        body = {"warehouse": warehouse, "carrier": carrier, "include_late": late}
        body |= {"day": day.date().isoformat()} if day else {}
        told = _labeler().send("POST", "manifests", key_or_new(key), json=body)
        told["manifests"] = [_ended(each, wait) for each in told["manifests"]]
        if as_json:
            print_json(told)
            return
        _show(told["manifests"])
        for each in told["waiting"]:
            account = f" of account {each['account']}" if each["account"] else ""
            out.print(f"{each['labels']} labels{account} wait: {each['code']}", highlight=False)


@app.command("list")
def listed(
    warehouse: Annotated[str | None, typer.Option(help="only this warehouse")] = None,
    carrier: Annotated[str | None, typer.Option(help="only this carrier")] = None,
    day: Day = None,
    state: Annotated[str | None, typer.Option(help="closing, unknown, closed, refused or reopened")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    as_json: Json = False,
) -> None:
    """List manifests, the newest first."""
    with coded_errors():
        asked = {"warehouse": warehouse, "carrier": carrier, "day": day and day.date().isoformat(), "state": state}
        query = {name: value for name, value in asked.items() if value}
        found = _labeler().get("manifests", limit=limit, **query)["manifests"]
        print_json(found) if as_json else _show(found)


@app.command()
def show(number: Number, as_json: Json = False) -> None:
    """Show a manifest and its labels, with what became of each since."""
    with coded_errors():
        found = _labeler().get(f"manifests/{number}")
        if as_json:
            print_json(found)
            return
        _show([found])
        table = Listing("shipment", "service", "tracking numbers", "kg", "state", "left out", right=_RIGHT)
        for each in found["on_it"]:
            numbers = " ".join(each["tracking_numbers"])
            table.add_row(
                each["shipment_id"],
                each["service"],
                numbers,
                kilograms(each["weight_g"]),
                each["state"],
                each["left_out"],
            )
        out.print(table)


@app.command("print")
def printed(number: Number, to: Annotated[Path, typer.Option(help="file to write")]) -> None:
    """Write the paper for the driver: the carrier's own sheet, else LinkStar's."""
    with coded_errors():
        to.write_bytes(_labeler().download(f"manifests/{number}.pdf"))
        out.print(f"{to}: manifest {number}", highlight=False)


@app.command()
def reopen(number: Number) -> None:
    """Give the labels of LinkStar's own manifest back to the next one."""
    with coded_errors():
        done = _labeler().send("POST", f"manifests/{number}/reopen")
        out.print(f"{number}: {done['state']}", highlight=False)


@app.command()
def answer(
    number: Number,
    carrier_number: Annotated[str | None, typer.Option(help="the manifest's number, as the carrier told it")] = None,
    none: Annotated[bool, typer.Option("--none", help="the carrier has no such manifest")] = False,
) -> None:
    """End a manifest that is unknown by what the carrier told you."""
    with coded_errors():
        one_of(carrier_number, none, "--carrier-number", "--none")
        done = _labeler().send("POST", f"manifests/{number}/answer", json={"carrier_number": carrier_number})
        out.print(f"{number}: {done['state']}", highlight=False)


@app.command()
def agree(
    warehouse: Warehouse,
    carrier: Carrier,
    cut_off: Annotated[str | None, typer.Option(help="local time, such as 16:30; default: the carrier's usual")] = None,
    itself: Annotated[
        bool, typer.Option("--itself/--by-hand", help="close the day by itself after the cut-off")
    ] = False,
    timezone: Annotated[str | None, typer.Option(help="of the warehouse, such as America/New_York")] = None,
    closed_on: Annotated[list[str] | None, typer.Option(help="day without a collection; may be repeated")] = None,
) -> None:
    """Set until when labels go out on the same day, and whether the day closes by itself."""
    with coded_errors():
        body = {"cut_off": cut_off, "timezone": timezone, "closed_on": closed_on or [], "closes_itself": itself}
        _show_agreements([_labeler().send("PUT", f"hand-overs/{warehouse}/{carrier}", json=body)])


@app.command()
def agreements() -> None:
    """List what was set with `agree`."""
    with coded_errors():
        _show_agreements(_labeler().get("hand-overs")["hand_overs"])


def kilograms(grams: int) -> str:
    """Grams as people write them."""
    return f"{grams // 1000}.{grams % 1000:03d}"


def one_of(value: str | None, other: bool, name: str, other_name: str) -> None:
    """Refuse both of two options, and neither."""
    if (value is not None) == other:
        raise typer.BadParameter(f"name one of {name} and {other_name}")


def _ended(found: dict[str, Any], wait: float) -> dict[str, Any]:
    """Wait while the carrier makes its manifest; one that stays unknown is shown so."""
    end = time.monotonic() + wait
    while found["state"] == "closing" and time.monotonic() < end:
        time.sleep(_LOOK_S)
        found = _labeler().get(f"manifests/{found['manifest_id']}")
    return {name: value for name, value in found.items() if name != "on_it"}


def _show(found: list[dict[str, Any]]) -> None:
    table = Listing("manifest", "carrier's number", "warehouse", "carrier", "account", "day", "labels", "parcels", "kg",
                    "state", "why", prose={"why"}, right=_RIGHT)  # fmt: skip
    for each in found:
        table.add_row(
            each["manifest_id"], each["carrier_number"], each["warehouse"], each["carrier"], each["account"] or "-",
            each["day"], str(each["labels"]), str(each["parcels"]), kilograms(each["weight_g"]), each["state"],
            " ".join(part for part in (each["code"], each["detail"]) if part),
        )  # fmt: skip
    out.print(table if found else "no manifest", highlight=False)


def _show_agreements(found: list[dict[str, Any]]) -> None:
    table = Listing("warehouse", "carrier", "time zone", "cut-off", "closed on", "closes by itself")
    for each in found:
        table.add_row(
            each["warehouse"], each["carrier"], each["timezone"], each["cut_off"], " ".join(each["closed_on"]) or "-",
            each["close_at"] or "no",
        )  # fmt: skip
    out.print(table)


def _labeler() -> RunningService:
    return RunningService(Access.find(), "labeler")
