"""Shipments: made, locked with their current label, written back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from linkstar_contracts.events import RouteChosen
from linkstar_labeler.domain.shipments import CurrentLabel, Shipment
from linkstar_labeler.store.arrays import columns
from linkstar_runtime.handling import Transaction

__all__ = [
    "ShipmentKey",
    "awaiting_news",
    "held_counts",
    "held_shipments",
    "lock_shipments",
    "save_shipments",
    "start_shipments",
]

ShipmentKey = tuple[str, str]
"""Tenant and shipment id."""


async def start_shipments(tx: Transaction, shipments: Iterable[Shipment]) -> None:
    """Make the rows of shipments not heard of before."""
    rows = sorted({s.key: s for s in shipments}.values(), key=lambda s: s.key)
    await tx.execute(
        """INSERT INTO shipment (tenant, shipment_id, order_id, shard)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) ON CONFLICT DO NOTHING""",
        [s.tenant for s in rows], [s.shipment_id for s in rows], [s.order_id for s in rows], [s.shard for s in rows],
    )  # fmt: skip


async def lock_shipments(tx: Transaction, keys: Iterable[ShipmentKey]) -> dict[ShipmentKey, Shipment]:
    """Lock the known ones of these shipments in key order and return them with their current labels."""
    wanted = sorted(set(keys))
    rows = await tx.fetch(
        """SELECT s.* FROM shipment s JOIN unnest($1::text[], $2::text[]) u(tenant, shipment_id)
             USING (tenant, shipment_id)
           ORDER BY s.tenant, s.shipment_id FOR NO KEY UPDATE OF s""",
        *columns(wanted),
    )
    found = {(row["tenant"], row["shipment_id"]): Shipment(**row) for row in rows}
    await _add_labels(tx, {key: shipment for key, shipment in found.items() if shipment.route_version})
    return found


async def _add_labels(tx: Transaction, shipments: Mapping[ShipmentKey, Shipment]) -> None:
    if not shipments:
        return
    rows = await tx.fetch(
        """SELECT l.tenant, l.shipment_id, l.route, l.tracking_numbers, l.hold_code
           FROM label l JOIN unnest($1::text[], $2::text[]) u(tenant, shipment_id) USING (tenant, shipment_id)
           WHERE l.state IN ('held', 'active')""",
        *columns(shipments),
    )
    for row in rows:
        route = RouteChosen.model_validate_json(row["route"])
        label = CurrentLabel(route, tuple(row["tracking_numbers"]), row["hold_code"])
        shipments[row["tenant"], row["shipment_id"]].label = label


async def held_counts(tx: Transaction) -> dict[str, int]:
    """Return how many shipments wait for their label, by what holds them."""
    rows = await tx.fetch("SELECT hold_code, count(*) AS held FROM label WHERE state = 'held' GROUP BY hold_code")
    return {row["hold_code"]: row["held"] for row in rows}


async def held_shipments(tx: Transaction, shards: Sequence[int], limit: int) -> list[ShipmentKey]:
    """Return held shipments of these shards whose obstacle seems gone, in order of arrival."""
    rows = await tx.fetch(
        """SELECT l.tenant, l.shipment_id FROM label l
           WHERE l.state = 'held' AND l.shard = ANY($1::int[]) AND CASE l.hold_code
             WHEN 'insufficient_balance' THEN EXISTS (
               SELECT FROM wallet w WHERE w.tenant = l.tenant AND w.currency = l.currency
                 AND w.balance_minor + w.credit_limit_minor >= l.charged_minor)
             WHEN 'numbers_exhausted' THEN EXISTS (
               SELECT FROM number_range r WHERE r.carrier = l.carrier AND r.next_serial <= r.last_serial)
             ELSE false END
           ORDER BY l.arrival LIMIT $2""",
        shards, limit,
    )  # fmt: skip
    return [(row["tenant"], row["shipment_id"]) for row in rows]


async def awaiting_news(tx: Transaction, keys: Sequence[ShipmentKey], delivered: set[ShipmentKey]) -> list[ShipmentKey]:
    """Return those of these shipments that news of the carrier can change: not under way yet, or delivered while
    something about them is open.
    """
    if not keys:
        return []
    rows = await tx.fetch(
        """SELECT DISTINCT s.tenant, s.shipment_id FROM shipment s
           JOIN unnest($1::text[], $2::text[], $3::bool[]) u(tenant, shipment_id, delivered) USING (tenant, shipment_id)
           WHERE NOT s.accepted OR (u.delivered AND EXISTS (
             SELECT FROM raised_exception e
             WHERE e.tenant = s.tenant AND e.shipment_id = s.shipment_id AND e.state = 'open'))""",
        *columns(keys), [key in delivered for key in keys],
    )  # fmt: skip
    return [(row["tenant"], row["shipment_id"]) for row in rows]


async def save_shipments(tx: Transaction, shipments: Sequence[Shipment]) -> None:
    """Write back what was learned of locked shipments."""
    await tx.execute(
        """UPDATE shipment s SET version = u.version, order_version = u.order_version, route_version = u.route_version,
                  cancelled = u.cancelled, accepted = u.accepted
           FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::int[], $6::bool[], $7::bool[])
             u(tenant, shipment_id, version, order_version, route_version, cancelled, accepted)
           WHERE s.tenant = u.tenant AND s.shipment_id = u.shipment_id""",
        *columns([s.key for s in shipments]),
        [s.version for s in shipments], [s.order_version for s in shipments], [s.route_version for s in shipments],
        [s.cancelled for s in shipments], [s.accepted for s in shipments],
    )  # fmt: skip
