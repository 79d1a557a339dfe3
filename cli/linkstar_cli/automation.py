"""`linkstar automation`: what shall be done by itself about exceptions, and what proposed rules would have done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from linkstar_cli.access import Access
from linkstar_cli.json_files import read_json
from linkstar_cli.running import RunningService
from linkstar_cli.screen import coded_errors, out, print_json
from linkstar_sandbox.listing import Listing

app = typer.Typer(no_args_is_help=True, help="Rules about exceptions (docs/automation.md).")
Document = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="rule document, JSON")]
Json = Annotated[bool, typer.Option("--json", help="print JSON, for programs")]


@app.callback()
def automation() -> None:
    """Rules about exceptions (docs/automation.md)."""


@app.command()
def show(as_json: Json = False) -> None:
    """Show the rules in force, in the order in which they are heard."""
    with coded_errors():
        told = _tracker().get("automation/rules")
        if as_json:
            print_json(told)
            return
        table = Listing("rule", "state", "priority", "when", "then", prose={"when", "then"})
        for rule in sorted(told["rules"], key=lambda each: -each.get("priority", 0)):
            state, priority = rule.get("state", "active"), str(rule.get("priority", 0))
            table.add_row(rule["id"], state, priority, _words(rule.get("when", {})), _words(rule["then"]))
        out.print(f"version {told['version']}", highlight=False)
        out.print(table if told["rules"] else "There are no rules.")


@app.command(name="dry-run")
def dry_run(
    file: Document,
    days: Annotated[int, typer.Option(min=1, max=90, help="how far to look back")] = 30,
    most: Annotated[int, typer.Option(min=1, max=100_000, help="look at so many exceptions at most")] = 5000,
    as_json: Json = False,
) -> None:
    """Tell how often each rule of a document would have fired about past exceptions. Nothing happens."""
    with coded_errors():
        told = _looked(_read(file), days, most)
        if as_json:
            print_json(told)
            return
        table = Listing("rule", "state", "would fire", "would ask", "outranked", "for example", prose={"for example"})
        for rule in told["rules"]:
            asks = ", ".join(f"{count} {action}" for action, count in rule["actions"].items())
            example = rule["samples"][0]["exception_id"] if rule["samples"] else ""
            counts = str(rule["would_fire"]), asks, str(rule["outranked"])
            table.add_row(rule["id"], rule["state"], *counts, example)
        out.print(table)
        rest = "; there are more" if told["next"] else ""
        out.print(f"{told['looked_at']} exceptions of {days} days, {told['untouched']} touched by no rule{rest}")


@app.command()
def put(
    file: Document,
    version: Annotated[int | None, typer.Option(min=0, help="only if this version is still in force")] = None,
) -> None:
    """Put a document in force as a whole; an older one again takes a change back, an empty one stops everything."""
    with coded_errors():
        match = {"If-Match": f'"{version}"'} if version is not None else {}
        told = _tracker().send("PUT", "automation/rules", json=_read(file), headers=match)
        out.print(f"version {told['version']} is in force, {len(told['rules'])} rules", highlight=False)


def _tracker() -> RunningService:
    return RunningService(Access.find(), "tracker")


def _looked(document: Any, days: int, most: int) -> dict[str, Any]:
    """Return the portions of a dry run as one."""
    told: dict[str, Any] = {}
    while not told or (told["next"] and told["looked_at"] < most):
        query = {"days": days, "limit": min(1000, most - told.get("looked_at", 0))}
        query |= {"after": told["next"]} if told else {}
        portion = _tracker().send("POST", "automation/dry-run", json=document, params=query)
        told = _added(told, portion) if told else portion
    return told


def _added(told: dict[str, Any], portion: dict[str, Any]) -> dict[str, Any]:
    for rule, more in zip(told["rules"], portion["rules"], strict=True):
        rule["would_fire"] += more["would_fire"]
        rule["outranked"] += more["outranked"]
        rule["actions"] = {action: count + more["actions"][action] for action, count in rule["actions"].items()}
        rule["samples"] = (rule["samples"] + more["samples"])[:5]
    counts = {name: told[name] + portion[name] for name in ("looked_at", "untouched")}
    return told | counts | {"next": portion["next"]}


def _read(file: Path) -> Any:
    return read_json(file, "Write the document as JSON in UTF-8.")


def _words(told: dict[str, Any]) -> str:
    return ", ".join(f"{name} {_word(value)}" for name, value in told.items())


def _word(value: Any) -> str:
    if isinstance(value, dict):
        return _words(value)
    return "/".join(map(str, value)) if isinstance(value, list) else str(value)
