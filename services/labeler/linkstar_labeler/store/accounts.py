"""Accounts at carriers reached over the network."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from linkstar_contracts.values import Money
from linkstar_labeler.store.arrays import transposed
from linkstar_runtime.handling import Transaction

__all__ = [
    "PLATFORM", "SIMULATOR", "AccountKey", "StoredAccount", "accounts_of_carrier", "bind_account", "bound_accounts",
    "read_account", "suspend_account", "tenant_accounts",
]  # fmt: skip

PLATFORM = "platform"
"""The tenant that owns the platform's own lines."""

SIMULATOR = "~simulator"
"""The account every tenant has at a simulated carrier; no account that is bound can have this name."""


class AccountKey(NamedTuple):
    """Identity of an account: whose it is, the carrier, and its name in tariffs and routes."""

    tenant: str
    carrier: str
    account: str


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account as it stands in the table; `credentials` are sealed."""

    key: AccountKey
    connector: str
    base_url: str
    credentials: bytes = field(repr=False)
    settings: Mapping[str, Any]
    test: bool
    suspended: bool
    version: int
    monthly_limit: Money | None = None
    """What may be bought with it in a month (UTC); other currencies than the limit's are not limited."""


async def bound_accounts(tx: Transaction, wanted: Iterable[tuple[str, str, str]]) -> dict[AccountKey, bool]:
    """Return those of these accounts that are bound, and whether each is a test account."""
    rows = await tx.fetch(
        """SELECT a.tenant, a.carrier, a.account, a.test FROM carrier_account a
           JOIN unnest($1::text[], $2::text[], $3::text[]) u(tenant, carrier, account) USING (tenant, carrier, account)""",
        *transposed(sorted(set(wanted))),
    )
    return {AccountKey(row["tenant"], row["carrier"], row["account"]): row["test"] for row in rows}


async def read_account(tx: Transaction, key: AccountKey) -> StoredAccount | None:
    """Return one account."""
    row = await tx.fetchrow("SELECT * FROM carrier_account WHERE tenant = $1 AND carrier = $2 AND account = $3", *key)
    return _account(row) if row else None


async def tenant_accounts(tx: Transaction, tenant: str) -> list[StoredAccount]:
    """Return a tenant's accounts by carrier and name."""
    rows = await tx.fetch("SELECT * FROM carrier_account WHERE tenant = $1 ORDER BY carrier, account", tenant)
    return [_account(row) for row in rows]


async def accounts_of_carrier(tx: Transaction, tenants: Sequence[str], carrier: str) -> list[StoredAccount]:
    """Return the accounts of these tenants at a carrier."""
    rows = await tx.fetch(
        "SELECT * FROM carrier_account WHERE tenant = ANY ($1::text[]) AND carrier = $2 ORDER BY tenant, account",
        list(tenants), carrier,
    )  # fmt: skip
    return [_account(row) for row in rows]


async def bind_account(tx: Transaction, account: StoredAccount) -> bool:
    """Store an account, or what is new of it; its version counts the changes. A suspended one stays suspended. False if
    a test account would become one for real labels, or the reverse: purchases under way would go on at the wrong place.
    """
    limit = account.monthly_limit
    done = await tx.execute(
        """INSERT INTO carrier_account
             (tenant, carrier, account, connector, base_url, credentials, settings, test, suspended, changed_at,
              monthly_limit_minor, limit_currency)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
           ON CONFLICT (tenant, carrier, account) DO UPDATE SET connector = EXCLUDED.connector,
             base_url = EXCLUDED.base_url, credentials = EXCLUDED.credentials, settings = EXCLUDED.settings,
             test = EXCLUDED.test, monthly_limit_minor = EXCLUDED.monthly_limit_minor,
             limit_currency = EXCLUDED.limit_currency, version = carrier_account.version + 1,
             changed_at = EXCLUDED.changed_at
           WHERE carrier_account.test = EXCLUDED.test""",
        *account.key, account.connector, account.base_url, account.credentials, json.dumps(account.settings),
        account.test, account.suspended, tx.now, limit.amount_minor if limit else None, limit.currency if limit else None,
    )  # fmt: skip
    return done == "INSERT 0 1"


async def suspend_account(tx: Transaction, key: AccountKey, suspended: bool) -> None:
    """Stop an account, or let it go on; nothing where there is none."""
    await tx.execute(
        """UPDATE carrier_account SET suspended = $4, version = version + 1, changed_at = $5
           WHERE tenant = $1 AND carrier = $2 AND account = $3 AND suspended <> $4""",
        *key, suspended, tx.now,
    )  # fmt: skip


def _account(row: Any) -> StoredAccount:
    limited, limit = row["monthly_limit_minor"], None
    if limited is not None:
        limit = Money(amount_minor=limited, currency=row["limit_currency"])
    return StoredAccount(
        AccountKey(row["tenant"], row["carrier"], row["account"]), row["connector"], row["base_url"],
        row["credentials"], json.loads(row["settings"]), row["test"], row["suspended"], row["version"], limit,
    )  # fmt: skip
