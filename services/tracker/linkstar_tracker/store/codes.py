"""Codes of carriers that no row of the mapping explains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linkstar_runtime.handling import Transaction
from linkstar_tracker.store.rows import columns

__all__ = ["count_unmapped", "unmapped_codes"]


async def count_unmapped(tx: Transaction, seen: Mapping[tuple[str, str, str], tuple[int, str]]) -> None:
    """Add to the counts of (tenant, carrier, code): how often seen, and the carrier's words."""
    flat = [(*code, *told) for code, told in sorted(seen.items())]
    await tx.execute(
        "INSERT INTO unmapped_code (tenant, carrier, code, seen, sample, first_seen_at, last_seen_at) SELECT u.*, $6, $6 "
        "FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[]) u "
        "ORDER BY 1, 2, 3 ON CONFLICT (tenant, carrier, code) DO UPDATE SET seen = unmapped_code.seen + EXCLUDED.seen, "
        "last_seen_at = EXCLUDED.last_seen_at",
        *columns(flat, 5), tx.now,
    )  # fmt: skip


async def unmapped_codes(tx: Transaction, tenant: str) -> list[Mapping[str, Any]]:
    """Return the codes of a tenant's scans that no row explains, most frequent first."""
    rows = await tx.fetch(
        "SELECT carrier, code, seen, sample, first_seen_at, last_seen_at FROM unmapped_code WHERE tenant = $1 "
        "ORDER BY seen DESC, carrier, code LIMIT 500",
        tenant,
    )
    return [dict(row) for row in rows]
