"""`linkstar dlq list | show | redrive`: records that could not be processed, and their way back."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Annotated

import asyncpg
import typer

from linkstar_cli.access import Access
from linkstar_cli.screen import CommandError, coded_errors, out, print_json
from linkstar_sandbox.environment import service_environment
from linkstar_sandbox.listing import Listing
from linkstar_sandbox.plan import SERVICES, Plan

LIST = """
SELECT topic, part, off, code, class, tenant, attempts, first_failed_at, redriven_at FROM "{service}".dead_letter
WHERE ($1::text IS NULL OR code = $1) AND ($2::text IS NULL OR tenant = $2) AND ($3 OR redriven_at IS NULL)
ORDER BY first_failed_at DESC LIMIT $4"""
COUNT = """
SELECT count(*) FROM "{service}".dead_letter
WHERE ($1::text IS NULL OR code = $1) AND ($2::text IS NULL OR tenant = $2) AND redriven_at IS NULL
  AND headers IS NOT NULL AND ($3::text IS NULL OR (topic = $3 AND part = $4 AND off = $5))"""
SHOW = """
SELECT code, class, detail, tenant, trace_id, service_version, attempts, first_failed_at, redriven_at, record_ts,
       convert_from(key, 'UTF8') AS key, length(raw) AS bytes, raw
FROM "{service}".dead_letter WHERE topic = $1 AND part = $2 AND off = $3"""

app = typer.Typer(no_args_is_help=True, help=__doc__)
Service = Annotated[str | None, typer.Option(help="only this service's")]
Json = Annotated[bool, typer.Option("--json", help="one JSON array instead of a table")]
Code = Annotated[str | None, typer.Option(help="only this code")]
Tenant = Annotated[str | None, typer.Option(help="only this tenant's")]


@dataclass(frozen=True)
class Letter:
    """The address of one dead letter: who could not process it, and where the record stood."""

    service: str
    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.service}/{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Letter:
        service, _, place = text.partition("/")
        topic, *numbers = place.split("/")
        if service not in SERVICES or len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
            raise CommandError(
                "bad-letter", f"{text!r} names no dead letter.", "Copy it from `linkstar dlq list`."
            )  # fmt: skip
        return cls(service, topic, int(numbers[0]), int(numbers[1]))


@dataclass(frozen=True)
class Choice:
    """Which letters to redrive: one, or all of some services that answer to code and tenant."""

    letter: Letter | None
    code: str | None
    tenant: str | None
    services: list[str]

    @property
    def arguments(self) -> tuple[object, ...]:
        """For the count."""
        place = (self.letter.topic, self.letter.partition, self.letter.offset) if self.letter else (None, None, None)
        return (self.code, self.tenant, *place)

    def options(self, count: int, dry_run: bool) -> list[str]:
        """For the service's own `replay`."""
        place = f"{self.letter.partition}/{self.letter.offset}" if self.letter else None
        given = {
            "--code": self.code, "--tenant": self.tenant, "--topic": self.letter and self.letter.topic, "--place": place,
            "--limit": str(count),
        }  # fmt: skip
        said = [part for name, value in given.items() if value for part in (name, value)]
        return [*said, *(["--dry-run"] if dry_run else [])]


@app.command("list")
def list_letters(
    service: Service = None,
    code: Code = None,
    tenant: Tenant = None,
    every: Annotated[bool, typer.Option("--all", help="also those redriven already")] = False,
    limit: Annotated[int, typer.Option(min=1)] = 100,
    as_json: Json = False,
) -> None:
    """List dead letters, newest first."""
    with coded_errors():
        services = [_known(service)] if service else list(SERVICES)
        rows = asyncio.run(_list(Access.find().database, services, (code, tenant, every, limit)))
        if as_json:
            print_json([_plain(letter, row) for letter, row in rows])
        else:
            out.print(_table(rows) if rows else "No dead letters.")


def _plain(letter: Letter, row: asyncpg.Record) -> dict[str, object]:
    """The letter for programs: its name as `show` and `redrive` take it, its parts, what is known of it."""
    known = {name: row[name] for name in ("code", "class", "tenant", "attempts")}
    times = {name: row[name] and row[name].isoformat() for name in ("first_failed_at", "redriven_at")}
    return {"letter": str(letter), **asdict(letter), **known, **times}


def _table(rows: list[tuple[Letter, asyncpg.Record]]) -> Listing:
    columns = ("letter", "code", "class", "tenant", "attempts", "failed", "redriven")
    table = Listing(*columns, spare=("attempts", "failed", "class", "redriven", "tenant"))
    for letter, row in rows:
        failed, redriven = (
            f"{at:%Y-%m-%d %H:%M:%S}" if at else "" for at in (row["first_failed_at"], row["redriven_at"])
        )
        table.add_row(
            str(letter), row["code"], row["class"], row["tenant"] or "", str(row["attempts"]), failed, redriven
        )  # fmt: skip
    return table


async def _list(
    database: str, services: list[str], arguments: tuple[object, ...]
) -> list[tuple[Letter, asyncpg.Record]]:
    connection = await asyncpg.connect(database)
    try:
        return [
            (Letter(service, row["topic"], row["part"], row["off"]), row)
            for service in services
            for row in await connection.fetch(LIST.format(service=service), *arguments)
        ]
    finally:
        await connection.close()


@app.command()
def show(
    letter: Annotated[str, typer.Argument(help="SERVICE/TOPIC/PARTITION/OFFSET, from `linkstar dlq list`")],
    raw: Annotated[bool, typer.Option("--raw", help="also the record's bytes; may hold personal data")] = False,
) -> None:
    """Show one dead letter: why, when, and on request the record itself."""
    with coded_errors():
        row = asyncio.run(_show(Access.find().database, Letter.parse(letter)))
        for name, value in row.items():
            if name != "raw" and value is not None:
                out.print(f"{name:16} {value}", markup=False, highlight=False)
        if raw:
            out.print((row["raw"] or b"").decode(errors="backslashreplace"), markup=False, highlight=False)


async def _show(database: str, letter: Letter) -> asyncpg.Record:
    connection = await asyncpg.connect(database)
    try:
        sql = SHOW.format(service=letter.service)
        row = await connection.fetchrow(sql, letter.topic, letter.partition, letter.offset)
    finally:
        await connection.close()
    if row is None:
        raise CommandError("unknown-letter", f"There is no dead letter {letter}.", "See `linkstar dlq list --all`.")
    return row


@app.command()
def redrive(
    letter: Annotated[
        str | None, typer.Argument(help="one letter, from `linkstar dlq list`; or select by options")
    ] = None,
    service: Service = None,
    code: Code = None,
    tenant: Tenant = None,
    every: Annotated[bool, typer.Option("--all", help="all that were not redriven yet")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be sent")] = False,
) -> None:
    """Send dead letters through the ordinary handler path again, with the same event ids."""
    with coded_errors():
        address = Letter.parse(letter) if letter else None
        services = [_known(service)] if service else list(SERVICES)
        chosen = Choice(address, code, tenant, [address.service] if address else services)
        waiting = asyncio.run(_count(Access.find().database, chosen))
        total = sum(waiting.values())
        if not (letter or service or code or tenant or every or dry_run):
            raise CommandError(
                "nothing-selected", f"{total} dead letters would be sent; none was selected.",
                "Name one letter, or select with --service, --code or --tenant, or say --all; --dry-run sends nothing.",
            )  # fmt: skip
        out.print(f"{total} dead letters {'would be' if dry_run else 'are'} sent.", highlight=False)
        codes = [_replay(Access.find(), each, chosen.options(count, dry_run)) for each, count in waiting.items()]
        if any(codes):
            raise typer.Exit(1)


async def _count(database: str, chosen: Choice) -> dict[str, int]:
    """How many letters wait to be redriven, for each service that has some."""
    connection = await asyncpg.connect(database)
    try:
        found = {
            each: await connection.fetchval(COUNT.format(service=each), *chosen.arguments) for each in chosen.services
        }
    finally:
        await connection.close()
    return {service: count for service, count in found.items() if count}


def _replay(access: Access, service: str, options: list[str]) -> int:
    """The service's own `replay`, so that a letter goes through the very same handlers."""
    plan = Plan.load(access.home) if access.home.plan.exists() else Plan.from_environment()
    endpoints = {"clock": {}, **access.endpoints, "kafka": access.bootstrap, "database": access.database}
    environment = service_environment(access.home, plan, endpoints, service)
    command = [sys.executable, "-m", f"linkstar_{service}", "replay", *options]
    return subprocess.run(command, env=environment, check=False).returncode


def _known(service: str) -> str:
    if service not in SERVICES:
        raise CommandError(
            "unknown-service", f"There is no service {service!r}.", f"Name one of {', '.join(SERVICES)}."
        )
    return service
