"""Disputes about invoice lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from linkstar_labeler.domain.invoices import BookedLine
from linkstar_labeler.store.invoices import booked_line
from linkstar_runtime.handling import Transaction

__all__ = ["disputes_page", "end_disputes", "open_dispute", "overdue"]


async def open_dispute(tx: Transaction, line: BookedLine, reason: str, answer_due_on: date, key_id: str) -> None:
    """Keep the dispute of a locked line that had none."""
    await tx.execute(
        """INSERT INTO dispute (tenant, carrier, invoice_number, line, state, contested_minor, reason, opened_at,
             answer_due_on, key_id, shard)
           VALUES ($1, $2, $3, $4, 'open', $5, $6, $7, $8, $9, $10)""",
        line.tenant, line.carrier, line.invoice_number, line.line, line.contested_minor, reason, tx.now, answer_due_on,
        key_id, line.shard,
    )  # fmt: skip


async def end_disputes(tx: Transaction, lines: Sequence[BookedLine], outcome: str) -> None:
    """End the open disputes of locked lines."""
    await tx.execute(
        """UPDATE dispute d SET state = $5, ended_at = $6
           FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) u(tenant, carrier, invoice_number, line)
           WHERE (d.tenant, d.carrier, d.invoice_number, d.line) = (u.tenant, u.carrier, u.invoice_number, u.line)""",
        [line.tenant for line in lines], [line.carrier for line in lines], [line.invoice_number for line in lines],
        [line.line for line in lines], outcome, tx.now,
    )  # fmt: skip


async def overdue(tx: Transaction, shards: Sequence[int], today: date, limit: int) -> list[BookedLine]:
    """Lock and return disputed lines of these shards that got no answer in time."""
    rows = await tx.fetch(
        """SELECT l.tenant, l.carrier, l.invoice_number, l.invoice_date, l.line, l.kind, l.state, l.currency,
                  l.expected_minor, l.billed_minor, l.owner, l.shipment_id, l.shard
           FROM dispute d JOIN invoice_line l USING (tenant, carrier, invoice_number, line)
           WHERE d.state = 'open' AND d.shard = ANY($1::int[]) AND d.answer_due_on < $2
           ORDER BY l.tenant, l.carrier, l.invoice_number, l.line LIMIT $3 FOR NO KEY UPDATE OF l, d""",
        shards, today, limit,
    )  # fmt: skip
    return [booked_line(row) for row in rows]


async def disputes_page(tx: Transaction, tenant: str, state: str | None, limit: int) -> list[dict[str, object]]:
    """Return disputes, those that are due first."""
    rows = await tx.fetch(
        """SELECT d.carrier, d.invoice_number, d.line, d.state, d.contested_minor, l.currency, l.kind, l.shipment_id,
                  l.tracking_number, d.reason, d.opened_at, d.answer_due_on, d.ended_at
           FROM dispute d JOIN invoice_line l USING (tenant, carrier, invoice_number, line)
           WHERE d.tenant = $1 AND ($2::text IS NULL OR d.state = $2)
           ORDER BY d.answer_due_on, d.carrier, d.invoice_number, d.line LIMIT $3""",
        tenant, state, limit,
    )  # fmt: skip
    return [dict(row) for row in rows]
