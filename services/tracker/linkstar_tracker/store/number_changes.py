"""Numbers that parcels travel on under: registered beside the label's as soon as change and label are both known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from linkstar_runtime.handling import Transaction
from linkstar_tracker.domain.reports import NumberChange
from linkstar_tracker.store.numbers import Number
from linkstar_tracker.store.rows import columns

__all__ = ["follow_changes", "follow_missed", "keep_changes"]

_MOST_HOPS = 8
"""No parcel is handed on more often; whoever tells of a longer way costs no more."""


async def keep_changes(tx: Transaction, changes: Sequence[NumberChange], reporter: str, until: datetime) -> None:
    """Keep that parcels travel on under other numbers, as a reporter tells, and follow those whose label is known."""
    await tx.execute(
        "INSERT INTO number_change SELECT DISTINCT u.*, $5, $6::timestamptz FROM unnest($1::text[], $2::text[], $3::text[], "
        "$4::text[]) u ORDER BY 1, 2, 3, 4 ON CONFLICT DO NOTHING",
        *columns(changes, 4), reporter, until,
    )  # fmt: skip
    await follow_changes(tx, {change[:2] for change in changes})


async def follow_changes(tx: Transaction, numbers: Iterable[Number]) -> None:
    """Register what parcels travel on under from these numbers on, through every change that their own tenant or a carrier
    told of. A number that has an owner keeps it, and the newcomer is noted; a label's claim is stronger (`claim_numbers`).
    """
    await tx.execute(
        "WITH RECURSIVE onward AS (SELECT c.next_carrier AS carrier, c.next_number AS number, n.tenant, n.shipment_id, "
        "n.order_id, COALESCE(n.stands_for, n.tracking_number) AS stands_for, 1 AS hops FROM unnest($1::text[], $2::text[]) "
        "u(carrier, tracking_number) JOIN number_change c USING (carrier, tracking_number) "
        "JOIN tracking_number n USING (carrier, tracking_number) WHERE c.tenant IN ('*', n.tenant) "
        "UNION SELECT c.next_carrier, c.next_number, o.tenant, o.shipment_id, o.order_id, o.stands_for, o.hops + 1 "
        "FROM onward o JOIN number_change c ON c.carrier = o.carrier AND c.tracking_number = o.number "
        "WHERE c.tenant IN ('*', o.tenant) AND o.hops < $4), "
        "made AS (INSERT INTO tracking_number (carrier, tracking_number, tenant, shipment_id, order_id, registered_at, "
        "stands_for) SELECT DISTINCT ON (1, 2) carrier, number, tenant, shipment_id, order_id, $3, stands_for FROM onward "
        "ORDER BY 1, 2, 3, 4 ON CONFLICT DO NOTHING RETURNING carrier, tracking_number, tenant, shipment_id), "
        "refused AS (INSERT INTO number_conflict SELECT DISTINCT o.carrier, o.number, o.tenant, o.shipment_id, "
        "$3::timestamptz FROM onward o JOIN tracking_number n ON n.carrier = o.carrier AND n.tracking_number = o.number "
        "WHERE (n.tenant, n.shipment_id) <> (o.tenant, o.shipment_id) ON CONFLICT DO NOTHING) "
        "INSERT INTO poll_due (carrier, tracking_number, tenant, shipment_id, test, known_at, due_at) "
        "SELECT m.carrier, m.tracking_number, m.tenant, m.shipment_id, a.test, $3, $3 FROM made m "
        "JOIN tracker t USING (tenant, shipment_id) JOIN LATERAL (SELECT DISTINCT test FROM tracking_account "
        "WHERE carrier = m.carrier AND tenant IN (m.tenant, '*') "
        "AND test = COALESCE((t.label::jsonb ->> 'test')::boolean, false)) a ON true ON CONFLICT DO NOTHING",
        *columns(sorted(set(numbers)), 2), tx.now, _MOST_HOPS,
    )  # fmt: skip


async def follow_missed(tx: Transaction, expiring_after: datetime, limit: int) -> None:
    """Follow changes that were kept while the label of their number was being registered, which neither side saw."""
    rows = await tx.fetch(
        "SELECT c.carrier, c.tracking_number FROM number_change c JOIN tracking_number n USING (carrier, tracking_number) "
        "WHERE c.expires_at > $1 AND c.tenant IN ('*', n.tenant) AND NOT EXISTS (SELECT FROM tracking_number o "
        "WHERE o.carrier = c.next_carrier AND o.tracking_number = c.next_number) LIMIT $2",
        expiring_after, limit,
    )  # fmt: skip
    if rows:
        await follow_changes(tx, {(row["carrier"], row["tracking_number"]) for row in rows})
