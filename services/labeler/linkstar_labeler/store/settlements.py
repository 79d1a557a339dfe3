"""Postings that wait for funds."""

from __future__ import annotations

from collections.abc import Sequence

from linkstar_contracts.values import Money
from linkstar_labeler.domain.ledger import Entry
from linkstar_labeler.store.arrays import columns
from linkstar_runtime.handling import Transaction

__all__ = ["add_waiting", "drop_waiting", "posted_ids", "waiting_postings"]


async def posted_ids(tx: Transaction, entries: Sequence[Entry]) -> set[tuple[str, str]]:
    """Return tenant and posting id of those entries that are posted or already wait."""
    rows = await tx.fetch(
        """SELECT tenant, posting_id FROM ledger_entry JOIN unnest($1::text[], $2::text[]) u(tenant, posting_id)
             USING (tenant, posting_id)
           UNION ALL
           SELECT tenant, posting_id FROM waiting_posting JOIN unnest($1::text[], $2::text[]) u(tenant, posting_id)
             USING (tenant, posting_id)""",
        *columns([(entry.tenant, entry.posting_id) for entry in entries]),
    )
    return {(row["tenant"], row["posting_id"]) for row in rows}


async def add_waiting(tx: Transaction, waiting: Sequence[tuple[int, Entry]]) -> None:
    """Keep postings that their wallets do not cover, with the shard whose owner tries them again."""
    await tx.execute(
        """INSERT INTO waiting_posting (tenant, posting_id, shard, currency, amount_minor, from_account, to_account,
             shipment_id)
           SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::bigint[], $6::text[], $7::text[],
             $8::text[])""",
        *columns([(entry.tenant, entry.posting_id) for _, entry in waiting]), [shard for shard, _ in waiting],
        [entry.amount.currency for _, entry in waiting], [entry.amount.amount_minor for _, entry in waiting],
        [entry.from_account for _, entry in waiting], [entry.to_account for _, entry in waiting],
        [entry.shipment_id for _, entry in waiting],
    )  # fmt: skip


async def waiting_postings(tx: Transaction, shards: Sequence[int], limit: int) -> list[Entry]:
    """Return waiting postings of these shards in order of arrival."""
    rows = await tx.fetch(
        """SELECT * FROM waiting_posting WHERE shard = ANY($1::int[]) ORDER BY arrival LIMIT $2""", shards, limit
    )
    return [
        Entry(
            row["tenant"], row["posting_id"], Money(amount_minor=row["amount_minor"], currency=row["currency"]),
            row["from_account"], row["to_account"], row["shipment_id"],
        )
        for row in rows
    ]  # fmt: skip


async def drop_waiting(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Forget waiting postings that are posted now."""
    await tx.execute(
        """DELETE FROM waiting_posting w USING unnest($1::text[], $2::text[]) u(tenant, posting_id)
           WHERE w.tenant = u.tenant AND w.posting_id = u.posting_id""",
        *columns([(entry.tenant, entry.posting_id) for entry in entries]),
    )
