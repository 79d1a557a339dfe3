"""What becomes of sellers' budgets of alerts: parcels followed and alerts about silent ones, counted by shard and week."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

from linkstar_runtime.handling import Transaction
from linkstar_tracker.domain.shipment import Shipment
from linkstar_tracker.store.rows import columns

__all__ = ["count_alerts", "count_parcels", "watched_since"]


async def count_parcels(tx: Transaction, shipments: Iterable[Shipment]) -> None:
    """Count the parcels of shipments that are followed from now on."""
    counted = Counter[tuple[int, str]]()
    for shipment in shipments:
        counted[shipment.shard, shipment.tenant] += len(shipment.label.parcels) if shipment.label else 0
    await _count(tx, [(*key, parcels, 0) for key, parcels in sorted(counted.items())])


async def count_alerts(tx: Transaction, shipments: Iterable[Shipment]) -> None:
    """Count shipments of which it is told now that they are silent."""
    counted = Counter((shipment.shard, shipment.tenant) for shipment in shipments)
    await _count(tx, [(*key, 0, alerts) for key, alerts in sorted(counted.items())])


async def _count(tx: Transaction, flat: list[tuple[int, str, int, int]]) -> None:
    if not flat:
        return
    await tx.execute(
        "INSERT INTO watch_tally AS w (shard, week, tenant, parcels, alerts) SELECT u.shard, $5, u.tenant, u.parcels, "
        "u.alerts FROM unnest($1::int[], $2::text[], $3::bigint[], $4::bigint[]) u(shard, tenant, parcels, alerts) "
        "ON CONFLICT (shard, week, tenant) DO UPDATE SET parcels = w.parcels + EXCLUDED.parcels, "
        "alerts = w.alerts + EXCLUDED.alerts",
        *columns(flat, 4), _week(tx),
    )  # fmt: skip


async def watched_since(tx: Transaction, tenant: str, weeks: int) -> tuple[date, int, int]:
    """Return how many parcels and alerts of a tenant were counted in this week and those before it, and since when."""
    since = _week(tx) - timedelta(weeks=weeks - 1)
    row = await tx.fetchrow(
        "SELECT coalesce(sum(parcels), 0)::int, coalesce(sum(alerts), 0)::int FROM watch_tally "
        "WHERE tenant = $1 AND week >= $2",
        tenant, since,
    )  # fmt: skip
    return (since, *row) if row else (since, 0, 0)


def _week(tx: Transaction) -> date:
    """Return this week's Monday in UTC."""
    today = tx.now.date()
    return today - timedelta(days=today.weekday())
