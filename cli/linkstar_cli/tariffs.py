"""`linkstar tariffs`: price lists, where they come from, what is wrong with them, and a seller's own.

Only `import`, `own` and `withdraw` need a running stack.
"""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from linkstar_cli.access import Access
from linkstar_cli.router import RunningRouter
from linkstar_cli.screen import CommandError, coded_errors, err, out, print_json
from linkstar_sandbox.listing import Listing

app = typer.Typer(no_args_is_help=True, help=__doc__)
AsJson = Annotated[bool, typer.Option("--json", help="print JSON, for programs")]
OnDay = Annotated[str, typer.Option("--on", metavar="YYYY-MM-DD", help="the day that matters; default today")]
PackPath = Annotated[Path, typer.Argument(exists=True, help="pack folder, or one file: YAML, TOML")]


@app.callback()
def tariffs() -> None:
    """Tariffs: list, check, import, compare and export them."""


@app.command("list")
def list_packs(as_json: AsJson = False) -> None:
    """Show every shipped price list with its kind of price, validity, confidence and source."""
    with coded_errors():
        packs = run_job("list")
    if as_json:
        print_json(packs)
        return
    columns = ("service", "price list", "currency", "kind", "from", "to", "confidence", "offered", "as of", "source")
    table = Listing(*columns, prose={"source"}, spare=("currency", "as of", "price list", "to"))
    for pack in packs:
        table.add_row(
            f"{pack['carrier']}/{pack['service']}", pack["id"], pack["currency"], pack["rate_type"],
            pack["valid_from"], pack["valid_to"] or "-", pack["confidence"], "yes" if pack["offered"] else "no",
            pack["as_of"], pack["source"],
        )  # fmt: skip
    out.print(table)


@app.command()
def check(
    packs: Annotated[
        list[Path] | None, typer.Argument(exists=True, help="folders or files; none: what is shipped")
    ] = None,
    on: OnDay = "",
    as_json: AsJson = False,
) -> None:
    """Check price lists: gaps, overlaps, wrong units, falling prices, missing fuel weeks, fees that never apply.

    Every fault is told with file, row and remedy. Ends with status 1 when a pack cannot be used; warnings do not matter.
    """
    with coded_errors():
        reports = run_job("check", *map(str, packs or ()), on=on)
    if as_json:
        print_json(reports)
    else:
        for report in reports:
            _print(report)
    if any(_is_faulty(report) for report in reports):
        raise typer.Exit(1)


@app.command("import")
def import_pack(
    pack: PackPath,
    name: Annotated[str, typer.Option(help="name of the pack; default: that of the folder or file")] = "",
) -> None:
    """Import a seller's own pack into the router, as the next version of its name.

    A pack with faults is refused as a whole, with file, row and remedy of each; the same pack again changes nothing.
    """
    with coded_errors():
        (report,) = run_job("check", str(pack))
        if _is_faulty(report):
            _print(report)
            raise CommandError("pack-invalid", "Nothing was imported.", "Mend the faults above, then import it again.")
        files = run_job("read", str(pack))["files"]
        document = {"pack": name or re.sub("[^a-z0-9]+", "-", pack.stem.lower()).strip("-"), "files": files}
        done = RunningRouter(Access.find()).send("POST", "tariffs/own", json=document)
    until = f"until {done['valid_to']}" if done["valid_to"] else "without end"
    about = f"{', '.join(done['services'])} from {done['valid_from']} {until}" if done["services"] else "at once"
    out.print(f"{done['pack']} version {done['version']}: {about}", highlight=False)


@app.command()
def own(as_json: AsJson = False) -> None:
    """Show the newest version of each of the seller's own packs."""
    with coded_errors():
        packs = RunningRouter(Access.find()).get("tariffs/own")["packs"]
    if as_json:
        print_json(packs)
        return
    table = Listing("pack", "version", "services", "from", "to", "imported", prose={"services"})
    for pack in packs:
        until = "withdrawn" if pack["withdrawn"] else pack["valid_to"] or "-"
        services = ", ".join(pack["services"])
        table.add_row(
            pack["pack"], str(pack["version"]), services, pack["valid_from"] or "-", until, pack["imported_at"]
        )
    out.print(table)


@app.command()
def withdraw(name: Annotated[str, typer.Argument(help="name of the pack")]) -> None:
    """Put one of the seller's own packs out of force; its versions stay, to explain older prices."""
    with coded_errors():
        done = RunningRouter(Access.find()).send("DELETE", f"tariffs/own/{name}")
    out.print(f"{done['pack']} prices nothing since version {done['version']}", highlight=False)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help="pack folder or file, or `shipped`")],
    after: Annotated[str, typer.Argument(help="pack folder or file, or `shipped`")],
    on: OnDay = "",
    as_json: AsJson = False,
) -> None:
    """Show what differs between two packs on a day: prices cell by cell, fees, fuel, agreements. Amounts are minor units."""
    with coded_errors():
        found = run_job("diff", before, after, on=on)
    if as_json:
        print_json(found)
        return
    table = Listing("service", "what", "where", "before", "after", prose={"where"}, right={"before", "after"})
    for each in found["differences"]:
        table.add_row(each["service"], each["what"], each["where"], each["before"] or "-", each["after"] or "-")
    out.print(table)
    out.print(f"{len(found['differences'])} differences on {found['on']}", highlight=False)


@app.command()
def export(
    service: Annotated[str, typer.Argument(help="carrier/service, such as usps/ground_advantage")],
    origin: Annotated[str, typer.Option(help="postcode that parcels leave from")],
    weight: Annotated[list[str], typer.Option(help="a weight to price, such as '2 lb'; repeat it")],
    to: Annotated[Path | None, typer.Option(help="CSV file to write; default: standard output")] = None,
    pack: Annotated[Path | None, typer.Option(exists=True, help="an own pack to price from")] = None,
    commercial: Annotated[
        bool, typer.Option("--commercial", help="to business addresses, without residential fees")
    ] = False,
    on: OnDay = "",
) -> None:
    """Write a shipping-rate table by postcode band, for shop carts: CSV with net and total price in minor units."""
    weights = [part for each in weight for part in ("--weight", each)]
    more = ["--commercial"] * commercial + (["--pack", str(pack)] if pack else [])
    with coded_errors():
        found = run_job("export", service, "--origin", origin, *weights, *more, on=on)
        if not found["rows"]:
            fix = "Name an origin and weights that it serves."
            raise CommandError("nothing-priced", f"{service} has no price from {origin}.", fix)
    _write(found["rows"], to)
    if to is not None:
        err.print(f"{to}: {len(found['rows'])} rows of {found['tariff']}", highlight=False)


def run_job(command: str, *arguments: str, on: str = "") -> Any:
    """What the router's tariff program answers; a pack it cannot read, or a crash of it, becomes a coded error."""
    dated = ["--on", on] if on else []
    line = [sys.executable, "-m", "linkstar_router.jobs.tariffs", *dated, command, *arguments]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        told = done.stderr.strip().splitlines()
        raise CommandError(
            "tariffs-failed", told[-1] if told else "no answer", "Correct the command, or run `make setup`."
        )
    answer = json.loads(done.stdout)
    if isinstance(answer, dict) and "fault" in answer:
        fault = answer["fault"]
        raise CommandError(fault["code"], f"{_place(fault)} {fault['what']}".strip(), fault["fix"])
    return answer


def _write(rows: list[dict[str, Any]], to: Path | None) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    if to is None:
        typer.echo(text.getvalue(), nl=False)
    else:
        to.write_text(text.getvalue(), encoding="utf-8")


def _is_faulty(report: dict[str, Any]) -> bool:
    return any(finding["severity"] == "error" for finding in report["findings"])


def _place(finding: dict[str, Any]) -> str:
    return f"{finding['file']}:{finding['row']}" if finding["row"] else str(finding["file"])


def _print(report: dict[str, Any]) -> None:
    if report["findings"]:
        columns = ("severity", "code", "place", "what is wrong", "how to fix it")
        table = Listing(*columns, prose={"what is wrong", "how to fix it"})
        for finding in report["findings"]:
            table.add_row(finding["severity"], finding["code"], _place(finding), finding["what"], finding["fix"])
        out.print(table)
    counts = Counter(finding["severity"] for finding in report["findings"])
    out.print(
        f"{report['pack']}: {report['lists']} price lists, {report['files']} files, {report['rows']} rows: "
        f"{counts['error']} errors, {counts['warning']} warnings",
        highlight=False,
    )
