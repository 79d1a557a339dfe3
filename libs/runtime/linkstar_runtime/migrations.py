"""Migration files of a package: `0001_create_routes.sql`, numbered without gaps, never changed once applied."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Any

import asyncpg

__all__ = ["Migration", "MigrationError", "applied", "pending", "read_migrations"]

_NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")


class MigrationError(Exception):
    """A migration that cannot be applied. `code` is stable."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Migration:
    """One file."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of the text, equal for both kinds of line ends."""
        return sha256(self.sql.replace("\r\n", "\n").encode()).hexdigest()


def read_migrations(package: str) -> list[Migration]:
    """Return the package's migrations in order; raises MigrationError unless they are numbered 1, 2, 3 and so on."""
    found = []
    for resource in files(package).iterdir():
        if resource.name.endswith(".sql"):
            match = _NAME.match(resource.name)
            if not match:
                raise MigrationError("migration_misnamed", f"{package}/{resource.name}: want 0001_some_words.sql")
            found.append(Migration(int(match[1]), resource.name, resource.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationError("migration_misnumbered", f"{package}: {', '.join(m.name for m in found)}")
    return found


async def applied(connection: asyncpg.Connection[Any], schema: str, package: str) -> dict[int, str]:
    """Return number and checksum of the package's migrations that the schema has."""
    rows = await connection.fetch(
        f'SELECT number, checksum FROM "{schema}".schema_migration WHERE package = $1',  # noqa: S608 - our own schema
        package,
    )
    return {row["number"]: row["checksum"] for row in rows}


def pending(migrations: Sequence[Migration], done: dict[int, str]) -> list[Migration]:
    """Return the migrations not yet applied; raises MigrationError when an applied one has been changed since."""
    for migration in migrations:
        if done.get(migration.number, migration.checksum) != migration.checksum:
            raise MigrationError(
                "migration_changed", f"{migration.name} was changed after it was applied; write a new file instead"
            )
    return [migration for migration in migrations if migration.number not in done]
