"""Labels the carrier sold for which nobody pays, from the moment they are found until the carrier gave them up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from linkstar_labeler.domain.purchase_steps import PurchaseKey
from linkstar_labeler.domain.purchasing import LabelPurchase
from linkstar_labeler.store.accounts import AccountKey
from linkstar_labeler.store.arrays import transposed
from linkstar_labeler.store.purchases import purchase_of
from linkstar_runtime.handling import Transaction

__all__ = [
    "OrphanLabel", "SuspectedAttempt", "attempted", "clear_suspicion", "days_to_compare", "due_orphans", "due_suspects",
    "end_orphan", "end_suspicion", "forget_orphans", "found_orphan",
]  # fmt: skip


class SuspectedAttempt(NamedTuple):
    """An attempt that may have bought something nobody knows of, and how often it was looked up."""

    key: PurchaseKey
    attempt: int
    reference: str
    account: AccountKey
    checks: int


class OrphanLabel(NamedTuple):
    """One orphan in hand: `token` is whose turn it is."""

    account: AccountKey
    carrier_id: str
    reference: str
    tracking_numbers: tuple[str, ...]
    token: str = ""


async def found_orphan(tx: Transaction, orphan: OrphanLabel, due_at: datetime) -> bool:
    """Note an orphan to be voided; False when it was known. A label that a purchase holds is never one."""
    done = await tx.execute(
        """INSERT INTO orphan_label (account_tenant, carrier, account, carrier_id, reference, tracking_numbers, state,
             due_at, found_at)
           SELECT $1, $2, $3, $4, $5, $6, 'voiding', $7, $8
           WHERE NOT EXISTS (
             SELECT FROM purchase p JOIN purchase_attempt a USING (tenant, shipment_id, route_version)
             WHERE a.reference = $5 AND p.carrier_id = $4)
           ON CONFLICT DO NOTHING""",
        *orphan.account, orphan.carrier_id, orphan.reference, list(orphan.tracking_numbers), due_at, tx.now,
    )  # fmt: skip
    return done == "INSERT 0 1"


async def forget_orphans(tx: Transaction, adopted: Sequence[tuple[AccountKey, str]]) -> None:
    """Labels that purchases adopt, by the carrier's id, are nobody's orphans, whatever a list said before."""
    if not adopted:
        return
    await tx.execute(
        """DELETE FROM orphan_label o
           USING unnest($1::text[], $2::text[], $3::text[], $4::text[]) u(account_tenant, carrier, account, carrier_id)
           WHERE (o.account_tenant, o.carrier, o.account, o.carrier_id)
               = (u.account_tenant, u.carrier, u.account, u.carrier_id) AND o.state = 'voiding'""",
        *transposed([(*account, carrier_id) for account, carrier_id in adopted]),
    )  # fmt: skip


async def due_orphans(
    tx: Transaction, now: datetime, leased_until: datetime, token: str, limit: int
) -> list[OrphanLabel]:
    """Take orphans nobody else has in hand, until `leased_until`."""
    rows = await tx.fetch(
        """UPDATE orphan_label o SET token = $3, due_at = $2 FROM (
             SELECT account_tenant, carrier, account, carrier_id FROM orphan_label WHERE due_at <= $1
             ORDER BY due_at LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED) d
           WHERE (o.account_tenant, o.carrier, o.account, o.carrier_id)
             = (d.account_tenant, d.carrier, d.account, d.carrier_id)
           RETURNING o.*""",
        now, leased_until, token, limit,
    )  # fmt: skip
    return [_orphan(row) for row in rows]


async def end_orphan(
    tx: Transaction, orphan: OrphanLabel, state: str, detail: str = "", due_at: datetime | None = None
) -> None:
    """Store what the carrier said to the void, unless another has taken the orphan since."""
    await tx.execute(
        """UPDATE orphan_label SET state = $6, detail = $7, due_at = $8
           WHERE account_tenant = $1 AND carrier = $2 AND account = $3 AND carrier_id = $4 AND token = $5""",
        *orphan.account, orphan.carrier_id, orphan.token, state, detail, due_at,
    )  # fmt: skip


async def days_to_compare(tx: Transaction, since: datetime) -> list[tuple[AccountKey, date]]:
    """Return the accounts and days whose lists matter: with attempts since then, or suspected ones, and the days before,
    for a carrier's day may be another than ours.
    """
    rows = await tx.fetch(
        """SELECT DISTINCT account_tenant, carrier, account, (sent_at AT TIME ZONE 'UTC')::date - before AS day
           FROM purchase_attempt, generate_series(0, 1) before WHERE suspected OR sent_at >= $1 ORDER BY 1, 2, 3, 4""",
        since,
    )
    return [(AccountKey(row["account_tenant"], row["carrier"], row["account"]), row["day"]) for row in rows]


async def attempted(
    tx: Transaction, account: AccountKey, references: Sequence[str]
) -> dict[str, tuple[int, LabelPurchase]]:
    """Return attempt and purchase by reference, for those of these references that the account was asked under."""
    rows = await tx.fetch(
        """SELECT a.reference, a.attempt AS asked, p.* FROM purchase_attempt a
           JOIN purchase p USING (tenant, shipment_id, route_version)
           WHERE a.reference = ANY ($4::text[]) AND a.account_tenant = $1 AND a.carrier = $2 AND a.account = $3""",
        *account, references,
    )  # fmt: skip
    return {row["reference"]: (row["asked"], purchase_of(row)) for row in rows}


async def clear_suspicion(tx: Transaction, account: AccountKey, day: date) -> None:
    """The list of a day that is over has no other labels: its suspected attempts bought nothing more."""
    await tx.execute(
        """UPDATE purchase_attempt SET suspected = false
           WHERE suspected AND account_tenant = $1 AND carrier = $2 AND account = $3
             AND (sent_at AT TIME ZONE 'UTC')::date = $4""",
        *account, day,
    )  # fmt: skip


async def due_suspects(tx: Transaction, now: datetime, leased_until: datetime, limit: int) -> list[SuspectedAttempt]:
    """Take suspected attempts whose look-up is due, until `leased_until`."""
    rows = await tx.fetch(
        """UPDATE purchase_attempt a SET check_at = $2 FROM (
             SELECT reference FROM purchase_attempt WHERE suspected AND check_at <= $1 ORDER BY check_at LIMIT $3
             FOR NO KEY UPDATE SKIP LOCKED) d
           WHERE a.reference = d.reference RETURNING a.*""",
        now, leased_until, limit,
    )  # fmt: skip
    return [
        SuspectedAttempt(
            PurchaseKey(row["tenant"], row["shipment_id"], row["route_version"]), row["attempt"], row["reference"],
            AccountKey(row["account_tenant"], row["carrier"], row["account"]), row["checks"],
        )
        for row in rows
    ]  # fmt: skip


async def end_suspicion(tx: Transaction, reference: str, checks: int, check_at: datetime | None) -> None:
    """Store that an attempt was looked up so often; without another time it is cleared."""
    await tx.execute(
        """UPDATE purchase_attempt SET suspected = $3::timestamptz IS NOT NULL, checks = $2, check_at = $3
           WHERE reference = $1""",
        reference, checks, check_at,
    )  # fmt: skip


def _orphan(row: Any) -> OrphanLabel:
    account = AccountKey(row["account_tenant"], row["carrier"], row["account"])
    return OrphanLabel(account, row["carrier_id"], row["reference"], tuple(row["tracking_numbers"]), row["token"])
