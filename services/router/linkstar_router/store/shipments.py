"""Shipments and decisions. One statement per table and batch; rows are locked in the order of their key."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from linkstar_router.domain.shipment import Content, Key, Record, Shipment
from linkstar_runtime.handling import Transaction

__all__ = ["decisions_between", "decisions_of", "insert_new", "known", "lock", "lock_due", "record", "save", "seed"]

_COLUMNS = (
    "tenant, shipment_id, order_id, shard, order_version, state, attempt, chosen, decisions, barred, exception_version, "
    "exception_open, next_try_at, content"
)
_UNNEST = (
    "unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::text[], $7::int[], $8::text[], $9::int[], "
    "$10::jsonb[], $11::int[], $12::boolean[], $13::timestamptz[], $14::bytea[])"
)


async def insert_new(tx: Transaction, shipments: Sequence[Shipment]) -> set[Key]:
    """Insert shipments and return the keys of those that were unknown; known ones stay as they are."""
    rows = await tx.fetch(
        f"INSERT INTO shipment ({_COLUMNS}) SELECT * FROM {_UNNEST} "  # noqa: S608 - constants only
        "ON CONFLICT DO NOTHING RETURNING tenant, shipment_id",
        *_arrays(shipments),
    )
    return {(row["tenant"], row["shipment_id"]) for row in rows}


async def known(tx: Transaction, keys: Iterable[Key]) -> set[Key]:
    """Return those of these shipments that exist."""
    ordered = sorted(keys)
    rows = await tx.fetch(
        "SELECT tenant, shipment_id FROM shipment "
        "WHERE (tenant, shipment_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))",
        [tenant for tenant, _ in ordered],
        [shipment_id for _, shipment_id in ordered],
    )
    return {(row["tenant"], row["shipment_id"]) for row in rows}


async def seed(tx: Transaction, shipments: Sequence[Shipment]) -> None:
    """Make sure a row stands for every shipment, so that it can be locked."""
    await insert_new(tx, sorted(shipments, key=lambda shipment: shipment.key))


async def lock(tx: Transaction, keys: Iterable[Key]) -> dict[Key, Shipment]:
    """Lock and return the shipments that exist."""
    ordered = sorted(set(keys))
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM shipment "  # noqa: S608 - constants only
        "WHERE (tenant, shipment_id) IN (SELECT * FROM unnest($1::text[], $2::text[])) "
        "ORDER BY tenant, shipment_id FOR NO KEY UPDATE",
        [tenant for tenant, _ in ordered],
        [shipment_id for _, shipment_id in ordered],
    )
    return {found.key: found for found in map(_shipment, rows)}


async def lock_due(tx: Transaction, shards: Sequence[int], now: datetime, limit: int) -> list[Shipment]:
    """Lock and return held shipments of these shards whose next try is due, longest due first."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM shipment WHERE (tenant, shipment_id) IN ("  # noqa: S608 - constants only
        "SELECT tenant, shipment_id FROM shipment WHERE shard = ANY($1::int[]) AND next_try_at <= $2 "
        "ORDER BY next_try_at LIMIT $3) AND next_try_at <= $2 ORDER BY tenant, shipment_id FOR NO KEY UPDATE",
        list(shards),
        now,
        limit,
    )
    return [_shipment(row) for row in rows]


async def save(tx: Transaction, shipments: Sequence[Shipment]) -> None:
    """Write the new state of locked shipments."""
    if shipments:
        await tx.execute(
            "UPDATE shipment s SET order_version = n.order_version, state = n.state, attempt = n.attempt, "  # noqa: S608
            "chosen = n.chosen, decisions = n.decisions, barred = n.barred, exception_version = n.exception_version, "
            "exception_open = n.exception_open, next_try_at = n.next_try_at, content = n.content "
            f"FROM {_UNNEST} AS n({_COLUMNS}) WHERE s.tenant = n.tenant AND s.shipment_id = n.shipment_id",
            *_arrays(shipments),
        )


async def record(tx: Transaction, records: Sequence[Record]) -> None:
    """Store decisions."""
    if records:
        await tx.execute(
            "INSERT INTO decision (tenant, shipment_id, sequence, decided_at, attempt, snapshot, question, answer) "
            "SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::timestamptz[], $5::int[], $6::text[], "
            "$7::bytea[], $8::bytea[])",
            [entry.key[0] for entry in records],
            [entry.key[1] for entry in records],
            *([entry[field] for entry in records] for field in range(1, 7)),
        )


async def decisions_of(tx: Transaction, tenant: str, shipment_id: str, limit: int) -> list[Record]:
    """Return the decisions of a shipment, newest first."""
    rows = await tx.fetch(
        "SELECT sequence, decided_at, attempt, snapshot, question, answer FROM decision "
        "WHERE tenant = $1 AND shipment_id = $2 ORDER BY sequence DESC LIMIT $3",
        tenant,
        shipment_id,
        limit,
    )
    return [Record((tenant, shipment_id), *row) for row in rows]


async def decisions_between(
    tx: Transaction, tenant: str, since: datetime, until: datetime, after: tuple[str, int], limit: int
) -> list[Record]:
    """Return decisions made from `since` until before `until`, in the order of shipment and sequence behind `after`."""
    rows = await tx.fetch(
        "SELECT shipment_id, sequence, decided_at, attempt, snapshot, question, answer FROM decision "
        "WHERE tenant = $1 AND (shipment_id, sequence) > ($2, $3) AND decided_at >= $4 AND decided_at < $5 "
        "ORDER BY shipment_id, sequence LIMIT $6",
        tenant,
        *after,
        since,
        until,
        limit,
    )
    return [Record((tenant, row["shipment_id"]), *tuple(row)[1:]) for row in rows]


def _arrays(shipments: Sequence[Shipment]) -> list[list[object]]:
    return [list(column) for column in zip(*map(_row, shipments), strict=True)] or [[] for _ in range(14)]


def _row(shipment: Shipment) -> tuple[object, ...]:
    content = shipment.content
    barred = {service: until and until.isoformat() for service, until in shipment.barred.items()}
    return (
        shipment.tenant, shipment.shipment_id, shipment.order_id, shipment.shard, shipment.order_version,
        shipment.state, shipment.attempt, shipment.chosen, shipment.decisions, json.dumps(barred) if barred else "{}",
        shipment.exception_version, shipment.exception_open, shipment.next_try_at,
        None if content is None else content.__pydantic_serializer__.to_json(content, exclude_none=True),
    )  # fmt: skip


def _shipment(row: Any) -> Shipment:
    barred = json.loads(row["barred"])
    return Shipment(
        tenant=row["tenant"],
        shipment_id=row["shipment_id"],
        order_id=row["order_id"],
        shard=row["shard"],
        order_version=row["order_version"],
        state=row["state"],
        attempt=row["attempt"],
        chosen=row["chosen"],
        decisions=row["decisions"],
        barred={service: until and datetime.fromisoformat(until) for service, until in barred.items()},
        exception_version=row["exception_version"],
        exception_open=row["exception_open"],
        content=None if row["content"] is None else Content.model_validate_json(row["content"]),
    )
