"""Who printed which label, when and how often."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from linkstar_runtime.handling import Transaction

__all__ = ["PrintCount", "note_prints", "prints_of"]


class PrintCount(NamedTuple):
    """How often a key printed a label in a format. `changed`: the last print differed from the first."""

    key_id: str
    format: str
    prints: int
    changed: bool
    first_at: datetime
    last_at: datetime


async def note_prints(
    tx: Transaction, tenant: str, key_id: str, form: str, labels: Sequence[tuple[str, int, bool]]
) -> None:
    """Count one more print of each label (shipment id, route version, changed)."""
    rows = sorted(labels)
    await tx.execute(
        """INSERT INTO label_print AS p (tenant, shipment_id, route_version, key_id, format, prints, changed, first_at,
             last_at)
           SELECT $1, shipment_id, route_version, $2, $3, 1, changed, $4, $4
           FROM unnest($5::text[], $6::int[], $7::bool[]) u(shipment_id, route_version, changed)
           ON CONFLICT (tenant, shipment_id, route_version, key_id, format)
             DO UPDATE SET prints = p.prints + 1, changed = EXCLUDED.changed, last_at = EXCLUDED.last_at""",
        tenant, key_id, form, tx.now,
        [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows],
    )  # fmt: skip


async def prints_of(tx: Transaction, tenant: str, shipment_id: str, route_version: int) -> list[PrintCount]:
    """Return how one label was printed, the latest print first."""
    rows = await tx.fetch(
        """SELECT key_id, format, prints, changed, first_at, last_at FROM label_print
           WHERE tenant = $1 AND shipment_id = $2 AND route_version = $3 ORDER BY last_at DESC, key_id, format""",
        tenant, shipment_id, route_version,
    )  # fmt: skip
    return [PrintCount(**row) for row in rows]
