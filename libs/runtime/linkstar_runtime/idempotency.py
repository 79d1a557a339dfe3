"""`Idempotency-Key` for commands that move money: the first answer is stored in the command's own transaction and given
again for the same key and content.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b, sha256

from fastapi import Request

from linkstar_runtime.handling import Transaction
from linkstar_runtime.problems import Problem

__all__ = ["IDEMPOTENCY_KEY", "IdempotentCommand", "StoredAnswer", "idempotent_command"]

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key", "in": "header", "required": True, "description": "New for each command",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}  # fmt: skip
"""The header as a parameter of the OpenAPI document."""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The answer of the first execution."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class IdempotentCommand:
    """One command under its key. `replay` first, then work, then `store`, all in one transaction."""

    tenant: str
    key: str
    fingerprint: bytes

    async def replay(self, tx: Transaction) -> StoredAnswer | None:
        """Return the stored answer, or None for a new command, which then holds its key until the transaction ends.

        Raises 409 while another transaction works under this key, and 422 when the key came with other content.
        """
        if not await tx.fetchval("SELECT pg_try_advisory_xact_lock($1)", self._lock()):
            raise Problem(
                409, "idempotency_in_flight", "A request with this Idempotency-Key is being worked on",
                fix="Wait, then repeat it.", headers={"Retry-After": "1"},
            )  # fmt: skip
        row = await tx.fetchrow(
            "SELECT fingerprint, status, response FROM idempotency_key WHERE tenant = $1 AND key = $2",
            self.tenant, self.key,
        )  # fmt: skip
        if row is None:
            return None
        if row["fingerprint"] != self.fingerprint:
            raise Problem(
                422, "idempotency_key_reused", "This Idempotency-Key was used for another request",
                field="Idempotency-Key", fix="Use a new key for a new request.",
            )  # fmt: skip
        return StoredAnswer(row["status"], row["response"])

    async def store(self, tx: Transaction, status: int, body: bytes) -> None:
        """Keep the answer for repetitions."""
        await tx.execute(
            "INSERT INTO idempotency_key (tenant, key, fingerprint, status, response, created_at) "
            "VALUES ($1, $2, $3, $4, $5, $6)",
            self.tenant, self.key, self.fingerprint, status, body, tx.now,
        )  # fmt: skip

    def _lock(self) -> int:
        named = f"{self.tenant}|{self.key}".encode()
        return int.from_bytes(blake2b(named, digest_size=8).digest(), "big", signed=True)


async def idempotent_command(request: Request, tenant: str) -> IdempotentCommand:
    """Return the command a request stands for; raises the coded 400 without a usable Idempotency-Key."""
    key = request.headers.get("idempotency-key", "")
    if not key:
        raise _unusable("idempotency_key_missing", "This request needs an Idempotency-Key")
    if not _KEY.fullmatch(key):
        raise _unusable("idempotency_key_invalid", "This Idempotency-Key is too long or not visible ASCII")
    query = f"?{request.url.query}" if request.url.query else ""
    content = f"{request.method} {request.url.path}{query}\n".encode() + await request.body()
    return IdempotentCommand(tenant, key, sha256(content).digest())


def _unusable(code: str, title: str) -> Problem:
    fix = "Send a header Idempotency-Key of 1 to 255 visible ASCII characters, new for each command."
    return Problem(400, code, title, field="Idempotency-Key", fix=fix)
