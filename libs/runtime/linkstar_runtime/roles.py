"""Database roles and grants: per schema an owner that may not sign in and a role that may change rows only."""

from __future__ import annotations

import re
from typing import Any

import asyncpg

from linkstar_runtime.database import ROLE_TIMEOUTS

__all__ = ["grant_shared", "prepare_schema", "set_password"]

_SCHEMA = re.compile(r"^[a-z][a-z0-9_]{0,30}$")
_VAULT_RIGHTS = {"ingest": "SELECT, INSERT", "labeler": "SELECT", "tracker": "SELECT", "returns": "SELECT"}
_SHARED = ("vault", "access")

_PREPARE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{schema}_owner') THEN CREATE ROLE "{schema}_owner" NOLOGIN; END IF;
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        EXECUTE format('GRANT "{schema}_owner" TO %I', current_user);
    END IF;
END $$;
CREATE SCHEMA IF NOT EXISTS "{schema}" AUTHORIZATION "{schema}_owner";
CREATE TABLE IF NOT EXISTS "{schema}".schema_migration (
    package text, number int, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (package, number)
);
ALTER TABLE "{schema}".schema_migration OWNER TO "{schema}_owner";
"""

_PREPARE_ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{schema}') THEN CREATE ROLE "{schema}" LOGIN; END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO "{schema}"', current_database());
END $$;
GRANT USAGE ON SCHEMA "{schema}" TO "{schema}";
GRANT SELECT ON "{schema}".schema_migration TO "{schema}";
ALTER DEFAULT PRIVILEGES FOR ROLE "{schema}_owner" IN SCHEMA "{schema}"
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "{schema}";
ALTER DEFAULT PRIVILEGES FOR ROLE "{schema}_owner" IN SCHEMA "{schema}" GRANT USAGE, SELECT ON SEQUENCES TO "{schema}";
"""


async def prepare_schema(connection: asyncpg.Connection[Any], schema: str) -> None:
    """Create what is missing of: owner role, schema, list of migrations and, for a service, its role with rights on rows.

    Rights come from default privileges, so that a migration may take some of them back for good.
    """
    if not _SCHEMA.match(schema):
        raise ValueError(f"not a schema name: {schema!r}")
    await connection.execute(_PREPARE.format(schema=schema))
    if schema not in _SHARED:
        await connection.execute(_PREPARE_ROLE.format(schema=schema))
        await _configure_role(connection, schema)


async def _configure_role(connection: asyncpg.Connection[Any], role: str) -> None:
    """Settings of the role in this database, for every way it may sign in."""
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    for name, value in {**ROLE_TIMEOUTS, "search_path": role}.items():
        await connection.execute(f"ALTER ROLE \"{role}\" IN DATABASE {database} SET {name} = '{value}'")


async def grant_shared(connection: asyncpg.Connection[Any], role: str) -> None:
    """Give a service its rights in the shared schemas: all read API keys, few the vault."""
    await connection.execute(f'GRANT USAGE ON SCHEMA access TO "{role}"; GRANT SELECT ON access.api_key TO "{role}"')
    if role in _VAULT_RIGHTS:
        await connection.execute(
            f'GRANT USAGE ON SCHEMA vault TO "{role}"; GRANT {_VAULT_RIGHTS[role]} ON vault.dek TO "{role}"'
        )


async def set_password(connection: asyncpg.Connection[Any], role: str, password: str) -> None:
    """Set the role's password."""
    statement = await connection.fetchval(
        "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)", role, password
    )
    await connection.execute(statement)
