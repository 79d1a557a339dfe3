"""Accounts that may ask carriers where parcels are, and what they may still ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from linkstar_runtime.handling import Transaction
from linkstar_tracker.domain.polling import PollBudget

__all__ = [
    "TrackingAccount", "TrackingAccountKey", "accounts_of_carrier", "bind_tracking", "block_account",
    "lock_account", "spend", "tracking_accounts", "unbind_tracking",
]  # fmt: skip


class TrackingAccountKey(NamedTuple):
    """Whose account, at which carrier, and whether for test parcels."""

    tenant: str
    carrier: str
    test: bool


@dataclass(frozen=True, slots=True)
class TrackingAccount:
    """An account and what it may still call, in real time; its credentials are sealed."""

    key: TrackingAccountKey
    base_url: str
    credentials: bytes = field(repr=False)
    budget: PollBudget
    version: int
    tokens: float
    filled_at: datetime
    used: int
    used_since: datetime
    blocked_until: datetime | None
    blocked_by: str

    def left(self, wall: datetime) -> float:
        """Return how many calls may be made now."""
        if self.blocked_until is not None and wall < self.blocked_until:
            return 0.0
        return self.budget.filled(self.tokens, (wall - self.filled_at).total_seconds())

    def used_now(self, wall: datetime) -> int:
        """Return how many calls were made in the period under way."""
        return self.used if (wall - self.used_since).total_seconds() < self.budget.per_s else 0


async def bind_tracking(
    tx: Transaction, key: TrackingAccountKey, base_url: str, credentials: bytes, budget: PollBudget, wall: datetime
) -> None:
    """Store an account, or what is new of it: what it has used stays used, and what blocked it is forgotten. Parcels under
    way are found and asked for from now on.
    """
    await tx.execute(
        "INSERT INTO tracking_account AS a (tenant, carrier, test, base_url, credentials, calls, per_s, changed_at, tokens, "
        "filled_at, used_since, enrolled_to, enrolled_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, '', $10) "
        "ON CONFLICT (tenant, carrier, test) DO UPDATE SET base_url = EXCLUDED.base_url, "
        "credentials = EXCLUDED.credentials, calls = EXCLUDED.calls, per_s = EXCLUDED.per_s, version = a.version + 1, "
        "changed_at = EXCLUDED.changed_at, tokens = LEAST(a.tokens, EXCLUDED.tokens), blocked_until = NULL, "
        "blocked_by = '', enrolled_to = '', enrolled_at = EXCLUDED.enrolled_at",
        *key, base_url, credentials, budget.calls, budget.per_s, tx.now, budget.burst, wall,
    )  # fmt: skip


async def unbind_tracking(tx: Transaction, key: TrackingAccountKey) -> bool:
    """Forget an account and its credentials; False where there is none."""
    done = await tx.execute("DELETE FROM tracking_account WHERE tenant = $1 AND carrier = $2 AND test = $3", *key)
    return done == "DELETE 1"


async def tracking_accounts(tx: Transaction, tenant: str) -> list[tuple[TrackingAccount, int, int]]:
    """Return a tenant's accounts, each with how many parcels it follows and how many are due."""
    rows = await tx.fetch(
        "SELECT a.*, p.followed, p.due FROM tracking_account a LEFT JOIN LATERAL (SELECT count(*) AS followed, "
        "count(*) FILTER (WHERE p.due_at <= $2 AND p.leased_until IS NULL) AS due FROM poll_due p "
        "WHERE p.carrier = a.carrier AND p.test = a.test AND (p.tenant = a.tenant OR a.tenant = '*' AND NOT EXISTS "
        "(SELECT FROM tracking_account o WHERE o.tenant = p.tenant AND o.carrier = p.carrier AND o.test = p.test))) p "
        "ON true WHERE a.tenant = $1 ORDER BY a.carrier, a.test",
        tenant, tx.now,
    )  # fmt: skip
    return [(_account(row), row["followed"], row["due"]) for row in rows]


async def accounts_of_carrier(tx: Transaction, carrier: str) -> list[TrackingAccount]:
    """Return every account at a carrier."""
    rows = await tx.fetch("SELECT * FROM tracking_account WHERE carrier = $1 ORDER BY tenant, test", carrier)
    return [_account(row) for row in rows]


async def lock_account(tx: Transaction, key: TrackingAccountKey) -> TrackingAccount | None:
    """Return an account locked; None where it is gone, or another process is about to use it."""
    row = await tx.fetchrow(
        "SELECT * FROM tracking_account WHERE tenant = $1 AND carrier = $2 AND test = $3 FOR NO KEY UPDATE SKIP LOCKED",
        *key,
    )
    return _account(row) if row else None


async def spend(tx: Transaction, account: TrackingAccount, calls: int, wall: datetime) -> None:
    """Take calls off a locked account's budget."""
    used = account.used_now(wall)
    since = account.used_since if (wall - account.used_since).total_seconds() < account.budget.per_s else wall
    await tx.execute(
        "UPDATE tracking_account SET tokens = $4, filled_at = $5, used = $6, used_since = $7 "
        "WHERE tenant = $1 AND carrier = $2 AND test = $3",
        *account.key, account.left(wall) - calls, wall, used + calls, since,
    )  # fmt: skip


async def block_account(tx: Transaction, key: TrackingAccountKey, version: int, until: datetime, code: str) -> None:
    """Make no call before a moment of real time, whichever process would; an account changed meanwhile is left alone."""
    await tx.execute(
        "UPDATE tracking_account SET blocked_until = $5, blocked_by = $6 "
        "WHERE tenant = $1 AND carrier = $2 AND test = $3 AND version = $4",
        *key, version, until, code,
    )  # fmt: skip


def _account(row: Any) -> TrackingAccount:
    return TrackingAccount(
        TrackingAccountKey(row["tenant"], row["carrier"], row["test"]), row["base_url"], row["credentials"],
        PollBudget(row["calls"], row["per_s"]), row["version"], row["tokens"], row["filled_at"], row["used"],
        row["used_since"], row["blocked_until"], row["blocked_by"],
    )  # fmt: skip
