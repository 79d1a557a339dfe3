"""`linkstar scans`: what carriers told, handed in by file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from linkstar_cli.access import Access
from linkstar_cli.running import RunningService
from linkstar_cli.screen import CommandError, coded_errors, out, print_json
from linkstar_sandbox.listing import Listing

app = typer.Typer(no_args_is_help=True, help=__doc__)
_LOOK_S, _LONGEST_S = 0.2, 600


@app.callback()
def scans() -> None:
    """What carriers told, handed in by file (docs/tracking.md)."""


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV, see docs/tracking.md")],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON, for programs")] = False,
) -> None:
    """Import a CSV file of scans; every refused row is named with code, field and remedy. Again, it changes nothing.

    Ends with status 1 when a row was refused: the others are taken all the same.
    """
    with coded_errors():
        tracker = RunningService(Access.find(), "tracker")
        report = _done(tracker, tracker.send(
            "POST", "scan-files", content=file.read_bytes(), headers={"Content-Type": "text/csv"},
            params={"filename": file.name},
        )["file_id"])  # fmt: skip
    if as_json:
        print_json(report)
    else:
        _tell(report)
    if report["rejected"]:
        raise typer.Exit(1)


def _done(tracker: RunningService, file_id: str) -> dict[str, Any]:
    """Wait until every row is decided on; return the report with all refused rows."""
    until = time.monotonic() + _LONGEST_S
    while (report := tracker.get(f"scan-files/{file_id}"))["state"] != "done":
        if time.monotonic() > until:
            raise CommandError("import-slow", f"The import {file_id} goes on.", "Import the same file again to see.")
        time.sleep(_LOOK_S)
    page = report
    while page["next"] is not None:
        page = tracker.get(f"scan-files/{file_id}", after=page["next"])
        report["faults"] += page["faults"]
    return report


def _tell(report: dict[str, Any]) -> None:
    if report["faults"]:
        table = Listing("line", "code", "field", "what is wrong", "how to fix it", right={"line"},
                        prose={"what is wrong", "how to fix it"})  # fmt: skip
        for fault in report["faults"]:
            table.add_row(*(str(fault[cell]) for cell in ("line", "code", "field", "detail", "fix")))
        out.print(table)
    out.print(
        f"{report['rows']} rows: {report['accepted']} accepted, {report['unmatched']} wait for their label, "
        f"{report['rejected']} rejected",
        highlight=False,
    )
