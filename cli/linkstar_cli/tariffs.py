"""`linkstar tariffs`: price lists, where they come from, and what is wrong with them. Works without a running stack."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from linkstar_cli.screen import CommandError, coded_errors, out, print_json
from linkstar_sandbox.listing import Listing

app = typer.Typer(no_args_is_help=True, help=__doc__)
AsJson = Annotated[bool, typer.Option("--json", help="print JSON, for programs")]


@app.callback()
def tariffs() -> None:
    """Tariffs: list them, check them."""


@app.command("list")
def list_packs(as_json: AsJson = False) -> None:
    """Show every shipped price list with its kind of price, validity, confidence and source."""
    with coded_errors():
        packs = run_job("list")
    if as_json:
        print_json(packs)
        return
    columns = ("service", "price list", "currency", "kind", "from", "to", "confidence", "as of", "source")
    table = Listing(*columns, prose={"source"}, spare=("currency", "as of", "price list"))
    for pack in packs:
        table.add_row(
            f"{pack['carrier']}/{pack['service']}", pack["id"], pack["currency"], pack["rate_type"],
            pack["valid_from"], pack["valid_to"] or "-", pack["confidence"], pack["as_of"], pack["source"],
        )  # fmt: skip
    out.print(table)


@app.command()
def check(
    folders: Annotated[
        list[Path] | None, typer.Argument(exists=True, file_okay=False, help="pack folders; none: the shipped one")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check price lists: gaps, overlaps, wrong units, falling prices, missing fuel weeks, fees that never apply.

    Every fault is told with file, row and remedy. Ends with status 1 when a pack cannot be used; warnings do not matter.
    """
    with coded_errors():
        reports = run_job("check", *map(str, folders or ()))
    if as_json:
        print_json(reports)
    else:
        for report in reports:
            _print(report)
    if any(finding["severity"] == "error" for report in reports for finding in report["findings"]):
        raise typer.Exit(1)


def run_job(*arguments: str) -> Any:
    """What the router's tariff program answers; a crash of it becomes a coded error."""
    command = [sys.executable, "-m", "linkstar_router.jobs.tariffs", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        told = done.stderr.strip().splitlines()
        raise CommandError("tariffs-failed", told[-1] if told else "no answer", "Run `make setup`, then try again.")
    return json.loads(done.stdout)


def _print(report: dict[str, Any]) -> None:
    if report["findings"]:
        columns = ("severity", "code", "place", "what is wrong", "how to fix it")
        table = Listing(*columns, prose={"what is wrong", "how to fix it"})
        for finding in report["findings"]:
            place = f"{finding['file']}:{finding['row']}" if finding["row"] else finding["file"]
            table.add_row(finding["severity"], finding["code"], place, finding["what"], finding["fix"])
        out.print(table)
    counts = Counter(finding["severity"] for finding in report["findings"])
    out.print(
        f"{report['folder']}: {report['lists']} price lists, {report['files']} files, {report['rows']} rows: "
        f"{counts['error']} errors, {counts['warning']} warnings",
        highlight=False,
    )
