"""`linkstar evidence`: a shipment's record as a pack for a claim, and whether a pack still says what was recorded."""

from __future__ import annotations

import mimetypes
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from linkstar_cli.access import Access
from linkstar_cli.evidence_proof import Proof, proven, read_pack
from linkstar_cli.running import RunningService
from linkstar_cli.screen import CommandError, coded_errors, out, print_json
from linkstar_contracts.evidence_pack import EvidencePack
from linkstar_contracts.evidence_papers import PaperKind
from linkstar_sandbox.listing import Listing

app = typer.Typer(no_args_is_help=True, help="Evidence packs of shipments (docs/evidence.md).")
Shipment = Annotated[str, typer.Argument(help="the order id; a reship is ORDER~2, a return ORDER~R1")]
Json = Annotated[bool, typer.Option("--json", help="print JSON, for programs")]


class Form(StrEnum):
    """Forms of a pack, by the ending of its file."""

    JSON = ".json"
    ZIP = ".zip"


@app.callback()
def evidence() -> None:
    """Evidence packs of shipments (docs/evidence.md)."""


@app.command()
def add(
    shipment: Shipment,
    file: Annotated[Path, typer.Argument(help="a text, a picture or a PDF")],
    kind: Annotated[PaperKind, typer.Option(help="what it is about")] = PaperKind.DOCUMENT,
) -> None:
    """Add a paper to a shipment's evidence, and open its case if none is open. Adding it again changes nothing."""
    with coded_errors():
        guessed = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        told_type = "text/plain" if guessed.startswith("text/") else guessed
        found = _tracker().send(
            "POST", f"trackers/{shipment}/evidence", params={"kind": kind.value}, content=read_pack(file),
            headers={"Content-Type": told_type},
        )  # fmt: skip
    _say(f"entry {found['entry']} in case {found['case']}, kept until {found['keep_until'][:10]}")


@app.command()
def cases(as_json: Json = False) -> None:
    """List the open cases: their papers can be read until they close."""
    with coded_errors():
        found: list[dict[str, Any]] = []
        after: str | None = ""
        while after is not None:
            page = _tracker().get("evidence-cases", after=after)
            found, after = found + page["cases"], page["next"]
        if as_json:
            print_json(found)
            return
        table = Listing("shipment", "case", "opened by", "opened", "kept until", "papers", right={"case", "papers"})
        for each in found:
            days = (each["opened_at"][:10], each["keep_until"][:10])
            table.add_row(each["shipment_id"], str(each["case"]), each["opened_by"], *days, str(each["papers"]))
        out.print(table if found else "No case is open.")


@app.command()
def close(shipment: Shipment, yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False) -> None:
    """Close a shipment's case: its papers are destroyed for good, and its chain says so."""
    if not yes and not typer.confirm(f"Destroy the papers of {shipment} for good?"):
        raise typer.Exit(1)
    with coded_errors():
        found = _tracker().send("POST", f"trackers/{shipment}/case/close")
    _say(f"case {found['case']} of {shipment} is closed, its papers are erased")


@app.command()
def key() -> None:
    """Show the public keys that packs are signed with; keep them beside the packs, for `verify --key`."""
    with coded_errors():
        for each in _tracker().get("evidence-keys")["keys"]:
            _say(f"{each['public_key']} {each['algorithm']} since {each['first_used_at'][:10]}")


@app.command()
def export(
    shipment: Shipment,
    to: Annotated[Path, typer.Option(help="the file; .json, or .zip with its papers and a summary on paper")],
) -> None:
    """Write a shipment's evidence pack, and verify what was written."""
    with coded_errors():
        form = _form(to)
        _write(to, _tracker().fetch(f"evidence/{shipment}", form=form.name.lower()))
        proof = proven(read_pack(to))
    _conclude(to, proof)


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="a pack, JSON or ZIP")],
    key: Annotated[
        str | None, typer.Option(help="public key, or a file with it, that you had from elsewhere: proves who made the pack")
    ] = None,
    earlier: Annotated[
        Path | None, typer.Option(help="a pack of the same shipment kept since: proves that nothing was rewritten")
    ] = None,
) -> None:  # fmt: skip
    """Tell whether a pack says what was recorded, and which entry does not. Needs nothing but the file; status 1 if not."""
    with coded_errors():
        proof = proven(read_pack(file), key, earlier)
    _conclude(file, proof)


def _tracker() -> RunningService:
    return RunningService(Access.find(), "tracker")


def _form(to: Path) -> Form:
    if to.suffix not in list(Form):
        raise CommandError("form-unknown", f"{to} ends in neither .json nor .zip.", "Name a .json or .zip file.")
    return Form(to.suffix)


def _write(to: Path, content: bytes) -> None:
    try:
        to.write_bytes(content)
    except OSError as error:
        raise CommandError("file-unwritable", f"{to}: {error.strerror}", "Name a file that can be written.") from error


def _conclude(file: Path, proof: Proof) -> None:
    pack = proof.verdict.pack
    if pack is None or proof.faults:
        _say(f"{file}: does not hold")
        for fault in proof.faults:
            _say(f"  {fault.told} ({fault.code})")
        raise typer.Exit(1)
    withheld = sum(entry.fact is None for entry in pack.entries)
    _say(f"{file}: holds. Shipment {pack.shipment_id} of {pack.tenant}, {pack.count} entries, {withheld} withheld")
    if papers := _papers(pack):
        _say(f"papers: {papers}")
    _say(f"head {pack.head}")
    for line in proof.told(pack):
        _say(line)


def _papers(pack: EvidencePack) -> str:
    return ", ".join(f"{paper.number} {paper.kind} {paper.standing}" for paper in pack.papers())


def _say(line: str) -> None:
    out.print(line, markup=False, highlight=False)
