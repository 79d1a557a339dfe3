"""Brings a database to the state a service needs: roles, schemas, grants and numbered SQL files, each applied once.

Safe to run at any time, by several services at once, on one or several databases of a server.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg

from linkstar_runtime.migrations import Migration, MigrationError, applied, pending, read_migrations
from linkstar_runtime.roles import grant_shared, prepare_schema, set_password

__all__ = ["MigrationError", "at_head", "migrate"]

RUNTIME_MIGRATIONS = "linkstar_runtime.runtime_migrations"
SHARED_MIGRATIONS = {"vault": "linkstar_runtime.vault_migrations", "access": "linkstar_runtime.access_migrations"}
_LOCK = 7_201_930_416
_ATTEMPTS = 20


async def migrate(
    admin_url: str, service_schema: str, migrations_package: str, *, service_url: str | None = None
) -> list[str]:
    """Migrate the schema of one service, and the shared schemas; return the names of the files applied now.

    The service's role gets the password of `service_url`, when that names the role and has one.
    """
    async with _locked(admin_url) as connection:
        done = []
        for schema, package in SHARED_MIGRATIONS.items():
            done += await _migrate_schema(connection, schema, [package])
        done += await _migrate_schema(connection, service_schema, [RUNTIME_MIGRATIONS, migrations_package])
        await grant_shared(connection, service_schema)
        await _take_password(connection, service_schema, service_url)
    return done


async def at_head(connection: asyncpg.Connection[Any], schema: str, migrations_package: str) -> bool:
    """True when every migration of the service and the runtime has been applied to its schema."""
    packages = [RUNTIME_MIGRATIONS, migrations_package]
    return not any([pending(read_migrations(name), await applied(connection, schema, name)) for name in packages])


@asynccontextmanager
async def _locked(admin_url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection that is alone in migrating its database."""
    connection = await asyncpg.connect(admin_url, server_settings={"application_name": "linkstar migrate"})
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await connection.execute("SET lock_timeout = '10s'")
        yield connection
    finally:
        await connection.close()


async def _migrate_schema(connection: asyncpg.Connection[Any], schema: str, packages: list[str]) -> list[str]:
    await _again(connection, lambda: prepare_schema(connection, schema))
    done = []
    for package in packages:
        for migration in pending(read_migrations(package), await applied(connection, schema, package)):
            await _apply(connection, schema, package, migration)
            done.append(f"{schema}/{migration.name}")
    return done


async def _apply(connection: asyncpg.Connection[Any], schema: str, package: str, migration: Migration) -> None:
    """Run one file and note it down, in one transaction, as the schema's owner."""
    async with connection.transaction():
        as_owner = f'SET LOCAL ROLE "{schema}_owner"; SET LOCAL search_path = "{schema}"'
        await connection.execute(as_owner)
        try:
            await connection.execute(migration.sql)
        except asyncpg.PostgresError as error:
            raise MigrationError("migration_failed", f"{package}/{migration.name}: {error}") from error
        await connection.execute(as_owner)
        await connection.execute(
            "INSERT INTO schema_migration (package, number, name, checksum) VALUES ($1, $2, $3, $4)",
            package, migration.number, migration.name, migration.checksum,
        )  # fmt: skip


async def _take_password(connection: asyncpg.Connection[Any], role: str, service_url: str | None) -> None:
    parts = urlsplit((service_url or "").replace("{service}", role))
    if parts.username == role and parts.password:
        password = unquote(parts.password)
        await _again(connection, lambda: set_password(connection, role, password))


async def _again(connection: asyncpg.Connection[Any], change: Callable[[], Awaitable[None]]) -> None:
    """Repeat a change of the roles, which all databases of a server share, while another database's migration interferes."""
    for attempt in range(_ATTEMPTS):
        try:
            async with connection.transaction():
                await change()
        except (asyncpg.InternalServerError, asyncpg.UniqueViolationError, asyncpg.DuplicateObjectError):
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return
