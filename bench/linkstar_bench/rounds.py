"""One round of one variant: its processes up and warm, orders in, the last one seen at the other end, judged afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from linkstar_bench.load import Finish, Key, Sign, accepted, publish, publish_paced
from linkstar_bench.machine import Ground, Machine, Running
from linkstar_bench.orders import OrderRecord
from linkstar_bench.storage import Storage, read_storage
from linkstar_bench.usage import Usage
from linkstar_bench.verdict import FACTS, Verdict, judge_rows, judged, log_ends
from linkstar_bench.wire import PartitionWriter
from linkstar_contracts.topics import ORDERS_INBOUND, TRACKING_UPDATED
from linkstar_runtime.clock import Clock
from linkstar_sandbox.replica import Replica

__all__ = ["Burst", "Round", "Variant", "burst", "latencies", "play", "warm"]


@dataclass(frozen=True)
class Variant:
    """A way to do the work: where it runs, which processes it takes, how it is read and judged."""

    name: str
    ground: Ground
    replicas: Callable[[], Sequence[Replica]]
    source: str = ORDERS_INBOUND.name
    target: str = TRACKING_UPDATED.name
    sign: Callable[[], Sign] = lambda: accepted
    facts: Mapping[str, int] = field(default_factory=lambda: FACTS)
    anonymous: bool = False
    rows: bool = True


@dataclass(frozen=True)
class Burst:
    """All orders published at once, timed from the first produce to the last order seen finished."""

    orders: int
    seconds: float
    usage: Usage

    @property
    def orders_per_s(self) -> float:
        return self.orders / self.seconds


@dataclass(frozen=True)
class Round:
    """A burst with what it cost and the offline verdict."""

    burst: Burst
    storage: Storage
    verdict: Verdict


@contextmanager
def warm(machine: Machine, variant: Variant, orders: Sequence[OrderRecord]) -> Iterator[Running]:
    """Run the variant's processes, which have worked through these orders when the block begins."""
    with machine.running(variant.replicas()) as running:
        burst(running, variant, orders)
        yield running


def burst(running: Running, variant: Variant, orders: Sequence[OrderRecord], tell_every: int = 0) -> Burst:
    """Play one burst."""
    return asyncio.run(_burst(running, variant, orders, tell_every))


async def _burst(running: Running, variant: Variant, orders: Sequence[OrderRecord], tell_every: int) -> Burst:
    clock, bootstrap, prefix = Clock(), running.infrastructure.bootstrap, variant.ground.prefix
    async with (
        PartitionWriter(bootstrap, clock) as writer,
        Finish(bootstrap, clock, prefix, variant.target, variant.sign()) as finish,
    ):
        before, began = running.readings(), clock.monotonic()
        await asyncio.gather(
            publish(writer, orders, prefix, variant.source), finish.await_all(orders, tell_every)
        )  # fmt: skip
        return Burst(len(orders), clock.monotonic() - began, Usage.between(before, running.readings()))


def play(machine: Machine, variant: Variant, running: Running, orders: Sequence[OrderRecord], name: str) -> Round:
    """Play and judge one round of orders called `name`-0000000 and so on."""
    prefix, logs = variant.ground.prefix, machine.home.kafka / "log"
    before = asyncio.run(read_storage(variant.ground.database, logs, prefix))
    begins = asyncio.run(log_ends(machine.bootstrap, prefix, variant.facts))
    played = burst(running, variant, orders)
    stored = asyncio.run(read_storage(variant.ground.database, logs, prefix)).since(before)
    verdict = judged(machine.bootstrap, prefix, begins, orders, variant.facts, anonymous=variant.anonymous)
    if variant.rows:
        asyncio.run(judge_rows(variant.ground.database, name, len(orders), verdict))
    return Round(played, stored, verdict)


def latencies(running: Running, variant: Variant, orders: Sequence[OrderRecord], rate: float) -> list[float]:
    """Publish at a steady rate, whatever comes back, and return the seconds from each intended send to its end, sorted."""
    return asyncio.run(_latencies(running, variant, orders, rate))


async def _latencies(running: Running, variant: Variant, orders: Sequence[OrderRecord], rate: float) -> list[float]:
    clock, bootstrap, prefix = Clock(), running.infrastructure.bootstrap, variant.ground.prefix
    async with (
        PartitionWriter(bootstrap, clock) as writer,
        Finish(bootstrap, clock, prefix, variant.target, variant.sign()) as finish,
    ):
        intended: dict[Key, float]
        intended, _ = await asyncio.gather(
            publish_paced(writer, orders, rate, clock, prefix), finish.await_all(orders)
        )  # fmt: skip
        return sorted(finish.seen_at[key] - at for key, at in intended.items())
