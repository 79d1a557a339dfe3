"""The labeler's stage alone: how fast it buys the labels of routes that wait for it in Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from linkstar_bench.load import Finish, by_key, publish
from linkstar_bench.machine import Ground, Machine
from linkstar_bench.orders import OrderRecord, build_orders
from linkstar_bench.wire import PartitionWriter
from linkstar_contracts.topics import LABELS, ROUTES_CHOSEN
from linkstar_runtime.clock import Clock

__all__ = ["labels_per_s", "steady_rate"]

_WARM = 0.2
"""Share of the labels that are not timed: the process has only just begun."""


def labels_per_s(machine: Machine, count: int, seed: int, now: datetime) -> float:
    """Return labels per second of carriers with number ranges. Raises when an order has no label in the end."""
    ground = machine.ground("labelling")
    orders = build_orders(count, seed, "labelling", now)
    with machine.running(machine.services(ground, ("ingest", "router"))):
        asyncio.run(_route(machine, ground, orders))
    return asyncio.run(_label(machine, ground, orders))


async def _route(machine: Machine, ground: Ground, orders: Sequence[OrderRecord]) -> None:
    clock = Clock()
    async with (
        PartitionWriter(machine.bootstrap, clock) as writer,
        Finish(machine.bootstrap, clock, ground.prefix, ROUTES_CHOSEN.name, by_key()) as routed,
    ):
        await publish(writer, orders, ground.prefix)
        await routed.await_all(orders)


async def _label(machine: Machine, ground: Ground, orders: Sequence[OrderRecord]) -> float:
    async with Finish(machine.bootstrap, Clock(), ground.prefix, LABELS.name, by_key()) as labelled:
        with machine.running(machine.services(ground, ("labeler",))):
            await labelled.await_all(orders, tell_every=10_000)
    return steady_rate([labelled.seen_at[order.key] for order in orders])


def steady_rate(seen: Sequence[float]) -> float:
    """Return how many a second were seen at these times, without the first, before which the process was still cold."""
    ordered = sorted(seen)
    first = int(len(ordered) * _WARM)
    return (len(ordered) - 1 - first) / (ordered[-1] - ordered[first])
