"""Shipments: made, locked with their current label, written back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from linkstar_contracts.events import RouteChosen
from linkstar_labeler.domain.shipments import CurrentLabel, Shipment
from linkstar_labeler.store.arrays import columns, transposed
from linkstar_runtime.handling import Transaction

__all__ = [
    "ShipmentKey", "held_counts", "held_shipments", "lock_shipments", "note_acceptance", "save_shipments",
    "start_shipments", "with_open_exceptions",
]  # fmt: skip

ShipmentKey = tuple[str, str]
"""Tenant and shipment id."""


async def start_shipments(tx: Transaction, shipments: Iterable[Shipment]) -> set[ShipmentKey]:
    """Make the rows of those shipments that were not heard of before, as they are, and return their keys: the new rows
    are locked by having been made.

    A label that is wanted is nearly always bought, so its event is counted already; `save_shipments` corrects the rest.
    """
    rows = sorted(shipments, key=lambda s: s.key)
    for shipment in rows:
        state = shipment.state
        shipment.stored = state._replace(version=state.version + 1) if shipment.wanted else state
    made = await tx.fetch(
        """INSERT INTO shipment (tenant, shipment_id, order_id, shard, version, order_version, route_version, cancelled,
             accepted)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::int[], $7::int[],
             $8::bool[], $9::bool[])
           ON CONFLICT DO NOTHING RETURNING tenant, shipment_id""",
        *columns([s.key for s in rows]), [s.order_id for s in rows], [s.shard for s in rows],
        *transposed([s.stored or s.state for s in rows]),
    )  # fmt: skip
    return {(row["tenant"], row["shipment_id"]) for row in made}


async def lock_shipments(
    tx: Transaction, keys: Iterable[ShipmentKey], *, labelled: bool = True
) -> dict[ShipmentKey, Shipment]:
    """Lock the known ones of these shipments in key order and return them, `labelled` with their current labels."""
    wanted = sorted(set(keys))
    rows = await tx.fetch(
        """SELECT s.* FROM shipment s JOIN unnest($1::text[], $2::text[]) u(tenant, shipment_id)
             USING (tenant, shipment_id)
           ORDER BY s.tenant, s.shipment_id FOR NO KEY UPDATE OF s""",
        *columns(wanted),
    )
    found = {(row["tenant"], row["shipment_id"]): _shipment(row) for row in rows}
    if labelled:
        await _add_labels(tx, {key: shipment for key, shipment in found.items() if shipment.route_version})
    return found


def _shipment(row: Any) -> Shipment:
    shipment = Shipment(**row)
    shipment.stored = shipment.state
    return shipment


async def _add_labels(tx: Transaction, shipments: Mapping[ShipmentKey, Shipment]) -> None:
    if not shipments:
        return
    rows = await tx.fetch(
        """SELECT l.tenant, l.shipment_id, l.route, l.tracking_numbers, l.hold_code, l.state = 'buying' AS buying
           FROM label l JOIN unnest($1::text[], $2::text[]) u(tenant, shipment_id) USING (tenant, shipment_id)
           WHERE l.state IN ('held', 'buying', 'active')""",
        *columns(shipments),
    )
    for row in rows:
        route = RouteChosen.model_validate_json(row["route"])
        label = CurrentLabel(route, tuple(row["tracking_numbers"]), row["hold_code"], row["buying"])
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


async def note_acceptance(
    tx: Transaction, scanned: Mapping[ShipmentKey, Collection[str]], always: Collection[ShipmentKey]
) -> tuple[list[ShipmentKey], list[RouteChosen]]:
    """Lock the shipments that are not under way yet, and `always` those named so; mark as under way all whose current
    label bears the one number that was scanned, and return the others, and the routes of returns that were marked.
    """
    rows = await tx.fetch(
        """SELECT s.tenant, s.shipment_id FROM shipment s
           JOIN unnest($1::text[], $2::text[], $3::bool[]) u(tenant, shipment_id, always) USING (tenant, shipment_id)
           WHERE u.always OR NOT s.accepted ORDER BY s.tenant, s.shipment_id FOR NO KEY UPDATE OF s""",
        *columns(scanned), [key in always for key in scanned],
    )  # fmt: skip
    locked = [(row["tenant"], row["shipment_id"]) for row in rows]
    plain = [(key, next(iter(scanned[key]))) for key in locked if len(scanned[key]) == 1 and key not in always]
    marked = await _mark_accepted(tx, plain) if plain else {}
    returned = [RouteChosen.model_validate_json(route) for route in marked.values() if route]
    return [key for key in locked if key not in marked], returned


async def _mark_accepted(
    tx: Transaction, scanned: Sequence[tuple[ShipmentKey, str]]
) -> dict[ShipmentKey, bytes | None]:
    """Mark them and return which were marked, each with its route if it is a return (`<order>~R1`)."""
    rows = await tx.fetch(
        """UPDATE shipment s SET accepted = true
           FROM unnest($1::text[], $2::text[], $3::text[]) u(tenant, shipment_id, number), label l
           WHERE s.tenant = u.tenant AND s.shipment_id = u.shipment_id AND l.tenant = u.tenant
             AND l.shipment_id = u.shipment_id AND l.state IN ('held', 'buying', 'active')
             AND u.number = ANY (l.tracking_numbers)
           RETURNING s.tenant, s.shipment_id, CASE WHEN strpos(s.shipment_id, '~R') > 0 THEN l.route END AS route""",
        *columns([key for key, _ in scanned]), [number for _, number in scanned],
    )  # fmt: skip
    return {(row["tenant"], row["shipment_id"]): row["route"] for row in rows}


async def with_open_exceptions(tx: Transaction, keys: Iterable[ShipmentKey]) -> list[ShipmentKey]:
    """Return those of these shipments about which something is open."""
    rows = await tx.fetch(
        """SELECT DISTINCT e.tenant, e.shipment_id FROM raised_exception e
           JOIN unnest($1::text[], $2::text[]) u(tenant, shipment_id) USING (tenant, shipment_id)
           WHERE e.state = 'open'""",
        *columns(keys),
    )
    return [(row["tenant"], row["shipment_id"]) for row in rows]


async def save_shipments(tx: Transaction, shipments: Iterable[Shipment]) -> None:
    """Write back what was learned of locked shipments."""
    changed = [s for s in shipments if s.state != s.stored]
    if not changed:
        return
    await tx.execute(
        """UPDATE shipment s SET version = u.version, order_version = u.order_version, route_version = u.route_version,
                  cancelled = u.cancelled, accepted = u.accepted
           FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::int[], $6::bool[], $7::bool[])
             u(tenant, shipment_id, version, order_version, route_version, cancelled, accepted)
           WHERE s.tenant = u.tenant AND s.shipment_id = u.shipment_id""",
        *columns([s.key for s in changed]), *transposed([s.state for s in changed]),
    )  # fmt: skip
