"""API keys of a fresh stack: tenant `demo` for people and the demo, `carrier` for the simulator's scans."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from linkstar_sandbox.home import Home

DEMO_TENANT = "demo"
_EVERY_TENANT = "*"


@dataclass(frozen=True)
class Grant:
    """Whom a key stands for and what it may do."""

    name: str
    tenant: str
    scope: str


GRANTS = (Grant("demo", DEMO_TENANT, "*"), Grant("carrier", _EVERY_TENANT, "scans:write"))


def provision_keys(home: Home, admin_url: str) -> Mapping[str, str]:
    """The stack's keys by name: hashed in the database, in clear among the home's secrets, the same at every start."""
    return asyncio.run(_provision(home, admin_url))


async def _provision(home: Home, admin_url: str) -> Mapping[str, str]:
    connection = await asyncpg.connect(admin_url)
    try:
        return {grant.name: await _key(home, connection, grant) for grant in GRANTS}
    finally:
        await connection.close()


async def _key(home: Home, connection: asyncpg.Connection[Any], grant: Grant) -> str:
    known = home.recall(f"key-{grant.name}")
    if known and await connection.fetchval("SELECT 1 FROM access.api_key WHERE id8 = $1", known.split("_")[2]):
        return known
    from linkstar_runtime.api_keys import create_key  # brings the web framework, which no command needs to start

    key = await create_key(connection, grant.tenant, [grant.scope])
    home.remember(f"key-{grant.name}", key)
    return key
