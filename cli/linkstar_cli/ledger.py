"""`linkstar ledger`: the books that explain every cent."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer

from linkstar_cli.access import Access
from linkstar_cli.books import GAPS, LAWS, LEDGER_SUM
from linkstar_cli.running import RunningService
from linkstar_cli.screen import CommandError, coded_errors, out
from linkstar_sandbox.listing import Listing

app = typer.Typer(no_args_is_help=True, help=__doc__)
Report = dict[str, Any]


@app.callback()
def ledger() -> None:
    """The books: check them, and write statements."""


@app.command()
def check(tenant: Annotated[str | None, typer.Option(help="only this tenant's books; default: all")] = None) -> None:
    """Prove all sums of wallets, ledger and labels on one snapshot of the database; it may be in use meanwhile.

    Every law tells how many cases it examined; one without a case prints `not_exercised`. The last line is JSON. Ends with
    status 1 if a law is broken.
    """
    with coded_errors():
        report = asyncio.run(audit(Access.find().database, tenant))
    out.print(_table(report))
    out.print(
        f"{report['gaps']} numbers of the ledger have no entry. Transactions that were rolled back leave such gaps too, so "
        "gaps neither prove nor disprove that entries were removed.", highlight=False,
    )  # fmt: skip
    typer.echo(json.dumps(report))
    if not report["ok"]:
        raise typer.Exit(1)


@app.command()
def statement(
    month: Annotated[str, typer.Argument(help="such as 2026-11")],
    currency: Annotated[str, typer.Argument(help="ISO 4217 code, such as USD")],
    to: Annotated[Path, typer.Option(help="file to write: .csv or .pdf")],
    lang: Annotated[str, typer.Option(help="en or zh")] = "en",
) -> None:
    """Write a month of the tenant's wallet: opening balance, every entry, closing balance."""
    with coded_errors():
        kind = to.suffix.removeprefix(".").lower()
        if kind not in ("csv", "pdf"):
            raise CommandError("format-unknown", f"{to} is neither .csv nor .pdf.", "Name the file so.")
        query = {"month": month, "currency": currency, "format": kind, "lang": lang}
        to.write_bytes(RunningService(Access.find(), "labeler").download("ledger/statement", **query))
        out.print(f"{to}: statement of {month} in {currency}", highlight=False)


async def audit(database: str, tenant: str | None = None) -> Report:
    """Examine every law in one read-only snapshot; `database` is an address that may read labeler's schema."""
    try:
        connection = await asyncpg.connect(database)
    except (OSError, asyncpg.PostgresError) as error:
        raise CommandError("database-unreachable", f"No database: {error}", "See LINKSTAR_DATABASE__URL.") from error
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await examine(connection, tenant)
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError) as error:
        raise CommandError(
            "no-books", str(error), "Name a database with labeler's schema and an account that may read it."
        ) from error
    finally:
        await connection.close()


async def examine(connection: asyncpg.Connection[Any], tenant: str | None = None) -> Report:
    """Examine every law as this connection's transaction sees the tables."""
    laws = {law.name: _judged(await connection.fetchrow(law.sql, tenant)) for law in LAWS}
    total = await connection.fetchval(LEDGER_SUM, tenant)
    gaps = await connection.fetchval(GAPS)
    ok = total == 0 and all(law["result"] != "violated" for law in laws.values())
    return {"ok": ok, "ledger_sum": total, "gaps": gaps, "laws": laws}


def _judged(row: asyncpg.Record | None) -> Report:
    if row is None:
        raise LookupError("a count returns one row")
    result = "violated" if row["violations"] else "ok" if row["examined"] else "not_exercised"
    return {"result": result, "examined": row["examined"], "violations": row["violations"],
            "examples": row["examples"] or []}  # fmt: skip


def _table(report: Report) -> Listing:
    table = Listing("law", "result", "examined", "broken", "what it says", prose={"what it says"},
                    right={"examined", "broken"})  # fmt: skip
    for law in LAWS:
        found = report["laws"][law.name]
        says = f"{law.says}: {', '.join(found['examples'])}" if found["examples"] else law.says
        table.add_row(law.name, found["result"], str(found["examined"]), str(found["violations"]), says)
    return table
