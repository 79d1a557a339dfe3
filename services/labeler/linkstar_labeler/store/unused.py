"""Labels that nobody used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from linkstar_labeler.store.shipments import ShipmentKey
from linkstar_runtime.handling import Transaction

__all__ = ["UnusedPolicy", "drop_unused_policy", "note_swept", "set_unused_policy", "unused_labels", "unused_policies"]


@dataclass(frozen=True, slots=True)
class UnusedPolicy:
    """A tenant gives up labels that were not scanned within so many days; older ones were looked at up to `swept_until`."""

    tenant: str
    after_days: int
    swept_until: datetime | None = None


async def set_unused_policy(tx: Transaction, policy: UnusedPolicy, key_id: str) -> None:
    """Set a tenant's days."""
    await tx.execute(
        """INSERT INTO unused_policy (tenant, after_days, key_id, changed_at) VALUES ($1, $2, $3, $4)
           ON CONFLICT (tenant) DO UPDATE SET after_days = EXCLUDED.after_days, key_id = EXCLUDED.key_id,
             changed_at = EXCLUDED.changed_at""",
        policy.tenant, policy.after_days, key_id, tx.now,
    )  # fmt: skip


async def drop_unused_policy(tx: Transaction, tenant: str) -> None:
    """Let a tenant keep its labels for ever, and forget how far they were looked at."""
    await tx.execute("DELETE FROM unused_policy WHERE tenant = $1", tenant)
    await tx.execute("DELETE FROM unused_sweep WHERE tenant = $1", tenant)


async def unused_policies(tx: Transaction, shards: Sequence[int], tenant: str | None = None) -> list[UnusedPolicy]:
    """Return every policy, or a tenant's, and up to when all of these shards were looked at."""
    rows = await tx.fetch(
        """SELECT p.tenant, p.after_days,
                  CASE WHEN count(s.shard) = cardinality($1::int[]) THEN min(s.swept_until) END AS swept_until
           FROM unused_policy p LEFT JOIN unused_sweep s ON s.tenant = p.tenant AND s.shard = ANY($1::int[])
           WHERE $2::text IS NULL OR p.tenant = $2 GROUP BY p.tenant, p.after_days ORDER BY p.tenant""",
        shards, tenant,
    )  # fmt: skip
    return [UnusedPolicy(**row) for row in rows]


async def unused_labels(
    tx: Transaction, policy: UnusedPolicy, shards: Sequence[int], until: datetime, limit: int
) -> list[ShipmentKey]:
    """Return shipments whose paid label was made up to `until`, later than was looked at, and never scanned."""
    rows = await tx.fetch(
        """SELECT l.tenant, l.shipment_id FROM label l JOIN shipment s USING (tenant, shipment_id)
           WHERE l.tenant = $1 AND l.shard = ANY($2::int[]) AND l.state = 'active' AND l.charged_minor > 0
             AND NOT s.accepted AND l.created_at > $3 AND l.created_at <= $4
           ORDER BY l.created_at, l.shipment_id LIMIT $5""",
        policy.tenant, shards, policy.swept_until or until - timedelta(days=36_500), until, limit,
    )  # fmt: skip
    return [(row["tenant"], row["shipment_id"]) for row in rows]


async def note_swept(tx: Transaction, tenant: str, shards: Sequence[int], until: datetime) -> None:
    """Keep up to when a tenant's labels of these shards were looked at; it never goes back."""
    await tx.execute(
        """INSERT INTO unused_sweep (tenant, shard, swept_until) SELECT $1, shard, $3 FROM unnest($2::int[]) u(shard)
           ON CONFLICT (tenant, shard) DO UPDATE
             SET swept_until = greatest(unused_sweep.swept_until, EXCLUDED.swept_until)""",
        tenant, shards, until,
    )  # fmt: skip
