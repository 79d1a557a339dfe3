"""Capacity pools and what is used of them. Rows of days are made first, then locked in the order of their key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from linkstar_router.domain.capacity import Pool, PoolDay, Use
from linkstar_router.domain.shipment import Key
from linkstar_runtime.handling import Transaction

__all__ = ["days_of", "give_back", "lock_days", "pools_of", "put_pool", "remove_pool", "take", "uses_of"]

_POOL = "tenant, pool, carrier, service, warehouse, cap, minimum, valid_from, valid_to"
_IN = "WHERE (tenant, pool, day) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::date[]))"


async def pools_of(tx: Transaction, tenants: Collection[str]) -> list[Pool]:
    """Return the pools of these tenants, in the order of their names."""
    rows = await tx.fetch(
        f"SELECT {_POOL} FROM capacity_pool WHERE tenant = ANY($1::text[]) ORDER BY tenant, pool",  # noqa: S608
        sorted(tenants),
    )
    return [Pool(*row) for row in rows]


async def put_pool(tx: Transaction, pool: Pool) -> None:
    """Define a pool anew. Its cap holds at once, but no day falls below what is used of it already."""
    await tx.execute(
        f"INSERT INTO capacity_pool ({_POOL}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "  # noqa: S608
        "ON CONFLICT (tenant, pool) DO UPDATE SET carrier = EXCLUDED.carrier, service = EXCLUDED.service, "
        "warehouse = EXCLUDED.warehouse, cap = EXCLUDED.cap, minimum = EXCLUDED.minimum, "
        "valid_from = EXCLUDED.valid_from, valid_to = EXCLUDED.valid_to",
        *pool,
    )
    await tx.fetch(
        "SELECT 1 FROM capacity_day WHERE tenant = $1 AND pool = $2 ORDER BY day FOR NO KEY UPDATE",
        pool.tenant,
        pool.pool,
    )
    await tx.execute(
        "UPDATE capacity_day SET cap = greatest(used, $3) WHERE tenant = $1 AND pool = $2 AND day >= $4::date",
        pool.tenant,
        pool.pool,
        pool.cap,
        tx.now.date() - timedelta(days=1),  # somewhere it is still yesterday
    )


async def remove_pool(tx: Transaction, tenant: str, pool: str) -> bool:
    """Remove a pool; what is used of it is still given back. False when there is none."""
    return await tx.execute("DELETE FROM capacity_pool WHERE tenant = $1 AND pool = $2", tenant, pool) == "DELETE 1"


async def days_of(tx: Transaction, tenant: str, since: date, limit: int) -> Sequence[Mapping[str, Any]]:
    """Return pool, day, cap and use of the days since one, in the order of pool and day."""
    rows = await tx.fetch(
        "SELECT pool, day, cap, used FROM capacity_day WHERE tenant = $1 AND day >= $2 ORDER BY pool, day LIMIT $3",
        tenant,
        since,
        limit,
    )
    return [dict(row) for row in rows]


async def lock_days(tx: Transaction, wanted: Iterable[PoolDay], caps: dict[tuple[str, str], int]) -> dict[PoolDay, int]:
    """Lock these days of pools, made where they are new with the caps by tenant and pool, and return the room in each.

    Whoever writes uses must hold the locks; all hold them in the same order.
    """
    keys = sorted(set(wanted))
    columns = [list(column) for column in zip(*keys, strict=True)] or [[], [], []]
    rows = await tx.fetch(f"SELECT tenant, pool, day FROM capacity_day {_IN}", *columns)  # noqa: S608 - constants
    known = {tuple(row) for row in rows}
    fresh = [key for key in keys if key not in known]
    if fresh:
        await _make_days(tx, fresh, caps)
    rows = await tx.fetch(
        f"SELECT tenant, pool, day, cap - used AS room FROM capacity_day {_IN} "  # noqa: S608 - constants only
        "ORDER BY tenant, pool, day FOR NO KEY UPDATE",
        *columns,
    )
    return {(row["tenant"], row["pool"], row["day"]): row["room"] for row in rows}


async def _make_days(tx: Transaction, fresh: Sequence[PoolDay], caps: dict[tuple[str, str], int]) -> None:
    """Insert days with the caps that hold now: who changes a pool waits until they are there, and finds them."""
    rows = await tx.fetch(
        "SELECT tenant, pool, cap FROM capacity_pool "
        "WHERE (tenant, pool) IN (SELECT * FROM unnest($1::text[], $2::text[])) ORDER BY tenant, pool FOR SHARE",
        [tenant for tenant, _, _ in fresh],
        [pool for _, pool, _ in fresh],
    )
    newest = caps | {(row["tenant"], row["pool"]): row["cap"] for row in rows}
    await tx.execute(
        "INSERT INTO capacity_day (tenant, pool, day, cap) "
        "SELECT * FROM unnest($1::text[], $2::text[], $3::date[], $4::int[]) ON CONFLICT DO NOTHING",
        *(list(column) for column in zip(*fresh, strict=True)),
        [newest[tenant, pool] for tenant, pool, _ in fresh],
    )


async def uses_of(tx: Transaction, shipments: Collection[Key]) -> list[Use]:
    """Return what these shipments, which are locked, use of any pool."""
    ordered = sorted(shipments)
    rows = await tx.fetch(
        "SELECT tenant, shipment_id, pool, attempt, day, units FROM capacity_use "
        "WHERE (tenant, shipment_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))",
        [tenant for tenant, _ in ordered],
        [shipment_id for _, shipment_id in ordered],
    )
    return [Use(*row) for row in rows]


async def take(tx: Transaction, uses: Sequence[Use]) -> None:
    """Write uses of locked days. The database itself refuses to go beyond a cap."""
    if uses:
        await tx.execute(
            "INSERT INTO capacity_use (tenant, shipment_id, pool, attempt, day, units) SELECT * FROM "
            "unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::date[], $6::int[])",
            *(list(column) for column in zip(*uses, strict=True)),
        )
        await _count(tx, uses, 1)


async def give_back(tx: Transaction, uses: Sequence[Use]) -> None:
    """Delete uses of locked days; what was given back before is passed over."""
    if uses:
        rows = await tx.fetch(
            "DELETE FROM capacity_use u USING unnest($1::text[], $2::text[], $3::text[], $4::int[]) "
            "AS n(tenant, shipment_id, pool, attempt) WHERE u.tenant = n.tenant AND u.shipment_id = n.shipment_id "
            "AND u.pool = n.pool AND u.attempt = n.attempt "
            "RETURNING u.tenant, u.shipment_id, u.pool, u.attempt, u.day, u.units",
            *(list(column) for column in zip(*(use[:4] for use in uses), strict=True)),
        )
        await _count(tx, [Use(*row) for row in rows], -1)


async def _count(tx: Transaction, uses: Sequence[Use], sign: int) -> None:
    changes: Counter[PoolDay] = Counter()
    for use in uses:
        changes[use.pool_day] += sign * use.units
    done = await tx.execute(
        "UPDATE capacity_day d SET used = d.used + n.units "
        "FROM unnest($1::text[], $2::text[], $3::date[], $4::int[]) AS n(tenant, pool, day, units) "
        "WHERE d.tenant = n.tenant AND d.pool = n.pool AND d.day = n.day",
        *(list(column) for column in zip(*changes, strict=True)),
        list(changes.values()),
    )
    if done != f"UPDATE {len(changes)}":
        raise AssertionError(f"{done} for {len(changes)} days of pools: some were not locked")
