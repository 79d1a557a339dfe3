"""What accounts may spend in a month, and what they have: summed over their purchases whenever it is asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple

from linkstar_contracts.values import Money
from linkstar_labeler.domain.purchase_steps import PurchaseKey
from linkstar_labeler.store.accounts import AccountKey
from linkstar_labeler.store.arrays import transposed
from linkstar_runtime.handling import Transaction

__all__ = [
    "HeldByLimit", "account_limits", "account_spending", "held_by_limits", "lock_account_limits", "note_held_by_limits",
]  # fmt: skip


class HeldByLimit(NamedTuple):
    """A label that waits for room in an account."""

    shipment: tuple[str, str]
    account: AccountKey
    currency: str
    charged_minor: int


async def lock_account_limits(tx: Transaction, accounts: Collection[AccountKey]) -> dict[AccountKey, Money]:
    """Return the limits of those of these accounts that have one, and let nobody else spend with them until the commit."""
    return await _limits(tx, accounts, "FOR NO KEY UPDATE OF a")


async def account_limits(tx: Transaction, accounts: Collection[AccountKey]) -> dict[AccountKey, Money]:
    """Return the limits of those of these accounts that have one."""
    return await _limits(tx, accounts, "")


async def _limits(tx: Transaction, accounts: Collection[AccountKey], locking: str) -> dict[AccountKey, Money]:
    rows = await tx.fetch(
        f"""SELECT a.tenant, a.carrier, a.account, a.monthly_limit_minor, a.limit_currency FROM carrier_account a
           JOIN unnest($1::text[], $2::text[], $3::text[]) u(tenant, carrier, account) USING (tenant, carrier, account)
           WHERE a.monthly_limit_minor IS NOT NULL ORDER BY a.tenant, a.carrier, a.account {locking}""",  # noqa: S608 - one of two words of ours
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


async def note_held_by_limits(tx: Transaction, held: Sequence[tuple[PurchaseKey, AccountKey]]) -> None:
    """Remember which account each of these labels waits for."""
    await tx.execute(
        """INSERT INTO account_hold (tenant, shipment_id, route_version, account_tenant, carrier, account)
           SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[])
           ON CONFLICT (tenant, shipment_id, route_version) DO UPDATE
             SET account_tenant = EXCLUDED.account_tenant, carrier = EXCLUDED.carrier, account = EXCLUDED.account""",
        *transposed([(*key, *account) for key, account in held]),
    )


async def held_by_limits(tx: Transaction, shards: Sequence[int], of_each: int) -> list[HeldByLimit]:
    """Return the labels of these shards that wait for room in their accounts, of each account the first that came."""
    rows = await tx.fetch(
        """SELECT * FROM (
             SELECT l.tenant, l.shipment_id, h.account_tenant, h.carrier, h.account, l.currency, l.charged_minor, l.arrival,
               row_number() OVER (PARTITION BY h.account_tenant, h.carrier, h.account ORDER BY l.arrival) AS place
             FROM label l JOIN account_hold h USING (tenant, shipment_id, route_version)
             WHERE l.state = 'held' AND l.hold_code = 'account_limit' AND l.shard = ANY($1::int[])) waiting
           WHERE place <= $2 ORDER BY arrival""",
        shards, of_each,
    )  # fmt: skip
    return [
        HeldByLimit(
            (row["tenant"], row["shipment_id"]), AccountKey(row["account_tenant"], row["carrier"], row["account"]),
            row["currency"], row["charged_minor"],
        )
        for row in rows
    ]  # fmt: skip
