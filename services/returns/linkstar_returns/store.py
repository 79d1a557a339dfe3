"""Every SQL statement of returns. Rows are read and written a batch at a time, keys always in sorted order."""

# ruff: noqa: S608 - the only parts put together are constant clauses

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeAlias

from linkstar_contracts.events import ReturnItem, ReturnState, TrackingStatus
from linkstar_returns.domain.order_returns import OrderReturns, Outbound
from linkstar_returns.domain.return_case import ReturnCase, Travelled
from linkstar_runtime.handling import Transaction

__all__ = [
    "OrderKey", "OrderRef", "keep_new_orders", "list_cases", "on_their_way", "open_known_orders", "open_orders",
    "orders_with_expired_cases", "read_order", "save_orders",
]  # fmt: skip

OrderKey: TypeAlias = tuple[str, str]
"""Tenant and order id."""
OrderRef: TypeAlias = tuple[str, str, int]
"""Tenant, order id and shard."""
Row: TypeAlias = Any
"""A database row, read by column name."""

_LOCK = "FOR NO KEY UPDATE OF o"
_CASE = (
    "tenant, return_id, order_id, shard, number, origin, request_id, requested_at, items, reason, state, refusal, version, "
    "ordered, label_version, tracking_number, tracking_version, travelled, close_requested, expiry_version, expires_at"
)


async def open_orders(tx: Transaction, wanted: Iterable[OrderRef]) -> dict[OrderKey, OrderReturns]:
    """Return these orders, locked until the transaction ends; one not known yet is made."""
    rows = sorted(set(wanted))
    await tx.execute(
        "INSERT INTO returnable_order (tenant, order_id, shard, updated_at) SELECT u.*, $4 "
        "FROM unnest($1::text[], $2::text[], $3::int[]) u ORDER BY 1, 2 ON CONFLICT DO NOTHING",
        *_columns(rows, 3), tx.now,
    )  # fmt: skip
    return await _load(tx, [row[:2] for row in rows])


async def keep_new_orders(tx: Transaction, orders: Iterable[OrderReturns]) -> set[OrderKey]:
    """Store those of these orders that nothing was heard of before, and return their keys."""
    flat = sorted((o.tenant, o.order_id, o.shard, o.content, o.traceparent) for o in orders)
    rows = await tx.fetch(
        "INSERT INTO returnable_order (tenant, order_id, shard, content, traceparent, updated_at) SELECT u.*, $6 "
        "FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[]) u ON CONFLICT DO NOTHING "
        "RETURNING tenant, order_id",
        *_columns(flat, 5), tx.now,
    )  # fmt: skip
    return {(row["tenant"], row["order_id"]) for row in rows}


async def on_their_way(tx: Transaction, wanted: Iterable[OrderRef]) -> list[OrderRef]:
    """Return those of these orders of whose way out something is kept."""
    rows = sorted(set(wanted))
    found = await tx.fetch(
        "SELECT DISTINCT tenant, order_id FROM outbound JOIN unnest($1::text[], $2::text[]) u(tenant, order_id) "
        "USING (tenant, order_id)",
        *_columns(rows, 2),
    )  # fmt: skip
    known = {(row["tenant"], row["order_id"]) for row in found}
    return [row for row in rows if row[:2] in known]


async def open_known_orders(tx: Transaction, wanted: Iterable[OrderRef]) -> dict[OrderKey, OrderReturns]:
    """Return those of these orders that are known, locked."""
    return await _load(tx, sorted({row[:2] for row in wanted}))


async def orders_with_expired_cases(tx: Transaction, shards: Sequence[int], limit: int) -> dict[OrderKey, OrderReturns]:
    """Return up to `limit` orders of these shards that have a return whose time is over, locked."""
    rows = await tx.fetch(
        "SELECT tenant, order_id FROM return_case WHERE shard = ANY($1::int[]) AND expires_at <= $2 "
        "ORDER BY expires_at LIMIT $3",
        list(shards), tx.now, limit,
    )  # fmt: skip
    return await _load(tx, sorted({(row["tenant"], row["order_id"]) for row in rows})) if rows else {}


async def read_order(tx: Transaction, tenant: str, order_id: str, *, lock: bool = False) -> OrderReturns | None:
    """Return one order with its returns; locked when it shall be changed."""
    return (await _load(tx, [(tenant, order_id)], _LOCK if lock else "")).get((tenant, order_id))


async def _load(tx: Transaction, keys: Sequence[OrderKey], lock: str = _LOCK) -> dict[OrderKey, OrderReturns]:
    tenants, ids = _columns(keys, 2)
    rows = await tx.fetch(
        "SELECT o.* FROM returnable_order o JOIN unnest($1::text[], $2::text[]) u(tenant, order_id) "
        f"USING (tenant, order_id) ORDER BY o.tenant, o.order_id {lock}",
        tenants, ids,
    )  # fmt: skip
    orders = {
        (r["tenant"], r["order_id"]): OrderReturns(
            r["tenant"], r["order_id"], r["shard"], r["content"], r["traceparent"]
        )
        for r in rows
    }
    for row in await tx.fetch(_joined("outbound"), tenants, ids):
        orders[row["tenant"], row["order_id"]].outbound[row["shipment_id"]] = _outbound(row)
    for row in await tx.fetch(_joined("return_case") + " ORDER BY number", tenants, ids):
        orders[row["tenant"], row["order_id"]].cases[row["return_id"]] = _case(row)
    return orders


def _joined(table: str) -> str:
    return f"SELECT {table}.* FROM {table} JOIN unnest($1::text[], $2::text[]) u(tenant, order_id) USING (tenant, order_id)"


async def save_orders(tx: Transaction, orders: Collection[OrderReturns], *, contents: bool = False) -> None:
    """Write locked orders back with all their returns. Contents never change: they are written when asked for only."""
    if contents:
        flat = [(o.tenant, o.order_id, o.content, o.traceparent) for o in orders if o.content]
        await tx.execute(
            "UPDATE returnable_order o SET content = u.content, traceparent = u.traceparent, updated_at = $5 "
            "FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) u(tenant, order_id, content, traceparent) "
            "WHERE o.tenant = u.tenant AND o.order_id = u.order_id AND o.content IS NULL",
            *_columns(flat, 4), tx.now,
        )  # fmt: skip
    await _save_outbound(tx, [(o, s, way) for o in orders for s, way in sorted(o.outbound.items())])
    await _save_cases(tx, [(o, case) for o in orders for case in o.cases.values()])


async def _save_outbound(tx: Transaction, ways: Sequence[tuple[OrderReturns, str, Outbound]]) -> None:
    flat = [(o.tenant, o.order_id, s, w.version, w.status.value, w.delivered, w.delivered_at) for o, s, w in ways]
    if flat:
        await tx.execute(
            "INSERT INTO outbound SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], "
            "$6::bool[], $7::timestamptz[]) ON CONFLICT (tenant, order_id, shipment_id) DO UPDATE SET "
            "version = EXCLUDED.version, status = EXCLUDED.status, delivered = EXCLUDED.delivered, "
            "delivered_at = EXCLUDED.delivered_at",
            *_columns(flat, 7),
        )  # fmt: skip


_CHANGING = (
    "state", "refusal", "version", "ordered", "label_version", "tracking_number", "tracking_version", "travelled",
    "close_requested", "expiry_version", "expires_at", "updated_at",
)  # fmt: skip


async def _save_cases(tx: Transaction, cases: Sequence[tuple[OrderReturns, ReturnCase]]) -> None:
    flat = [(o.tenant, c.return_id, o.order_id, o.shard, *_case_values(c)) for o, c in cases]
    if flat:
        await tx.execute(
            f"INSERT INTO return_case ({_CASE}, updated_at) SELECT tenant, return_id, order_id, shard, number, origin, "
            "request_id, requested_at, items::jsonb, reason, state, refusal, version, ordered, label_version, "
            "tracking_number, tracking_version, travelled, close_requested, expiry_version, expires_at, $22 "
            "FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::text[], $7::text[], "
            "$8::timestamptz[], $9::text[], $10::text[], $11::text[], $12::text[], $13::int[], $14::bool[], $15::int[], "
            f"$16::text[], $17::int[], $18::text[], $19::bool[], $20::int[], $21::timestamptz[]) u({_CASE}) "
            "ON CONFLICT (tenant, return_id) DO UPDATE SET "
            + ", ".join(f"{column} = EXCLUDED.{column}" for column in _CHANGING),
            *_columns(flat, 21), tx.now,
        )  # fmt: skip


async def list_cases(
    tx: Transaction, tenant: str, order_id: str | None, state: str | None, after: str, limit: int
) -> list[tuple[str, ReturnCase]]:
    """Return a page of a tenant's returns by id, each with its order id."""
    rows = await tx.fetch(
        "SELECT * FROM return_case WHERE tenant = $1 AND ($2::text IS NULL OR order_id = $2) "
        "AND ($3::text IS NULL OR state = $3) AND return_id > $4 ORDER BY return_id LIMIT $5",
        tenant, order_id, state, after, limit,
    )  # fmt: skip
    return [(row["order_id"], _case(row)) for row in rows]


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[column] for row in rows] for column in range(width)]


def _outbound(row: Row) -> Outbound:
    return Outbound(row["version"], TrackingStatus(row["status"]), row["delivered"], row["delivered_at"])


def _case(row: Row) -> ReturnCase:
    return ReturnCase(
        return_id=row["return_id"],
        number=row["number"],
        origin=row["origin"],
        request_id=row["request_id"],
        requested_at=row["requested_at"],
        items=tuple(ReturnItem.model_validate(item) for item in json.loads(row["items"])),
        reason=row["reason"],
        state=ReturnState(row["state"]) if row["state"] else None,
        refusal=row["refusal"],
        version=row["version"],
        ordered=row["ordered"],
        label_version=row["label_version"],
        tracking_number=row["tracking_number"],
        tracking_version=row["tracking_version"],
        travelled=Travelled(row["travelled"]),
        close_requested=row["close_requested"],
        expiry_version=row["expiry_version"],
        expires_at=row["expires_at"],
    )


def _case_values(case: ReturnCase) -> tuple[Any, ...]:
    return (
        case.number, case.origin, case.request_id, case.requested_at,
        json.dumps([item.model_dump() for item in case.items]), case.reason, case.state.value if case.state else None,
        case.refusal, case.version, case.ordered, case.label_version, case.tracking_number, case.tracking_version,
        case.travelled.value, case.close_requested, case.expiry_version, case.expires_at,
    )  # fmt: skip
