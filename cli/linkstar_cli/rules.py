"""`linkstar rules`: check routing rules before any order meets them, put them in force, see what they touch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from linkstar_cli.access import Access
from linkstar_cli.screen import CommandError, coded_errors, err, out, print_json
from linkstar_sandbox.listing import Listing

_MODULE = "linkstar_router.jobs.rules"
_COLUMNS = ("severity", "code", "rules", "what", "example order", "how to fix it")
_SHOWN_NOTES = 12
_TIMEOUT_S = 60

app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.callback()
def rules() -> None:
    """Routing rules: check them, put them in force, see what they touch."""


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="rule documents, YAML or JSON")],
    as_json: Annotated[bool, typer.Option("--json", help="one JSON array instead of a table")] = False,
) -> None:
    """Find unreachable, shadowed, contradictory and overlapping rules and uncovered orders, each with an example order.

    Ends with status 1 when a document could not be published.
    """
    with coded_errors():
        verdicts = checked(files)
        if as_json:
            print_json([{name: told for name, told in verdict.items() if name != "document"} for verdict in verdicts])
        else:
            for verdict in verdicts:
                _print(verdict)
        if not all(verdict["publishable"] for verdict in verdicts):
            raise typer.Exit(1)


@app.command()
def publish(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="rule document, YAML or JSON")],
    note: Annotated[str, typer.Option(help="why, for people")] = "",
) -> None:
    """Put a rule document in force, from the next batch on. One with errors is refused, and the former set stays."""
    with coded_errors():
        (verdict,) = checked([file])
        if not verdict["publishable"]:
            _print(verdict)
            raise typer.Exit(1)
        told = _router("POST", "/v1/rules", json={"rules": verdict["document"]["rules"], "note": note})
    out.print(f"version {told['number']} ({told['version']}) is in force", highlight=False)


@app.command()
def coverage(
    days: Annotated[int, typer.Option(min=1, max=90, help="how far to look back")] = 7,
    orders: Annotated[int, typer.Option(min=1, max=2000, help="how many of the newest orders")] = 500,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")] = False,
) -> None:
    """Show how many recent orders each rule in force touches, and what rules in shadow would change."""
    with coded_errors():
        told = _router("GET", "/v1/rules/coverage", params={"days": days, "orders": orders})
    if as_json:
        print_json(told)
        return
    table = Listing("rule", "state", "orders touched", "would change", "would hold")
    for rule in told["rules"]:
        shadow = (str(rule.get(count, "")) for count in ("would_change", "would_hold"))
        table.add_row(rule["id"], rule["state"], str(rule["touched"]), *shadow)
    out.print(table)
    out.print(
        f"version {told['version']}: {told['orders']} orders, {told['untouched']} touched by no rule", highlight=False
    )  # fmt: skip


def _router(method: str, path: str, **more: Any) -> dict[str, Any]:
    """The router's answer; its problems become coded errors."""
    access = Access.find()
    headers = {"Authorization": f"Bearer {access.key}"}
    try:
        response = httpx.request(method, access.service("router") + path, headers=headers, timeout=_TIMEOUT_S, **more)
    except httpx.HTTPError as error:
        raise CommandError(
            "router-unreachable", f"The router does not answer: {type(error).__name__}.", "See `linkstar status`."
        ) from error
    answer: dict[str, Any] = response.json()
    if response.is_success:
        return answer
    what = str(answer.get("detail") or answer.get("title"))
    raise CommandError(str(answer.get("code")), what, str(answer.get("fix") or "See docs/rules.md."))


def checked(files: list[Path]) -> list[dict[str, Any]]:
    """The router's own verdict on each file."""
    command = [sys.executable, "-m", _MODULE, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    if len(lines) != len(files):
        raise CommandError("rules-unchecked", done.stderr.strip()[-300:], "Install the router beside the command line.")
    return [json.loads(line) for line in lines]


def _print(verdict: dict[str, Any]) -> None:
    file = verdict["file"]
    for fault in verdict["faults"]:
        place = ", ".join(part for part in (fault["rule"] and f"rule {fault['rule']}", fault["field"]) if part)
        where = f"{file}: {place}" if place else file
        err.print(f"{where}: {fault['what']} [{fault['code']}]", markup=False, highlight=False)
        err.print(f"  → {fault['fix']}", markup=False, highlight=False)
    if verdict["faults"]:
        return
    notes = [finding for finding in verdict["findings"] if finding["severity"] == "note"]
    graver = [finding for finding in verdict["findings"] if finding["severity"] != "note"]
    if verdict["findings"]:
        table = Listing(*_COLUMNS, prose={"what", "example order", "how to fix it"})
        for finding in (*graver, *notes[:_SHOWN_NOTES]):
            order = ", ".join(f"{field} {value}" for field, value in finding["example"].items())
            cells = (finding["severity"], finding["code"], " ".join(finding["rules"]), finding["what"], order)
            table.add_row(*cells, finding["fix"])
        out.print(table)
    for question in verdict["skipped"]:
        out.print(f"not checked: {question}", markup=False, highlight=False)
    out.print(_summary(verdict, len(notes)), markup=False, highlight=False)


def _summary(verdict: dict[str, Any], notes: int) -> str:
    severities = [finding["severity"] for finding in verdict["findings"]]
    hidden = f", {notes - _SHOWN_NOTES} of them not shown (--json)" if notes > _SHOWN_NOTES else ""
    end = "can be published" if verdict["publishable"] else "cannot be published"
    return (
        f"{verdict['file']}: {verdict['rules']} rules, {severities.count('error')} errors, "
        f"{severities.count('warning')} warnings, {notes} notes{hidden}; {end} ({verdict['seconds']:.3f} s)"
    )
