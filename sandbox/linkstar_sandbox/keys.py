"""API keys of a fresh stack: tenant `demo` for people and the demo, `carrier` for the simulator's scans."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import string
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from linkstar_sandbox.home import Home

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
DEMO_TENANT = "demo"
ANY_TENANT = "*"


@dataclass(frozen=True)
class Grant:
    """Whom a key stands for and what it may do."""

    name: str
    tenant: str
    scopes: Sequence[str]


GRANTS = (
    Grant(
        "demo",
        DEMO_TENANT,
        ("orders:read", "orders:write", "quotes:read", "labels:read", "labels:write", "wallet:read", "wallet:write",
         "tracking:read", "returns:read", "returns:write"),
    ),
    Grant("carrier", ANY_TENANT, ("scans:write",)),
)  # fmt: skip


def provision_keys(home: Home, admin_url: str) -> Mapping[str, str]:
    """The stack's keys by name, stored hashed in the database and in clear among the home's secrets."""
    return asyncio.run(_provision(home, admin_url))


async def _provision(home: Home, admin_url: str) -> Mapping[str, str]:
    keys = {grant.name: home.secret(f"key-{grant.name}", make_key) for grant in GRANTS}
    connection = await asyncpg.connect(admin_url)
    try:
        for grant in GRANTS:
            key = keys[grant.name]
            await connection.execute(
                """INSERT INTO access.api_key (id8, sha256, tenant, scopes) VALUES ($1, $2, $3, $4)
                   ON CONFLICT (id8) DO UPDATE SET scopes = excluded.scopes""",
                key.split("_")[2], hashlib.sha256(key.encode()).digest(), grant.tenant, list(grant.scopes),
            )  # fmt: skip
    finally:
        await connection.close()
    return keys


def make_key() -> str:
    """A new key: `ls_live_<id>_<secret>_<checksum>`."""
    body = f"ls_live_{_letters(8)}_{_letters(43)}"
    return f"{body}_{zlib.crc32(body.encode()):08x}"


def _letters(count: int) -> str:
    return "".join(secrets.choice(BASE62) for _ in range(count))
