"""Cases, the sealed papers in them, and the public keys that packs were signed with."""

# ruff: noqa: S608 - the only parts put together are constant column lists

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from linkstar_runtime.handling import Transaction
from linkstar_tracker.domain.cases import Case, CaseOpening
from linkstar_tracker.domain.shipment import Shipment
from linkstar_tracker.store.rows import SHIPMENT_COLUMNS, columns, shipment_of

__all__ = [
    "CaseKey", "SealedPaper", "add_paper", "case_of", "close_cases", "due_cases", "forget_papers", "keep_signing_key",
    "known_paper", "lock_trails", "open_cases", "papers_of", "read_cases", "save_trails", "signing_keys", "store_case_key",
]  # fmt: skip

CaseKey = tuple[str, str]
"""Tenant and shipment: it has one open case at most."""

_CASE = (
    "SELECT c.tenant, c.shipment_id, c.number, c.opened_by, c.opened_at, c.keep_until, c.closed_at, c.closed_by, c.key, "
    "(SELECT count(*)::int FROM evidence_paper p WHERE p.tenant = c.tenant AND p.shipment_id = c.shipment_id "
    "AND p.number = c.number) AS papers, (SELECT COALESCE(sum(p.bytes), 0)::int FROM evidence_paper p "
    "WHERE p.tenant = c.tenant AND p.shipment_id = c.shipment_id AND p.number = c.number) AS bytes FROM evidence_case c "
)


class SealedPaper(NamedTuple):
    """A paper as it is kept, under the number of its entry and that of its case."""

    entry: int
    case: int
    kind: str
    content_type: str
    size: int
    commitment: bytes
    sealed: bytes


async def lock_trails(tx: Transaction, keys: Collection[CaseKey]) -> dict[CaseKey, Shipment]:
    """Return shipments without their scans and exceptions, locked until the transaction ends: enough to record a fact."""
    rows = await tx.fetch(
        f"SELECT {SHIPMENT_COLUMNS} FROM tracker t JOIN unnest($1::text[], $2::text[]) u(tenant, shipment_id) "
        "USING (tenant, shipment_id) ORDER BY t.tenant, t.shipment_id FOR NO KEY UPDATE OF t",
        *columns(sorted(keys), 2),
    )  # fmt: skip
    return {(row["tenant"], row["shipment_id"]): shipment_of(row) for row in rows}


async def save_trails(tx: Transaction, shipments: Iterable[Shipment]) -> None:
    """Store where the chains of locked shipments end now."""
    flat = [(s.tenant, s.shipment_id, s.trail.count, s.trail.head) for s in shipments]
    await tx.execute(
        "UPDATE tracker t SET entries = u.entries, head = u.head, "
        "briefed_at = CASE WHEN t.briefed_at = t.entries AND t.briefs_at IS NULL THEN u.entries END "
        "FROM unnest($1::text[], $2::text[], $3::int[], $4::bytea[]) u(tenant, shipment_id, entries, head) "
        "WHERE t.tenant = u.tenant AND t.shipment_id = u.shipment_id",
        *columns(flat, 4),
    )  # fmt: skip


async def open_cases(tx: Transaction, wanted: Sequence[CaseOpening]) -> None:
    """Open cases of locked shipments; one that is open stays, for longer if it is wanted for longer."""
    await tx.execute(
        "WITH wanted AS (SELECT tenant, shipment_id, min(shard) AS shard, min(opened_by) AS opened_by, "
        "max(keep_until) AS keep_until FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::timestamptz[]) "
        "u(tenant, shipment_id, shard, opened_by, keep_until) GROUP BY tenant, shipment_id), "
        "there AS (UPDATE evidence_case c SET keep_until = GREATEST(c.keep_until, w.keep_until) FROM wanted w "
        "WHERE c.tenant = w.tenant AND c.shipment_id = w.shipment_id AND c.closed_at IS NULL "
        "RETURNING c.tenant, c.shipment_id) "
        "INSERT INTO evidence_case (tenant, shipment_id, number, shard, opened_by, opened_at, keep_until) "
        "SELECT w.tenant, w.shipment_id, 1 + (SELECT COALESCE(max(number), 0) FROM evidence_case c WHERE "
        "c.tenant = w.tenant AND c.shipment_id = w.shipment_id), w.shard, w.opened_by, $6, w.keep_until FROM wanted w "
        "WHERE NOT EXISTS (SELECT FROM there t WHERE t.tenant = w.tenant AND t.shipment_id = w.shipment_id)",
        *columns(wanted, 5), tx.now,
    )  # fmt: skip


async def case_of(tx: Transaction, tenant: str, shipment_id: str) -> Case | None:
    """Return a shipment's newest case."""
    row = await tx.fetchrow(
        f"{_CASE} WHERE c.tenant = $1 AND c.shipment_id = $2 ORDER BY c.number DESC LIMIT 1", tenant, shipment_id
    )
    return Case(*row) if row else None


async def read_cases(tx: Transaction, tenant: str, after: str, limit: int) -> list[Case]:
    """Return a tenant's open cases after this shipment."""
    rows = await tx.fetch(
        f"{_CASE} WHERE c.tenant = $1 AND c.shipment_id > $2 AND c.closed_at IS NULL ORDER BY c.shipment_id LIMIT $3",
        tenant, after, limit,
    )  # fmt: skip
    return [Case(*row) for row in rows]


async def store_case_key(tx: Transaction, case: Case, key: bytes) -> None:
    """Give an open case its key."""
    await tx.execute(
        "UPDATE evidence_case SET key = $4 WHERE tenant = $1 AND shipment_id = $2 AND number = $3 AND closed_at IS NULL",
        case.tenant, case.shipment_id, case.number, key,
    )  # fmt: skip


async def known_paper(tx: Transaction, tenant: str, shipment_id: str, commitment: bytes) -> int | None:
    """Return the entry of a paper that was added before."""
    entry: int | None = await tx.fetchval(
        "SELECT entry FROM evidence_paper WHERE tenant = $1 AND shipment_id = $2 AND commitment = $3",
        tenant, shipment_id, commitment,
    )  # fmt: skip
    return entry


async def add_paper(tx: Transaction, tenant: str, shipment_id: str, paper: SealedPaper) -> None:
    """Keep a paper of a locked shipment."""
    await tx.execute(
        "INSERT INTO evidence_paper (tenant, shipment_id, entry, number, kind, content_type, bytes, commitment, sealed) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        tenant, shipment_id, *paper,
    )  # fmt: skip


async def papers_of(tx: Transaction, tenant: str, shipment_id: str) -> list[SealedPaper]:
    """Return a shipment's papers that can still be opened."""
    rows = await tx.fetch(
        "SELECT entry, number, kind, content_type, bytes, commitment, sealed FROM evidence_paper "
        "WHERE tenant = $1 AND shipment_id = $2 ORDER BY entry",
        tenant, shipment_id,
    )  # fmt: skip
    return [SealedPaper(*row) for row in rows]


async def due_cases(tx: Transaction, shards: Sequence[int], limit: int) -> list[CaseKey]:
    """Return shipments whose open case is past its time, the longest past first."""
    rows = await tx.fetch(
        "SELECT tenant, shipment_id FROM evidence_case WHERE shard = ANY($1::int[]) AND closed_at IS NULL "
        "AND keep_until <= $2 ORDER BY keep_until LIMIT $3",
        list(shards), tx.now, limit,
    )  # fmt: skip
    return [(row["tenant"], row["shipment_id"]) for row in rows]


async def close_cases(
    tx: Transaction, keys: Iterable[CaseKey], by: str, kept_until: datetime | None = None
) -> dict[CaseKey, int]:  # fmt: skip
    """Close the open cases of locked shipments, only those past this time if one is given, and destroy their keys. Return
    their numbers.
    """
    rows = await tx.fetch(
        "UPDATE evidence_case c SET closed_at = $3, closed_by = $4, key = NULL FROM unnest($1::text[], $2::text[]) "
        "u(tenant, shipment_id) WHERE c.tenant = u.tenant AND c.shipment_id = u.shipment_id AND c.closed_at IS NULL "
        "AND c.keep_until <= COALESCE($5, c.keep_until) RETURNING c.tenant, c.shipment_id, c.number",
        *columns(sorted(keys), 2), tx.now, by, kept_until,
    )  # fmt: skip
    return {(row["tenant"], row["shipment_id"]): row["number"] for row in rows}


async def forget_papers(tx: Transaction, closed: dict[CaseKey, int]) -> dict[CaseKey, list[int]]:
    """Drop the sealed papers of closed cases, and return their entries."""
    rows = await tx.fetch(
        "DELETE FROM evidence_paper p USING unnest($1::text[], $2::text[], $3::int[]) u(tenant, shipment_id, number) "
        "WHERE p.tenant = u.tenant AND p.shipment_id = u.shipment_id AND p.number = u.number "
        "RETURNING p.tenant, p.shipment_id, p.entry",
        *columns(sorted((*key, number) for key, number in closed.items()), 3),
    )  # fmt: skip
    found: dict[CaseKey, list[int]] = {}
    for row in rows:
        found.setdefault((row["tenant"], row["shipment_id"]), []).append(row["entry"])
    return found


async def keep_signing_key(tx: Transaction, public_key: bytes) -> None:
    """Remember that packs are signed with this key."""
    await tx.execute(
        "INSERT INTO signing_key (public_key, first_used_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        public_key, tx.now,
    )  # fmt: skip


async def signing_keys(tx: Transaction) -> list[tuple[bytes, datetime]]:
    """Return the public keys that packs were ever signed with, the newest first."""
    rows = await tx.fetch("SELECT public_key, first_used_at FROM signing_key ORDER BY first_used_at DESC, public_key")
    return [(row["public_key"], row["first_used_at"]) for row in rows]
