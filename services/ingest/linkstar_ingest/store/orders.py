"""The order aggregate: its state under lock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from linkstar_ingest.domain.content import OrderContent
from linkstar_ingest.domain.lifecycle import Order, OrderState
from linkstar_ingest.store.keys import Key, pairs


async def lock_orders(tx: Any, keys: Iterable[Key]) -> dict[Key, Order]:
    """Lock the orders that exist, in key order, and return them.

    Handovers are read after the lock: a join would show those of the time before waiting for it.
    """
    rows = await tx.fetch(
        """SELECT o.* FROM sales_order o JOIN unnest($1::text[], $2::text[]) u(tenant, order_id) USING (tenant, order_id)
            ORDER BY o.tenant, o.order_id FOR NO KEY UPDATE OF o""",
        *pairs(keys),
    )
    locked = {(row["tenant"], row["order_id"]): row for row in rows}
    handovers = await _handovers(tx, locked) if locked else {}
    return {key: _order(row, handovers.get(key)) for key, row in locked.items()}


async def _handovers(tx: Any, keys: Iterable[Key]) -> dict[Key, datetime]:
    rows = await tx.fetch(
        """SELECT h.* FROM order_handover h JOIN unnest($1::text[], $2::text[]) u(tenant, order_id)
            USING (tenant, order_id)""",
        *pairs(keys),
    )
    return {(row["tenant"], row["order_id"]): row["handed_over_at"] for row in rows}


def _order(row: Mapping[str, Any], handed_over_at: datetime | None) -> Order:
    return Order(
        tenant=row["tenant"], order_id=row["order_id"], shard=row["shard"], state=OrderState(row["state"]),
        version=row["version"], fingerprint=row["fingerprint"], problem=row["problem"],
        content=OrderContent.model_validate_json(row["content"]) if row["content"] else None,
        handed_over_at=handed_over_at,
    )  # fmt: skip


async def insert_orders(tx: Any, orders: Sequence[Order]) -> set[Key]:
    """Insert orders and return the keys of those that were new."""
    ordered = sorted(orders, key=lambda order: order.key)
    rows = await tx.fetch(
        """INSERT INTO sales_order (tenant, order_id, shard, state, version, fingerprint, content, problem,
                                    created_at, updated_at)
           SELECT u.*, $9, $9 FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::int[], $6::bytea[],
                                          $7::text[], $8::text[]) u
           ON CONFLICT DO NOTHING RETURNING tenant, order_id""",
        *_columns(ordered), tx.now,
    )  # fmt: skip
    return {(row["tenant"], row["order_id"]) for row in rows}


async def update_orders(tx: Any, orders: Sequence[Order]) -> None:
    """Write the state of orders that this transaction has locked."""
    await tx.execute(
        """UPDATE sales_order o SET state = u.state, version = u.version, fingerprint = u.fingerprint,
                  content = u.content, problem = u.problem, updated_at = $9
             FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::int[], $6::bytea[], $7::text[], $8::text[])
                  u(tenant, order_id, shard, state, version, fingerprint, content, problem)
            WHERE o.tenant = u.tenant AND o.order_id = u.order_id""",
        *_columns(orders), tx.now,
    )  # fmt: skip


def _columns(orders: Sequence[Order]) -> tuple[list[Any], ...]:
    return (
        [order.tenant for order in orders], [order.order_id for order in orders], [order.shard for order in orders],
        [order.state.value for order in orders], [order.version for order in orders],
        [order.fingerprint for order in orders],
        [order.content.model_dump_json(exclude_none=True) if order.content else None for order in orders],
        [order.problem for order in orders],
    )  # fmt: skip


async def find_order(tx: Any, tenant: str, order_id: str) -> Order | None:
    """Return an order without locking it; None when it has not come."""
    row = await tx.fetchrow(
        """SELECT * FROM sales_order LEFT JOIN order_handover USING (tenant, order_id)
            WHERE tenant = $1 AND order_id = $2 AND state <> 'awaited'""",
        tenant, order_id,
    )  # fmt: skip
    return _order(row, row["handed_over_at"]) if row else None


async def list_orders(
    tx: Any, tenant: str, state: str | None, before: tuple[datetime, str] | None, limit: int
) -> list[tuple[datetime, Order]]:
    """Return orders with their time of arrival, newest first, after the place `before` in that order."""
    moment, order_id = before or (None, "")
    rows = await tx.fetch(
        """SELECT * FROM sales_order LEFT JOIN order_handover USING (tenant, order_id)
            WHERE tenant = $1 AND state <> 'awaited' AND ($2::text IS NULL OR state = $2)
              AND ($3::timestamptz IS NULL OR created_at < $3 OR (created_at = $3 AND order_id > $4))
            ORDER BY created_at DESC, order_id LIMIT $5""",
        tenant, state, moment, order_id, limit,
    )  # fmt: skip
    return [(row["created_at"], _order(row, row["handed_over_at"])) for row in rows]


async def mark_handed_over(tx: Any, moments: Mapping[Key, datetime]) -> None:
    """Note when the carrier accepted a parcel of these orders; the first note stands."""
    keys = sorted(moments)
    await tx.execute(
        """INSERT INTO order_handover (tenant, order_id, handed_over_at)
           SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[]) ON CONFLICT DO NOTHING""",
        [tenant for tenant, _ in keys], [order_id for _, order_id in keys], [moments[key] for key in keys],
    )  # fmt: skip
