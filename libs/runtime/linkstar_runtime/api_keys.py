"""API keys: `ls_live_<id8>_<43 base62>_<crc>` stands for a tenant and its scopes. Only the SHA-256 of a key is stored."""

from __future__ import annotations

import hmac
import re
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

import asyncpg
from fastapi import Security
from fastapi.security import APIKeyHeader

from linkstar_runtime.clock import Clock
from linkstar_runtime.database import Database
from linkstar_runtime.ids import Ids
from linkstar_runtime.problems import Problem

__all__ = ["PLATFORM_SCOPES", "PLATFORM_TENANT", "Authorizer", "Principal", "create_key", "revoke_key"]

PLATFORM_TENANT = "*"
PLATFORM_SCOPES = frozenset({"scans:write"})
"""Scopes that a key of no single tenant may use: the work itself tells the tenant."""
CACHE_SECONDS = 5.0
_CACHE_SIZE = 10_000
_KEY = re.compile(r"^(ls_live_([0-9A-Za-z]{8})_[0-9A-Za-z]{43})_([0-9a-f]{8})$")
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: the tenant and scopes of a valid key."""

    tenant: str
    scopes: frozenset[str]
    key_id: str

    def may(self, scope: str) -> bool:
        """True when the key has the scope (`*` has all); platform keys only for work that tells the tenant itself."""
        held = scope in self.scopes or "*" in self.scopes
        return held and (self.tenant != PLATFORM_TENANT or scope in PLATFORM_SCOPES)


async def create_key(
    connection: asyncpg.Connection[Any],
    tenant: str,
    scopes: Sequence[str],
    *,
    expires_at: datetime | None = None,
    ids: Ids | None = None,
) -> str:
    """Store a new key and return it: the only time it can be seen. Needs an administrator's connection."""
    ids = ids or Ids()
    id8 = ids.base62(8)
    body = f"ls_live_{id8}_{ids.base62(43)}"
    key = f"{body}_{_checksum(body)}"
    await connection.execute(
        "INSERT INTO access.api_key (id8, sha256, tenant, scopes, expires_at) VALUES ($1, $2, $3, $4, $5)",
        id8, sha256(key.encode()).digest(), tenant, list(scopes), expires_at,
    )  # fmt: skip
    return key


async def revoke_key(connection: asyncpg.Connection[Any], key_id: str) -> bool:
    """Revoke a key; it stops working within seconds. False when there is no such active key."""
    done = await connection.execute(
        "UPDATE access.api_key SET revoked_at = now() WHERE id8 = $1 AND revoked_at IS NULL", key_id
    )
    return done == "UPDATE 1"


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"


def _unauthenticated(code: str, title: str, fix: str) -> Problem:
    return Problem(401, code, title, fix=fix, headers=_CHALLENGE)


def _key_id(authorization: str | None) -> tuple[str, str]:
    """Return the key and its id; raises the coded 401 for what cannot be a key."""
    if not authorization:
        raise _unauthenticated("api_key_missing", "No API key was sent", "Send `Authorization: Bearer ls_live_…`.")
    scheme, _, key = authorization.partition(" ")
    match = _KEY.match(key.strip())
    if scheme.lower() != "bearer" or not match or match[3] != _checksum(match[1]):
        raise _unauthenticated(
            "api_key_malformed", "This is not an API key", "Copy the whole key, ls_live_… to its end."
        )
    return key.strip(), match[2]


_HEADER = APIKeyHeader(
    name="Authorization",
    scheme_name="apiKey",
    description="`Bearer ls_live_…`: an API key of your tenant",
    auto_error=False,
)


class Authorizer:
    """`Depends(authorize("orders:write"))` yields the caller's Principal, or answers 401 or 403."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._cache: dict[str, tuple[float, asyncpg.Record | None]] = {}

    def __call__(self, scope: str) -> Callable[..., Awaitable[Principal]]:
        """Return the FastAPI dependency that demands `scope`."""

        async def principal(authorization: Annotated[str | None, Security(_HEADER)] = None) -> Principal:
            found = await self.identify(authorization)
            if not found.may(scope):
                raise Problem(403, "scope_missing", f"This API key may not do {scope}", fix=f"Use a key with {scope}.")
            return found

        return principal

    async def identify(self, authorization: str | None) -> Principal:
        """Return who sent this Authorization header; raises the coded 401."""
        key, key_id = _key_id(authorization)
        row = await self._row(key_id)
        stored = row["sha256"] if row else bytes(32)
        genuine = hmac.compare_digest(stored, sha256(key.encode()).digest())
        if row is None or not genuine or row["revoked_at"] or self._expired(row["expires_at"]):
            raise _unauthenticated("api_key_invalid", "This API key is not valid", "Ask for a new key.")
        return Principal(row["tenant"], frozenset(row["scopes"]), key_id)

    def _expired(self, expires_at: datetime | None) -> bool:
        return expires_at is not None and expires_at <= self._clock.wall()

    async def _row(self, key_id: str) -> asyncpg.Record | None:
        """The stored key, at most `CACHE_SECONDS` old."""
        now = self._clock.monotonic()
        known = self._cache.get(key_id)
        if known and now - known[0] < CACHE_SECONDS:
            return known[1]
        async with self._database.autocommit() as tx:
            row = await tx.fetchrow(
                "SELECT sha256, tenant, scopes, expires_at, revoked_at FROM access.api_key WHERE id8 = $1", key_id
            )
        if len(self._cache) >= _CACHE_SIZE:
            self._cache.clear()
        self._cache[key_id] = (now, row)
        return row
