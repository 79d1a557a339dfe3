"""Codes of carriers that no row of the mapping explains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linkstar_runtime.handling import Transaction
from linkstar_tracker.store.rows import columns

__all__ = ["count_unmapped", "unmapped_codes"]


async def count_unmapped(tx: Transaction, seen: Mapping[tuple[str, str], tuple[int, str]]) -> None:
    """Add to the counts of (carrier, code): how often seen, and the carrier's words."""
    flat = [(carrier, code, count, sample) for (carrier, code), (count, sample) in sorted(seen.items())]
    await tx.execute(
        "INSERT INTO unmapped_code SELECT u.*, $5, $5 FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) u "
        "ORDER BY 1, 2 ON CONFLICT (carrier, code) DO UPDATE SET seen = unmapped_code.seen + EXCLUDED.seen, "
        "last_seen_at = EXCLUDED.last_seen_at",
        *columns(flat, 4), tx.now,
    )  # fmt: skip


async def unmapped_codes(tx: Transaction) -> list[Mapping[str, Any]]:
    """Return the codes that no row explains, most frequent first."""
    return [
        dict(row) for row in await tx.fetch("SELECT * FROM unmapped_code ORDER BY seen DESC, carrier, code LIMIT 500")
    ]
