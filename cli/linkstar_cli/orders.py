"""`linkstar orders import FILE`: hands an order file to ingest and names every row it refused."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from linkstar_cli.access import Access
from linkstar_cli.screen import CommandError, coded_errors, err, out
from linkstar_sandbox.listing import Listing

REQUEST_TIMEOUT_S = 120
IMPORT_TIMEOUT_S = 600
POLL_S = 0.2
CHANNELS = ("shopify", "amazon", "linkstar")

app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.callback()
def orders() -> None:
    """Orders: hand them in."""


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    channel: Annotated[str, typer.Option(help=f"format of the file: {', '.join(CHANNELS)}")],
    warehouse: Annotated[str, typer.Option(help="ship-from warehouse, or auto")] = "auto",
) -> None:
    """Import an order file, CSV or XLSX; every refused row is named with code, field and remedy.

    Ends with status 1 when a row was refused or the file as a whole: the other rows' orders are accepted all the same.
    """
    with coded_errors():
        if channel not in CHANNELS:
            raise CommandError("unknown-channel", f"{channel!r} is no channel.", f"Name one of {', '.join(CHANNELS)}.")
        access = Access.find()
        headers = {"Authorization": f"Bearer {access.key}"}
        with httpx.Client(base_url=access.service("ingest"), headers=headers, timeout=REQUEST_TIMEOUT_S) as client:
            report = run_import(client, file, channel, warehouse)
        _print(report)
        if report["state"] != "done" or report["rejected"]:
            raise typer.Exit(1)


def run_import(client: httpx.Client, file: Path, channel: str, warehouse: str) -> dict[str, Any]:
    """Uploads the file and waits until ingest has decided on every row."""
    query = {"channel": channel, "warehouse": warehouse, "filename": file.name}
    content = file.read_bytes()
    started = _answer(lambda: client.post("/v1/imports", params=query, content=content), f"{file} as {channel}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        task = progress.add_task(file.name, total=started.get("rows"))
        deadline = time.monotonic() + IMPORT_TIMEOUT_S
        while time.monotonic() < deadline:
            report = _answer(lambda: client.get(f"/v1/imports/{started['import_id']}"), file.name)
            decided = report["accepted"] + report["duplicates"] + report["rejected"]
            progress.update(task, completed=decided, total=report["orders"] or report["rows"])
            if report["state"] != "processing":
                return report
            time.sleep(POLL_S)
    raise CommandError("import-slow", f"The import {started['import_id']} goes on.", "Look again in a while.")


def _answer(request: Any, subject: str) -> dict[str, Any]:
    """The JSON of a successful answer; problem+json about the subject and silence become coded errors."""
    try:
        response: httpx.Response = request()
    except httpx.HTTPError as error:
        raise CommandError(
            "ingest-unreachable", f"ingest does not answer: {type(error).__name__}.", "See `linkstar status`."
        ) from error
    if response.is_success:
        answer: dict[str, Any] = response.json()
        return answer
    problem = response.json() if "json" in response.headers.get("content-type", "") else {}
    raise CommandError(
        problem.get("code", f"http-{response.status_code}"),
        f"{subject}: {problem.get('detail') or problem.get('title') or response.text[:200]}",
        problem.get("fix") or "Mend the file and import it again; accepted orders are not taken twice.",
    )


def _print(report: dict[str, Any]) -> None:
    if report["errors"]:
        columns = ("row", "order", "code", "field", "what is wrong", "how to fix it")
        table = Listing(*columns, prose={"what is wrong", "how to fix it"})
        for error in report["errors"]:
            cells = ("row", "order_id", "code", "field", "detail", "fix")
            table.add_row(*("" if error.get(cell) is None else str(error[cell]) for cell in cells))
        out.print(table)
    out.print(
        f"{report['state']}: {report['rows']} rows, {report['orders']} orders: {report['accepted']} accepted, "
        f"{report['duplicates']} known already, {report['rejected']} rejected",
        highlight=False,
    )  # fmt: skip
