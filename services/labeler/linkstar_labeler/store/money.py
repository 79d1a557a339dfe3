"""Wallets and the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from linkstar_labeler.domain.ledger import Account, Entry, wallet_changes
from linkstar_labeler.store.arrays import columns
from linkstar_runtime.handling import Transaction

__all__ = [
    "Limits", "Wallet", "available_funds", "ledger_page", "limit_changes", "open_wallets", "post", "post_once", "set_limits",
    "top_up", "totals", "wallets",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Total:
    """All wallets of one currency taken together."""

    currency: str
    balance_minor: int
    overdrawn: int


@dataclass(frozen=True, slots=True)
class Wallet:
    """What a tenant has, may owe, and wants to be warned below, in one currency; and what waits to be paid from it."""

    currency: str
    balance_minor: int
    credit_limit_minor: int
    notice_below_minor: int
    waiting_minor: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """New limits of a wallet, and who sets them why."""

    currency: str
    credit_limit_minor: int
    notice_below_minor: int
    key_id: str
    reason: str


async def available_funds(tx: Transaction, accounts: Iterable[Account]) -> dict[Account, int]:
    """Lock these wallets in sorted order and return what each may spend; absent ones are not there yet."""
    rows = await tx.fetch(
        """SELECT w.tenant, w.currency, w.balance_minor + w.credit_limit_minor AS available
           FROM wallet w JOIN unnest($1::text[], $2::text[]) u(tenant, currency) USING (tenant, currency)
           ORDER BY w.tenant, w.currency FOR NO KEY UPDATE OF w""",
        *columns(sorted(set(accounts))),
    )
    return {(row["tenant"], row["currency"]): row["available"] for row in rows}


async def totals(tx: Transaction) -> list[Total]:
    """Sum the wallets by currency, and count those below their credit limit."""
    rows = await tx.fetch(
        """SELECT currency, sum(balance_minor)::bigint AS balance_minor,
                  count(*) FILTER (WHERE balance_minor + credit_limit_minor < 0) AS overdrawn
           FROM wallet GROUP BY currency ORDER BY currency"""
    )
    return [Total(**row) for row in rows]


async def open_wallets(tx: Transaction, accounts: Iterable[Account]) -> None:
    """Make the wallets that do not exist yet, empty."""
    await tx.execute(
        """INSERT INTO wallet (tenant, currency) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING""",
        *columns(sorted(set(accounts))),
    )


async def post(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Append entries and move the balances by their sums. The caller holds the locks of the wallets that change."""
    if not entries:
        return
    await tx.execute(
        """INSERT INTO ledger_entry
             (tenant, posting_id, shipment_id, currency, from_account, to_account, amount_minor, reference, posted_at)
           SELECT *, $9 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
             $8::text[])""",
        [entry.tenant for entry in entries], [entry.posting_id for entry in entries],
        [entry.shipment_id for entry in entries], [entry.amount.currency for entry in entries],
        [entry.from_account for entry in entries], [entry.to_account for entry in entries],
        [entry.amount.amount_minor for entry in entries], [entry.reference for entry in entries], tx.now,
    )  # fmt: skip
    changes = {account: change for account, change in wallet_changes(entries).items() if change}
    if not changes:
        return
    done = await tx.execute(
        """UPDATE wallet w SET balance_minor = w.balance_minor + u.change
           FROM unnest($1::text[], $2::text[], $3::bigint[]) u(tenant, currency, change)
           WHERE w.tenant = u.tenant AND w.currency = u.currency""",
        *columns(changes), list(changes.values()),
    )  # fmt: skip
    if done != f"UPDATE {len(changes)}":
        raise LookupError(f"{done}: {len(changes)} wallets wanted")


async def top_up(tx: Transaction, entry: Entry) -> None:
    """Add funds, making the wallet when it is the first time."""
    await tx.execute("INSERT INTO wallet (tenant, currency) VALUES ($1, $2) ON CONFLICT DO NOTHING", *entry.wallet)
    await available_funds(tx, [entry.wallet])
    await post(tx, [entry])


async def post_once(tx: Transaction, entry: Entry) -> bool:
    """Post an entry that its wallet covers, making the wallet; False when its posting id is in the ledger already."""
    await open_wallets(tx, [entry.wallet])
    await available_funds(tx, [entry.wallet])
    known = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM ledger_entry WHERE tenant = $1 AND posting_id = $2)", entry.tenant, entry.posting_id
    )
    if not known:
        await post(tx, [entry])
    return not known


async def wallets(tx: Transaction, tenant: str) -> list[Wallet]:
    """Return each wallet, by currency."""
    rows = await tx.fetch(
        """SELECT currency, balance_minor, credit_limit_minor, notice_below_minor,
                  (SELECT coalesce(sum(w.amount_minor), 0)::bigint FROM waiting_posting w
                   WHERE w.tenant = $1 AND w.currency = wallet.currency AND w.from_account = 'wallet') AS waiting_minor
           FROM wallet WHERE tenant = $1 ORDER BY currency""",
        tenant,
    )
    return [Wallet(**row) for row in rows]


async def set_limits(tx: Transaction, tenant: str, limits: Limits) -> Wallet | None:
    """Change what a wallet may owe and when it warns, and note who did; the wallet is made if it is the first time.

    Returns it as it is now; None, and nothing is changed, where it owes more than the new limit.
    """
    await open_wallets(tx, [(tenant, limits.currency)])
    row = await tx.fetchrow(
        """SELECT currency, balance_minor, credit_limit_minor, notice_below_minor FROM wallet
           WHERE tenant = $1 AND currency = $2 FOR NO KEY UPDATE""",
        tenant, limits.currency,
    )  # fmt: skip
    before = Wallet(**dict(row or {}))
    if before.balance_minor + limits.credit_limit_minor < 0:
        return None
    await tx.execute(
        "UPDATE wallet SET credit_limit_minor = $3, notice_below_minor = $4 WHERE tenant = $1 AND currency = $2",
        tenant, limits.currency, limits.credit_limit_minor, limits.notice_below_minor,
    )  # fmt: skip
    await tx.execute(
        """INSERT INTO wallet_change (tenant, currency, credit_limit_before, credit_limit_after, notice_below_before,
             notice_below_after, key_id, reason, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        tenant, limits.currency, before.credit_limit_minor, limits.credit_limit_minor, before.notice_below_minor,
        limits.notice_below_minor, limits.key_id, limits.reason, tx.now,
    )  # fmt: skip
    return replace(before, credit_limit_minor=limits.credit_limit_minor, notice_below_minor=limits.notice_below_minor)


async def limit_changes(tx: Transaction, tenant: str, after: int, limit: int) -> list[dict[str, object]]:
    """Return who changed limits, oldest first, behind cursor `after`."""
    rows = await tx.fetch(
        "SELECT * FROM wallet_change WHERE tenant = $1 AND change_id > $2 ORDER BY change_id LIMIT $3",
        tenant, after, limit,
    )  # fmt: skip
    return [dict(row) for row in rows]


async def ledger_page(
    tx: Transaction, tenant: str, after: int, limit: int, shipment_id: str | None
) -> list[dict[str, object]]:
    """Return entries behind cursor `after`, oldest first."""
    rows = await tx.fetch(
        """SELECT entry_id, posting_id, shipment_id, currency, from_account, to_account, amount_minor, reference,
             posted_at
           FROM ledger_entry WHERE tenant = $1 AND entry_id > $2 AND ($4::text IS NULL OR shipment_id = $4)
           ORDER BY entry_id LIMIT $3""",
        tenant, after, limit, shipment_id,
    )  # fmt: skip
    return [dict(row) for row in rows]
