"""What accounts may spend in a month, and what they have: summed over their purchases whenever it is asked for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from linkstar_contracts.values import Money
from linkstar_labeler.store.accounts import AccountKey
from linkstar_labeler.store.arrays import transposed
from linkstar_runtime.handling import Transaction

__all__ = ["account_spending", "lock_account_limits"]


async def lock_account_limits(tx: Transaction, accounts: Collection[AccountKey]) -> dict[AccountKey, Money]:
    """Return the limits of those of these accounts that have one, and let nobody else spend with them until the commit."""
    rows = await tx.fetch(
        """SELECT a.tenant, a.carrier, a.account, a.monthly_limit_minor, a.limit_currency FROM carrier_account a
           JOIN unnest($1::text[], $2::text[], $3::text[]) u(tenant, carrier, account) USING (tenant, carrier, account)
           WHERE a.monthly_limit_minor IS NOT NULL ORDER BY a.tenant, a.carrier, a.account FOR NO KEY UPDATE OF a""",
        *transposed(sorted(accounts)),
    )
    return {
        AccountKey(row["tenant"], row["carrier"], row["account"]):
            Money(amount_minor=row["monthly_limit_minor"], currency=row["limit_currency"])
        for row in rows
    }  # fmt: skip


async def account_spending(
    tx: Transaction, accounts: Collection[AccountKey], day: date
) -> dict[tuple[AccountKey, str], int]:
    """Return what each account has bought or is buying in the month of `day`, by currency, in minor units. What was surely
    not sold, or voided, costs nothing.
    """
    if not accounts:
        return {}
    rows = await tx.fetch(
        """SELECT p.account_tenant, p.carrier, p.account, l.currency, sum(l.charged_minor)::bigint AS spent
           FROM purchase p JOIN label l USING (tenant, shipment_id, route_version)
           JOIN unnest($1::text[], $2::text[], $3::text[]) u(account_tenant, carrier, account)
             ON (p.account_tenant, p.carrier, p.account) = (u.account_tenant, u.carrier, u.account)
           WHERE p.month = $4 AND p.state NOT IN ('refused', 'withdrawn', 'voided')
           GROUP BY p.account_tenant, p.carrier, p.account, l.currency""",
        *transposed(sorted(accounts)), day.replace(day=1),
    )  # fmt: skip
    return {
        (AccountKey(row["account_tenant"], row["carrier"], row["account"]), row["currency"]): row["spent"]
        for row in rows
    }
