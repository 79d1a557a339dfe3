"""Quotes at a steady rate while orders pass through the router's stage, each timed from the moment it was due."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime

import asyncpg

from linkstar_bench.load import Finish, by_key, publish_paced
from linkstar_bench.machine import Ground, Machine, Running
from linkstar_bench.orders import TENANTS, build_orders
from linkstar_bench.router.callers import Callers
from linkstar_bench.router.deciding import quote_body
from linkstar_bench.router.probed import FILE, late_ms
from linkstar_bench.wire import PartitionWriter
from linkstar_contracts.topics import ROUTES_CHOSEN
from linkstar_runtime.api_keys import create_key
from linkstar_runtime.clock import Clock
from linkstar_sandbox.ports import free_ports

__all__ = ["cross"]

_WARM_S = 5


def cross(machine: Machine, rate: int, seconds: int, seed: int, now: datetime) -> dict[str, float]:
    """Send `rate` quotes and `rate` orders a second; return what was answered, routed, and how long quotes took.

    `loop_late_p99_ms` tells how late the router's event loop was meanwhile. Raises when a quote was refused or an order
    was not routed.
    """
    ground, late = machine.ground("crossing"), machine.home.logs / "router-late.txt"
    environment = machine.environment(ground, "router", **{FILE: str(late)})
    router = machine.module("router-1", "linkstar_bench.router.probed", ("run",), environment, *free_ports(1))
    with machine.running([*machine.services(ground, ("ingest",)), router]) as running:
        asyncio.run(_traffic(running, ground, rate, _WARM_S, seed, now, "warm"))
        late_ms(late)
        found = asyncio.run(_traffic(running, ground, rate, seconds, seed, now, "crossing"))
        lateness = [sample / 1000 for sample in late_ms(late)]
    return found | {"loop_late_p99_ms": _percentile(lateness, 99), "loop_late_max_ms": _percentile(lateness, 100)}


async def _traffic(
    running: Running, ground: Ground, rate: int, seconds: int, seed: int, now: datetime, name: str
) -> dict[str, float]:
    clock, bootstrap = Clock(), running.infrastructure.bootstrap
    orders = build_orders(rate * seconds, seed, name, now)
    bodies = [json.dumps(quote_body(order)).encode() for order in build_orders(rate * seconds, seed + 1, name, now)]
    async with (
        PartitionWriter(bootstrap, clock) as writer,
        Finish(bootstrap, clock, ground.prefix, ROUTES_CHOSEN.name, by_key()) as routed,
        Callers(running.urls("router")[0], await _key(ground), clock) as callers,
    ):
        took, _, _ = await asyncio.gather(
            callers.paced("/v1/quotes", bodies, rate),
            publish_paced(writer, orders, rate, clock, ground.prefix),
            routed.await_all(orders),
        )
        last = max(routed.seen_at[order.key] for order in orders) - callers.began
    return {
        "quotes_per_s": round(len(took) / callers.seconds, 1), "quote_p50_ms": _percentile(took, 50),
        "quote_p99_ms": _percentile(took, 99), "concurrent_orders_per_s": round(len(orders) / last, 1),
    }  # fmt: skip


async def _key(ground: Ground) -> str:
    connection = await asyncpg.connect(ground.database)
    try:
        return await create_key(connection, TENANTS[0], ["quotes:read"])
    finally:
        await connection.close()


def _percentile(took: Sequence[float], per_cent: int) -> float:
    ordered = sorted(took)
    return round(ordered[min(len(ordered) - 1, len(ordered) * per_cent // 100)] * 1000, 2)
