"""`linkstar decisions show | replay`: why a shipment goes the way it goes, and that the same question decides the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any

import typer

from linkstar_cli.router import RunningRouter, find_router
from linkstar_cli.screen import CommandError, coded_errors, out, print_json
from linkstar_sandbox.listing import Listing

PAGE = 200

app = typer.Typer(no_args_is_help=True, help=__doc__)
Json = Annotated[bool, typer.Option("--json", help="the answer as the API gives it")]


@app.command()
def show(
    shipment: Annotated[str, typer.Argument(help="the order id, or a shipment of it such as ORDER~R1")],
    as_json: Json = False,
) -> None:
    """Show every decision about a shipment, newest first: all candidates with their costs, and why the others are out."""
    with coded_errors():
        answer = _router().get(f"decisions/{shipment}")
        if as_json:
            print_json(answer)
            return
        for decision in answer["decisions"]:
            _print(decision)


@app.command()
def replay(
    shipment: Annotated[str | None, typer.Argument(help="one shipment; or a period by --day")] = None,
    day: Annotated[str | None, typer.Option(help="all decisions of a day in UTC, e.g. 2026-11-23")] = None,
    everything: Annotated[bool, typer.Option("--all", help="all decisions there are")] = False,
) -> None:
    """Decide stored questions again from the stored versions and compare the answers, byte by byte.

    Ends with status 1 if an answer differs, or if one was made from data that this router does not have.
    """
    with coded_errors():
        found = Counter(_replayed(_router(), shipment, day, everything))
        total = sum(found.values())
        out.print(
            f"{total} decisions: {found['same']} the same to the byte, {found['differs']} differ, "
            f"{found['other_snapshot']} made from other data", highlight=False,
        )  # fmt: skip
        if total > found["same"]:
            raise typer.Exit(1)


def _replayed(router: RunningRouter, shipment: str | None, day: str | None, everything: bool) -> Iterator[str]:
    """The result of each decision; what is not the same is named."""
    if [bool(shipment), bool(day), everything].count(True) != 1:
        raise CommandError("nothing-selected", "Which decisions?", "Name a shipment, or --day, or --all.")
    entries = _decisions_of(router, shipment) if shipment else _pages(router, _period(day))
    for entry in entries:
        if entry["replay"] != "same" or shipment:
            out.print(f"{entry['shipment_id']} #{entry['sequence']}: {_told(entry)}", highlight=False, markup=False)
        yield entry["replay"]


def _told(entry: dict[str, Any]) -> str:
    if entry["replay"] == "other_snapshot":
        return f"made from {entry['snapshot']}, which this router does not have"
    packs = f" ({', '.join(entry['packs'])})" if entry["packs"] else ""
    return {"same": f"the same to the byte, from {entry['snapshot']}{packs}"}.get(entry["replay"], "DIFFERS")


def _decisions_of(router: RunningRouter, shipment: str) -> list[dict[str, Any]]:
    answer = router.get(f"decisions/{shipment}", replay=True)
    return [{"shipment_id": shipment, **entry} for entry in answer["decisions"]]


def _pages(router: RunningRouter, period: dict[str, str]) -> Iterator[dict[str, Any]]:
    cursor = ""
    while cursor is not None:
        page = router.get("decisions", replay=True, limit=PAGE, cursor=cursor, **period)
        yield from page["decisions"]
        cursor = page["next"]


def _period(day: str | None) -> dict[str, str]:
    if day is None:
        return {}
    try:
        since = datetime.combine(date.fromisoformat(day), time(), UTC)
    except ValueError as error:
        raise CommandError("day-invalid", f"{day!r} is no day.", "Write e.g. --day 2026-11-23.") from error
    return {"since": since.isoformat(), "until": (since + timedelta(days=1)).isoformat()}


def _router() -> RunningRouter:
    router = find_router()
    if not isinstance(router, RunningRouter):
        raise CommandError(
            "not-running", "No router is known here.", "Start one with `linkstar up`, or set LINKSTAR_ROUTER_URL."
        )
    return router


def _print(decision: dict[str, Any]) -> None:
    attempt = "held: no service left" if decision["attempt"] is None else f"attempt {decision['attempt']}"
    out.print(
        f"decision {decision['sequence']} ({attempt}) at {decision['decided_at']}, from {decision['snapshot']}",
        highlight=False,
    )  # fmt: skip
    answer = decision["answer"]
    columns = ("service", "total", "cost", "late", "zone", "arrives", "charges", "tariff")
    table = Listing(*columns, prose={"charges"}, spare=("tariff",), right={"total", "cost", "late"})
    for candidate in answer["candidates"]:
        arrives = [date.fromordinal(day).isoformat() for day in (candidate["dates"] or ())[1:]]
        table.add_row(
            candidate["service"], _minor(candidate["total"]), _minor(Decimal(candidate["cost_milli"]) / 1000),
            f"{candidate['late_permille'] / 10:g} %", f"{candidate['zone']} ({candidate['zone_source']})",
            " to ".join(dict.fromkeys(arrives)) or "not known",
            ", ".join(f"{code} {_minor(amount)}" for code, amount in candidate["lines"]), candidate["tariff"],
        )  # fmt: skip
    if answer["candidates"]:
        out.print(table)
    out.print(_excluded(answer["excluded"]) if answer["excluded"] else "")


def _minor(amount: int | Decimal) -> str:
    """Minor units of the price list's currency; all currencies of carriers have two decimals."""
    return f"{Decimal(amount).scaleb(-2):.2f}"


def _excluded(entries: list[dict[str, Any]]) -> Listing:
    table = Listing("not possible", "code", "why", prose={"why"})
    for entry in entries:
        table.add_row(entry["service"], entry["code"], entry["detail"])
    return table
