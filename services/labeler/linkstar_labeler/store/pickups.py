"""Drivers asked to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from linkstar_labeler.domain.leases import Lease
from linkstar_labeler.domain.pickups import Pickup, PickupKey, PickupState
from linkstar_labeler.store.accounts import AccountKey
from linkstar_runtime.handling import Transaction

__all__ = [
    "StoredPickup", "add_pickup", "due_pickups", "find_pickup", "find_pickups", "lock_pickup", "pickup_of_day",
    "save_pickup", "unknown_pickups",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredPickup:
    """A pickup with what its row adds."""

    pickup: Pickup
    timezone: str
    account: AccountKey
    key_id: str
    created_at: datetime
    changed_at: datetime


async def add_pickup(tx: Transaction, pickup: Pickup, account: AccountKey, timezone: str, key_id: str) -> None:
    """Store a new pickup; a second one for the day is refused by the unique key."""
    await tx.execute(
        """INSERT INTO pickup (tenant, pickup_id, warehouse, country, carrier, day, timezone, account_tenant, account,
             ready_at, closes_at, parcels, weight_g, state, due_at, created_at, changed_at, key_id)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17)""",
        *pickup.key, pickup.warehouse, pickup.country, pickup.carrier, pickup.day, timezone, account.tenant, account.account,
        pickup.ready_at, pickup.closes_at, pickup.parcels, pickup.weight_g, pickup.state,
        pickup.lease.due_at, tx.now, key_id,
    )  # fmt: skip


async def pickup_of_day(tx: Transaction, tenant: str, warehouse: str, account: AccountKey, day: date) -> str | None:
    """Return the pickup that is booked, or may be, for an account, warehouse and day."""
    found: str | None = await tx.fetchval(
        """SELECT pickup_id FROM pickup WHERE tenant = $1 AND warehouse = $2 AND account_tenant = $3 AND carrier = $4
             AND account = $5 AND day = $6 AND state IN ('requested', 'unknown', 'booked')""",
        tenant, warehouse, *account, day,
    )  # fmt: skip
    return found


async def due_pickups(tx: Transaction, now: datetime, limit: int) -> list[StoredPickup]:
    """Lock pickups with a call to make that nobody else has in hand."""
    rows = await tx.fetch(
        "SELECT * FROM pickup WHERE due_at <= $1 ORDER BY due_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED", now, limit
    )
    return [_stored(row) for row in rows]


async def lock_pickup(tx: Transaction, key: PickupKey) -> StoredPickup | None:
    """Lock one pickup."""
    row = await tx.fetchrow("SELECT * FROM pickup WHERE tenant = $1 AND pickup_id = $2 FOR NO KEY UPDATE", *key)
    return _stored(row) if row else None


async def find_pickup(tx: Transaction, key: PickupKey) -> StoredPickup | None:
    """Return one pickup."""
    row = await tx.fetchrow("SELECT * FROM pickup WHERE tenant = $1 AND pickup_id = $2", *key)
    return _stored(row) if row else None


async def find_pickups(
    tx: Transaction, tenant: str, day: date | None, state: str | None, before: str | None, limit: int
) -> list[StoredPickup]:
    """Return a tenant's pickups, the newest first."""
    rows = await tx.fetch(
        """SELECT * FROM pickup WHERE tenant = $1 AND ($2::date IS NULL OR day = $2)
             AND ($3::text IS NULL OR state = $3) AND ($4::text IS NULL OR pickup_id < $4)
           ORDER BY pickup_id DESC LIMIT $5""",
        tenant, day, state, before, limit,
    )  # fmt: skip
    return [_stored(row) for row in rows]


async def unknown_pickups(tx: Transaction) -> int:
    """Count the pickups of which nobody knows whether a driver comes."""
    found: int = await tx.fetchval("SELECT count(*) FROM pickup WHERE state = 'unknown'")
    return found


async def save_pickup(tx: Transaction, pickup: Pickup) -> None:
    """Write a locked pickup back."""
    lease = pickup.lease
    await tx.execute(
        """UPDATE pickup SET state = $3, confirmation = $4, code = $5, detail = $6, due_at = $7, token = $8, tries = $9,
             waiting_since = $10, changed_at = $11 WHERE tenant = $1 AND pickup_id = $2""",
        *pickup.key, pickup.state, pickup.confirmation, pickup.code, pickup.detail, lease.due_at, lease.token, lease.tries,
        lease.waiting_since, tx.now,
    )  # fmt: skip


def _stored(row: Any) -> StoredPickup:
    lease = Lease(row["due_at"], row["token"], row["tries"], row["waiting_since"])
    pickup = Pickup(
        PickupKey(row["tenant"], row["pickup_id"]), row["warehouse"], row["country"], row["carrier"], row["day"],
        row["ready_at"], row["closes_at"], row["parcels"], row["weight_g"], lease, PickupState(row["state"]),
        row["confirmation"], row["code"], row["detail"],
    )  # fmt: skip
    account = AccountKey(row["account_tenant"], row["carrier"], row["account"])
    return StoredPickup(pickup, row["timezone"], account, row["key_id"], row["created_at"], row["changed_at"])
