"""`linkstar calendars upcoming`: days on which carriers are closed, and until when to ship before them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from typing import Annotated, Any

import typer

from linkstar_cli.screen import CommandError, coded_errors, out, print_json
from linkstar_sandbox.listing import Listing

app = typer.Typer(no_args_is_help=True, help=__doc__)
_Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="first day; by default today")]


@app.callback()
def calendars() -> None:
    """Carriers' calendars: what lies ahead."""


@app.command()
def upcoming(
    since: _Day = None,
    days: Annotated[int, typer.Option(min=1, max=400, help="how far to look")] = 45,
    carrier: Annotated[str | None, typer.Option(help="only this carrier's calendar, such as ups")] = None,
    region: Annotated[str, typer.Option(help="holidays of this region, such as BY, QC or SCT")] = "",
    by: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="last ship dates for arrival by this day instead")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document instead of tables")] = False,
) -> None:
    """List closures, and per service and zone the last day to ship so that nine of ten parcels arrive before each."""
    with coded_errors():
        asked = {"--since": since, "--by": by}
        dates = [part for name, day in asked.items() if day for part in (name, day.date().isoformat())]
        named = ["--carrier", carrier] if carrier else []
        found = _ahead("--days", str(days), "--region", region, *dates, *named)
        if not found["calendars"]:
            raise CommandError(
                "unknown-carrier", f"No calendar is called {carrier!r}.", "Leave --carrier out to see all."
            )
    if as_json:
        print_json(found)
    else:
        _print(found)


def _ahead(*arguments: str) -> Any:
    command = [sys.executable, "-m", "linkstar_router.jobs.calendars", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        told = done.stderr.strip().splitlines()
        raise CommandError(
            "calendars-failed", told[-1] if told else "no answer", "Name a region the carrier's country has."
        )
    return json.loads(done.stdout)


def _print(found: dict[str, Any]) -> None:
    closures = Listing("calendar", "date", "reason", "collects", "delivers", prose={"reason"})
    safe = Listing("calendar", "service", "zones", "transit days", "arrives before", "ship by")
    for calendar in found["calendars"]:
        name = calendar["calendar"]
        for day in calendar["closures"]:
            marks = ("yes" if day[what] else "no" for what in ("pickup", "delivery"))
            closures.add_row(name, day["date"], day["name"], *marks)
        for line in calendar["last_safe"]:
            cells = (line["service"], line["zones"], str(line["transit_days"]), line["before"], line["ship_by"] or "-")
            safe.add_row(name, *cells)
    out.print(f"{found['since']} to {found['until']}", highlight=False)
    for table in (closures, safe):
        if table.rows:
            out.print(table)
