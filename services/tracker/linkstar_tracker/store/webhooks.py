"""Addresses that carriers call, the calls as they came, and the parcels they hint at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from linkstar_runtime.handling import Transaction
from linkstar_runtime.ports import Insertion

__all__ = [
    "Delivery", "Endpoint", "add_endpoint", "delivery_insertion", "drop_endpoint", "endpoints_of", "expire_webhooks",
    "keep_delivery", "keep_hints", "poll_hints", "read_body", "read_deliveries", "read_endpoint", "rotate_secret",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address of a tenant for one carrier; the secrets are sealed."""

    endpoint_id: str
    tenant: str
    carrier: str
    secret: bytes = field(repr=False)
    old_secret: bytes | None = field(repr=False)
    old_until: datetime | None
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One call and what became of it; `rejected` is JSON. The body is sealed, and left out where calls are listed."""

    endpoint_id: str
    delivery_id: str
    tenant: str
    body: bytes = field(repr=False)
    received_at: datetime
    expires_at: datetime
    accepted: int
    unmatched: int
    hints: int
    rejected: str


_ENDPOINT = "endpoint_id, tenant, carrier, secret, old_secret, old_until, created_at, changed_at"


async def add_endpoint(tx: Transaction, endpoint: Endpoint) -> None:
    """Store a new address."""
    await tx.execute(
        "INSERT INTO webhook_endpoint (endpoint_id, tenant, carrier, secret, created_at, changed_at) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        endpoint.endpoint_id, endpoint.tenant, endpoint.carrier, endpoint.secret, endpoint.created_at,
        endpoint.changed_at,
    )  # fmt: skip


async def read_endpoint(tx: Transaction, endpoint_id: str) -> Endpoint | None:
    """Return an address, whoever owns it."""
    row = await tx.fetchrow(f"SELECT {_ENDPOINT} FROM webhook_endpoint WHERE endpoint_id = $1", endpoint_id)  # noqa: S608
    return Endpoint(*row) if row else None


async def endpoints_of(tx: Transaction, tenant: str) -> list[Endpoint]:
    """Return a tenant's addresses by carrier."""
    rows = await tx.fetch(
        f"SELECT {_ENDPOINT} FROM webhook_endpoint WHERE tenant = $1 ORDER BY carrier, created_at, endpoint_id",  # noqa: S608
        tenant,
    )
    return [Endpoint(*row) for row in rows]


async def rotate_secret(tx: Transaction, tenant: str, endpoint_id: str, secret: bytes, old_until: datetime) -> bool:
    """Give an address a new secret; the one before holds until `old_until`. False where there is no such address."""
    done = await tx.execute(
        "UPDATE webhook_endpoint SET old_secret = secret, old_until = $4, secret = $3, changed_at = $5 "
        "WHERE tenant = $1 AND endpoint_id = $2",
        tenant, endpoint_id, secret, old_until, tx.now,
    )  # fmt: skip
    return done == "UPDATE 1"


async def drop_endpoint(tx: Transaction, tenant: str, endpoint_id: str) -> bool:
    """Forget an address and its secrets; the calls that came stay until they expire."""
    done = await tx.execute("DELETE FROM webhook_endpoint WHERE tenant = $1 AND endpoint_id = $2", tenant, endpoint_id)
    return done == "DELETE 1"


def delivery_insertion(delivery: Delivery) -> Insertion:
    """Return what keeps a call as it came, unless it came before."""
    return Insertion(
        "INSERT INTO webhook_delivery (endpoint_id, delivery_id, tenant, body, received_at, expires_at, accepted, "
        "unmatched, hints, rejected) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
        (
            delivery.endpoint_id, delivery.delivery_id, delivery.tenant, delivery.body, delivery.received_at,
            delivery.expires_at, delivery.accepted, delivery.unmatched, delivery.hints, delivery.rejected,
        ),
    )  # fmt: skip


async def keep_delivery(tx: Transaction, delivery: Delivery) -> bool:
    """Keep a call as it came; False when it came before."""
    insertion = delivery_insertion(delivery)
    return await tx.execute(insertion.sql, *insertion.args) == "INSERT 0 1"


async def read_deliveries(tx: Transaction, tenant: str, endpoint_id: str, limit: int) -> list[Delivery]:
    """Return the newest calls of an address."""
    rows = await tx.fetch(
        "SELECT endpoint_id, delivery_id, tenant, ''::bytea, received_at, expires_at, accepted, unmatched, hints, rejected "
        "FROM webhook_delivery WHERE tenant = $1 AND endpoint_id = $2 ORDER BY received_at DESC, delivery_id LIMIT $3",
        tenant, endpoint_id, limit,
    )  # fmt: skip
    return [Delivery(*row) for row in rows]


async def read_body(tx: Transaction, tenant: str, endpoint_id: str, delivery_id: str) -> bytes | None:
    """Return the sealed body of one call."""
    body: bytes | None = await tx.fetchval(
        "SELECT body FROM webhook_delivery WHERE tenant = $1 AND endpoint_id = $2 AND delivery_id = $3",
        tenant, endpoint_id, delivery_id,
    )  # fmt: skip
    return body


async def keep_hints(
    tx: Transaction, tenant: str, carrier: str, numbers: Sequence[str], expires_at: datetime
) -> None:  # fmt: skip
    """Queue parcels for polling; one that is queued already keeps its place."""
    if not numbers:
        return
    await tx.execute(
        "INSERT INTO poll_hint SELECT $1, $2, number, $4, $5 FROM unnest($3::text[]) number ORDER BY number "
        "ON CONFLICT DO NOTHING",
        tenant, carrier, sorted(set(numbers)), tx.now, expires_at,
    )  # fmt: skip


async def poll_hints(tx: Transaction, tenant: str, limit: int) -> list[dict[str, Any]]:
    """Return the parcels that wait to be asked for, the longest waiting first."""
    rows = await tx.fetch(
        "SELECT carrier, tracking_number, hinted_at FROM poll_hint WHERE tenant = $1 "
        "ORDER BY hinted_at, carrier, tracking_number LIMIT $2",
        tenant, limit,
    )  # fmt: skip
    return [dict(row) for row in rows]


async def expire_webhooks(tx: Transaction, limit: int) -> None:
    """Drop calls and hints whose time is over."""
    for table in ("webhook_delivery", "poll_hint"):
        await tx.execute(
            f"DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM {table} WHERE expires_at <= $1 "  # noqa: S608
            "ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
            tx.now, limit,
        )  # fmt: skip
