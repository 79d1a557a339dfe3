"""Watch policies of sellers, and the shipments that have yet to be looked at under a new one."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from linkstar_runtime.handling import Transaction

__all__ = ["StoredPolicy", "all_policies", "policy_of", "policy_state", "put_policy", "review_next"]


class StoredPolicy(NamedTuple):
    """A policy's JSON text and the number of its changes."""

    document: str
    version: int


async def put_policy(tx: Transaction, tenant: str, document: str) -> int:
    """Store the policy and return its version. All open shipments are due to be looked at again."""
    version: int = await tx.fetchval(
        "INSERT INTO watch_policy AS p (tenant, document, version, review_from, changed_at) VALUES ($1, $2, 1, '', $3) "
        "ON CONFLICT (tenant) DO UPDATE SET document = EXCLUDED.document, version = p.version + 1, review_from = '', "
        "changed_at = EXCLUDED.changed_at RETURNING version",
        tenant, document, tx.now,
    )  # fmt: skip
    return version


async def policy_of(tx: Transaction, tenant: str) -> StoredPolicy | None:
    """Return the tenant's policy."""
    row = await tx.fetchrow("SELECT document, version FROM watch_policy WHERE tenant = $1", tenant)
    return StoredPolicy(*row) if row else None


async def policy_state(tx: Transaction) -> tuple[int, int]:
    """Return how many policies there are and the sum of their versions: any change changes it."""
    row = await tx.fetchrow("SELECT count(*)::int, coalesce(sum(version), 0)::int FROM watch_policy")
    return tuple(row) if row else (0, 0)


async def all_policies(tx: Transaction) -> dict[str, str]:
    """Return the JSON text of every tenant's policy."""
    return {row["tenant"]: row["document"] for row in await tx.fetch("SELECT tenant, document FROM watch_policy")}


async def review_next(tx: Transaction, limit: int, read_by_all: datetime) -> int:
    """Make up to `limit` open shipments due that were not looked at since their seller's policy changed, of policies that
    every process has read: those changed at `read_by_all` or before.
    """
    policy = await tx.fetchrow(
        "SELECT tenant, review_from FROM watch_policy WHERE review_from IS NOT NULL AND changed_at <= $1 "
        "ORDER BY tenant LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED",
        read_by_all,
    )
    if policy is None:
        return 0
    rows = await tx.fetch(
        "WITH open AS (SELECT tenant, shipment_id FROM tracker WHERE tenant = $1 AND shipment_id > $2 "
        "AND watch_due_at IS NOT NULL ORDER BY tenant, shipment_id LIMIT $3 FOR NO KEY UPDATE) "
        "UPDATE tracker t SET watch_due_at = least(t.watch_due_at, $4), look_at = least(t.look_at, $4) FROM open "
        "WHERE t.tenant = open.tenant AND t.shipment_id = open.shipment_id RETURNING t.shipment_id",
        policy["tenant"], policy["review_from"], limit, tx.now,
    )  # fmt: skip
    last = max((row["shipment_id"] for row in rows), default=None) if len(rows) == limit else None
    await tx.execute("UPDATE watch_policy SET review_from = $2 WHERE tenant = $1", policy["tenant"], last)
    return len(rows)
