"""Tight capacity pools while router replicas die: three of them share the shards, one at a time is killed -9 and restarted.

Judged from what the decisions say, by one query that knows nothing of how the router counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from random import Random

import asyncpg

from linkstar_bench.load import Finish, by_key, publish_paced
from linkstar_bench.machine import Ground, Machine, Running
from linkstar_bench.orders import TENANTS, OrderRecord, build_orders
from linkstar_bench.wire import PartitionWriter
from linkstar_contracts.topics import ROUTES_CHOSEN
from linkstar_runtime.clock import Clock
from linkstar_sandbox.ports import free_ports
from linkstar_sandbox.replica import Replica

__all__ = ["cap"]

_REPLICAS = 3
_RATE = 300
_SIGKILL = 9
_PAUSE_S = (1.5, 4.5)
_POOLS = (
    ("ground", "usps", "ground_advantage", "", 60),
    ("ground-la", "usps", "ground_advantage", "US-LA", 25),
    ("ups", "ups", "", "", 40),
    ("dpd-de", "dpd-de", "", "", 10),
)
"""Name, carrier, service, warehouse, cap: far less than is wanted on a day."""

_DEFINE = """
INSERT INTO router.capacity_pool (tenant, pool, carrier, service, warehouse, cap, minimum, valid_from)
VALUES ($1, $2, $3, $4, $5, $6, 0, '2000-01-01')
"""
_JUDGE = """
WITH routed AS (
    SELECT s.tenant, s.chosen, convert_from(s.content, 'UTF8')::jsonb AS content,
           (convert_from(d.answer, 'UTF8')::jsonb #>> '{candidates,0,9,0}')::int AS ship
    FROM router.shipment s JOIN router.decision d
      ON d.tenant = s.tenant AND d.shipment_id = s.shipment_id AND d.sequence = s.decisions
    WHERE s.state = 'routed'
), days AS (
    SELECT p.tenant, p.pool, r.ship, p.cap, sum(jsonb_array_length(r.content -> 'parcels')) AS parcels
    FROM router.capacity_pool p JOIN routed r ON r.tenant = p.tenant
     AND split_part(r.chosen, '/', 1) = p.carrier AND p.service IN ('', split_part(r.chosen, '/', 2))
     AND p.warehouse IN ('', r.content #>> '{warehouse,code}')
    GROUP BY p.tenant, p.pool, r.ship, p.cap
)
SELECT count(*) FILTER (WHERE parcels > cap) AS overbooked, count(*) FILTER (WHERE parcels = cap) AS full_days,
       count(*) AS days, coalesce(sum(parcels), 0)::int AS parcels
FROM days
"""


class Killer:
    """Kills one replica after another, each time one drawn at random, and starts it again."""

    def __init__(self, replicas: Sequence[Replica], seed: int) -> None:
        self._replicas, self._chance = replicas, Random(seed)
        self.kills = 0

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await asyncio.sleep(self._chance.uniform(*_PAUSE_S))
            victim = self._chance.choice(self._replicas)
            victim.signal(_SIGKILL)
            victim.stop()
            self.kills += 1
            victim.start()


def cap(machine: Machine, count: int, seed: int, now: datetime) -> dict[str, int]:
    """Return how many days of pools were overbooked, how many were full, and how often a replica was killed.

    Raises when no day of a pool filled up or nobody was killed: then nothing was tried.
    """
    ground = machine.ground("capping")
    asyncio.run(_define(ground))
    environment = machine.environment(ground, "router")
    routers = [
        machine.module(f"router-{number}", "linkstar_router", ("run",), environment, port)
        for number, port in enumerate(free_ports(_REPLICAS), 1)
    ]
    with machine.running([*machine.services(ground, ("ingest",)), *routers]) as running:
        kills = asyncio.run(_traffic(running, ground, routers, build_orders(count, seed, "capping", now), seed))
    found = asyncio.run(_judged(ground))
    if not (found["full_days"] and kills):
        raise RuntimeError(f"nothing was tried: {found}, {kills} kills")
    return found | {"kills": kills}


async def _define(ground: Ground) -> None:
    connection = await asyncpg.connect(ground.database)
    try:
        await connection.executemany(_DEFINE, [(tenant, *pool) for tenant in TENANTS for pool in _POOLS])
    finally:
        await connection.close()


async def _traffic(
    running: Running, ground: Ground, routers: Sequence[Replica], orders: Sequence[OrderRecord], seed: int
) -> int:
    clock, bootstrap, killer = Clock(), running.infrastructure.bootstrap, Killer(routers, seed)
    async with (
        PartitionWriter(bootstrap, clock) as writer,
        Finish(bootstrap, clock, ground.prefix, ROUTES_CHOSEN.name, by_key()) as routed,
    ):
        killing = asyncio.create_task(killer.run())
        await asyncio.gather(
            publish_paced(writer, orders, _RATE, clock, ground.prefix), routed.await_all(orders)
        )  # fmt: skip
        killing.cancel()
        await asyncio.gather(killing, return_exceptions=True)
    return killer.kills


async def _judged(ground: Ground) -> dict[str, int]:
    connection = await asyncpg.connect(ground.database)
    try:
        (row,) = await connection.fetch(_JUDGE)
    finally:
        await connection.close()
    return {"overbooked": row["overbooked"], "full_days": row["full_days"], "capped_parcels": row["parcels"]}
