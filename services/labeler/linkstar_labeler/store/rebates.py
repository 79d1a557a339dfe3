"""Agreements about volume, and the volume itself, counted from the ledger."""

from __future__ import annotations

import json

from linkstar_labeler.domain.ledger import carrier_payable
from linkstar_labeler.domain.months import Month
from linkstar_labeler.domain.rebates import Agreement, Tier, Volume
from linkstar_runtime.handling import Transaction

__all__ = ["add_agreement", "agreements_in", "volume_of"]


async def add_agreement(tx: Transaction, agreement: Agreement, key_id: str) -> bool:
    """Keep an agreement; False when there is one from the same day on."""
    done = await tx.execute(
        """INSERT INTO volume_agreement (tenant, carrier, currency, valid_from, valid_to, pool, tiers, source, as_of,
             synthetic, key_id, agreed_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING""",
        agreement.tenant, agreement.carrier, agreement.currency, agreement.valid_from, agreement.valid_to, agreement.pool,
        json.dumps([[tier.from_shipments, tier.basis_points] for tier in agreement.tiers]), agreement.source,
        agreement.as_of, agreement.synthetic, key_id, tx.now,
    )  # fmt: skip
    return done == "INSERT 0 1"


async def agreements_in(tx: Transaction, tenant: str, month: Month) -> list[Agreement]:
    """Return the agreements of a tenant that are in force on the first of the month: per carrier and currency the newest."""
    rows = await tx.fetch(
        """SELECT DISTINCT ON (carrier, currency) carrier, currency, valid_from, valid_to, pool, tiers::text AS tiers,
                  source, as_of, synthetic
           FROM volume_agreement WHERE tenant = $1 AND valid_from <= $2
           ORDER BY carrier, currency, valid_from DESC""",
        tenant, month.first_day,
    )  # fmt: skip
    found = [
        Agreement(tenant, **{**row, "tiers": tuple(Tier(*tier) for tier in json.loads(row["tiers"]))}) for row in rows
    ]
    return [each for each in found if each.valid_to is None or each.valid_to >= month.first_day]


async def volume_of(tx: Transaction, agreement: Agreement, month: Month) -> Volume:
    """Count a month with the agreement's carrier, and the same of all tenants that share its pool."""
    row = await tx.fetchrow(
        """WITH pooled AS (
             SELECT $1::text AS tenant UNION
             SELECT tenant FROM volume_agreement WHERE pool = $2 AND carrier = $3 AND currency = $4
               AND valid_from <= $8 AND coalesce(valid_to >= $8, true)
           ), entry AS (
             SELECT tenant, amount_minor * CASE WHEN to_account = $5 THEN 1 ELSE -1 END AS amount,
                    split_part(posting_id, '|', 2) AS kind
             FROM ledger_entry JOIN pooled USING (tenant)
             WHERE currency = $4 AND $5 IN (from_account, to_account) AND posted_at >= $6 AND posted_at < $7
           )
           SELECT coalesce(sum(CASE kind WHEN 'capture' THEN 1 WHEN 'refund' THEN -1 ELSE 0 END)
                           FILTER (WHERE tenant = $1), 0)::int AS shipments,
                  coalesce(sum(CASE kind WHEN 'capture' THEN 1 WHEN 'refund' THEN -1 ELSE 0 END), 0)::int
                    AS pooled_shipments,
                  coalesce(sum(amount) FILTER (WHERE tenant = $1 AND kind IN ('capture', 'refund', 'adjustment')), 0)
                    ::bigint AS charged_minor
           FROM entry""",
        agreement.tenant, agreement.pool, agreement.carrier, agreement.currency, carrier_payable(agreement.carrier),
        month.starts_at, month.ends_at, month.first_day,
    )  # fmt: skip
    return Volume(**dict(row or {}))
