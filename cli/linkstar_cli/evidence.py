"""`linkstar evidence`: a shipment's record as a pack for a claim, and whether a pack still says what was recorded."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from linkstar_cli.access import Access
from linkstar_cli.running import RunningService
from linkstar_cli.screen import CommandError, coded_errors, out
from linkstar_contracts.evidence_pack import PackVerdict, verified

app = typer.Typer(no_args_is_help=True, help="Evidence packs of shipments (docs/evidence.md).")


class Form(StrEnum):
    """Forms of a pack, by the ending of its file."""

    JSON = ".json"
    ZIP = ".zip"


@app.callback()
def evidence() -> None:
    """Evidence packs of shipments (docs/evidence.md)."""


@app.command()
def export(
    shipment: Annotated[str, typer.Argument(help="the order id; a reship is ORDER~2, a return ORDER~R1")],
    to: Annotated[Path, typer.Option(help="the file; .json, or .zip with a summary on paper")],
) -> None:
    """Write a shipment's evidence pack, and verify what was written."""
    with coded_errors():
        form = _form(to)
        tracker = RunningService(Access.find(), "tracker")
        _write(to, tracker.fetch(f"evidence/{shipment}", form=form.name.lower()))
    _conclude(to, verified(to.read_bytes()))


@app.command()
def verify(file: Annotated[Path, typer.Argument(help="a pack, JSON or ZIP")]) -> None:
    """Tell whether a pack says what was recorded, and which entry does not. Needs nothing but the file; status 1 if not."""
    with coded_errors():
        try:
            content = file.read_bytes()
        except OSError as error:
            raise CommandError(
                "file-unreadable", f"{file}: {error.strerror}", "Name a file that can be read."
            ) from error
    _conclude(file, verified(content))


def _form(to: Path) -> Form:
    if to.suffix not in list(Form):
        raise CommandError("form-unknown", f"{to} ends in neither .json nor .zip.", "Name a .json or .zip file.")
    return Form(to.suffix)


def _write(to: Path, content: bytes) -> None:
    try:
        to.write_bytes(content)
    except OSError as error:
        raise CommandError("file-unwritable", f"{to}: {error.strerror}", "Name a file that can be written.") from error


def _conclude(file: Path, verdict: PackVerdict) -> None:
    pack = verdict.pack
    if pack and verdict.holds:
        withheld = sum(entry.fact is None for entry in pack.entries)
        _say(f"{file}: holds. Shipment {pack.shipment_id} of {pack.tenant}, {pack.count} entries, {withheld} withheld")
        _say(f"head {pack.head}")
        return
    _say(f"{file}: does not hold")
    for fault in verdict.faults:
        _say(f"  {fault}")
    raise typer.Exit(1)


def _say(line: str) -> None:
    out.print(line, markup=False, highlight=False)
