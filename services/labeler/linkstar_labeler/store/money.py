"""Wallets and the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from linkstar_labeler.domain.ledger import Account, Entry, wallet_changes
from linkstar_labeler.store.arrays import columns
from linkstar_runtime.handling import Transaction

__all__ = ["available_funds", "ledger_page", "open_wallets", "post", "top_up", "totals", "wallets"]


@dataclass(frozen=True, slots=True)
class Total:
    """All wallets of one currency taken together."""

    currency: str
    balance_minor: int
    overdrawn: int


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
    """Append entries and move the balances by their sums. The caller holds the wallets' locks."""
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
    changes = wallet_changes(entries)
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


async def wallets(tx: Transaction, tenant: str) -> list[tuple[str, int, int]]:
    """Return currency, balance and credit limit of each wallet."""
    rows = await tx.fetch(
        "SELECT currency, balance_minor, credit_limit_minor FROM wallet WHERE tenant = $1 ORDER BY currency", tenant
    )
    return [(row["currency"], row["balance_minor"], row["credit_limit_minor"]) for row in rows]


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
