"""Scans that wait in Kafka for trackers, and how fast every one of them is told as TrackingUpdated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeAlias

import asyncpg

from linkstar_bench.load import LoadFailed
from linkstar_bench.machine import Ground, Machine, Running
from linkstar_bench.tracker.parcels import Parcel, label_records, scan_records
from linkstar_bench.usage import Usage
from linkstar_bench.verdict import log_ends, read_census
from linkstar_bench.wire import PartitionWriter, WireRecord
from linkstar_contracts.topics import CARRIER_SCANS, LABELS, TRACKING_UPDATED
from linkstar_runtime.clock import Clock
from linkstar_sandbox.ports import free_ports
from linkstar_sandbox.replica import Replica

__all__ = ["Pace", "Sampled", "Trackers", "WronglyTold", "scans_per_s", "settle", "told_once"]

Sampled: TypeAlias = Callable[[int | None], AbstractContextManager[None]]
"""Samples the process of this id during a block, if that was asked for."""
_CHUNK = 2_000
_STALL_S = 90.0
_LOOK_S = 0.1
_WAVES = (1, 2, 3)
_DONE = "SELECT coalesce(sum(next_offset), 0)::bigint FROM tracker.stage_offset WHERE topic = $1"
_WARM = 0.1
"""Share of the scans that is not timed: the processes have only just begun."""


class WronglyTold(Exception):
    """Scans are lost or told twice: the run has no result."""


@dataclass(frozen=True)
class Trackers:
    """How many trackers share the work, and where."""

    machine: Machine
    ground: Ground
    replicas: int

    def processes(self) -> list[Replica]:
        """Return them, not started."""
        told = self.machine.environment(self.ground, "tracker")
        ports = enumerate(free_ports(self.replicas), 1)
        return [self.machine.module(f"tracker-{n}", "linkstar_tracker", ("run",), told, port) for n, port in ports]

    async def publish(self, topic: str, records: Iterable[WireRecord]) -> None:
        """Write records to a topic, a few thousand at a time."""
        source = iter(records)
        async with PartitionWriter(self.machine.bootstrap, Clock()) as writer:
            while chunk := list(islice(source, _CHUNK)):
                await writer.write(self.ground.prefix + topic, chunk)

    async def told(self, topic: str, wanted: int) -> int:
        """Return how many records of a topic are done once there are as many as wanted."""
        connection, clock, found = await asyncpg.connect(self.ground.database), Clock(), -1
        try:
            since = clock.monotonic()
            while (count := await connection.fetchval(_DONE, self.ground.prefix + topic)) < wanted:
                since = clock.monotonic() if count > found else since
                if count // 50_000 != found // 50_000:
                    print(f"  {count} of {wanted} records of {topic}", flush=True)
                if clock.monotonic() - since > _STALL_S:
                    raise LoadFailed(f"{count} of {wanted} records, and no more for {_STALL_S:.0f} s")
                found = count
                await clock.sleep(_LOOK_S)
            return int(count)
        finally:
            await connection.close()

    async def emptied(self) -> None:
        """Return when every event is out."""
        connection = await asyncpg.connect(self.ground.database)
        try:
            while await connection.fetchval("SELECT EXISTS (SELECT FROM tracker.outbox)"):
                await Clock().sleep(_LOOK_S)
        finally:
            await connection.close()


@dataclass(frozen=True)
class Pace:
    """How fast scans were told, and the CPU each process spent on one."""

    scans_per_s: float
    us_per_scan: dict[str, float]


def settle(trackers: Trackers, chosen: Sequence[Parcel], seed: int, now: datetime) -> None:
    """Make the parcels live: labelled, and accepted by their carriers."""
    asyncio.run(trackers.publish(LABELS.name, label_records(chosen, now)))
    with trackers.machine.running(trackers.processes()):
        asyncio.run(trackers.told(LABELS.name, len(chosen)))
        asyncio.run(trackers.publish(CARRIER_SCANS.name, scan_records(chosen, 0, seed, now)))
        asyncio.run(trackers.told(CARRIER_SCANS.name, len(chosen)))
        asyncio.run(trackers.emptied())


def scans_per_s(
    trackers: Trackers, chosen: Sequence[Parcel], seed: int, now: datetime,
    sampled: Sampled,
) -> Pace:  # fmt: skip
    """Return the pace at which these live parcels' scans are told. Raises `WronglyTold` unless each is told exactly once."""
    for wave in _WAVES:
        asyncio.run(trackers.publish(CARRIER_SCANS.name, scan_records(chosen, wave, seed, now)))
    with trackers.machine.running(trackers.processes()) as running, sampled(running.replicas["tracker-1"].pid):
        pace = asyncio.run(_pace(trackers, running, len(chosen)))
        asyncio.run(trackers.emptied())
    asyncio.run(_judge(trackers, chosen))
    return pace


async def _pace(trackers: Trackers, running: Running, live: int) -> Pace:
    clock, scans = Clock(), len(_WAVES) * live
    warm = await trackers.told(CARRIER_SCANS.name, live + int(scans * _WARM))
    used, began = running.readings(), clock.monotonic()
    timed = await trackers.told(CARRIER_SCANS.name, live + scans) - warm
    seconds = clock.monotonic() - began
    return Pace(timed / seconds, Usage.between(used, running.readings()).us_per(timed))


def told_once(told: Iterable[tuple[str, bytes]], times: int) -> bool:
    """True when as many events are told, each with one content however often it is on the wire."""
    distinct = set(told)
    return len(distinct) == times == len({identity for identity, _ in distinct})


async def _judge(trackers: Trackers, chosen: Sequence[Parcel]) -> None:
    """Each parcel's label, acceptance and waves are told under versions of their own, and nothing else is."""
    bootstrap, prefix, topic = trackers.machine.bootstrap, trackers.ground.prefix, TRACKING_UPDATED.name
    begins = dict.fromkeys(await log_ends(bootstrap, prefix, (topic,)), 0)
    census = (await read_census(bootstrap, prefix, begins))[topic]
    wanted, times = {parcel.key.encode() for parcel in chosen}, 2 + len(_WAVES)
    wrong = [key for key in wanted if not told_once(census.get(key, ()), times)]
    if wrong or census.keys() - wanted:
        raise WronglyTold(f"{len(wrong)} of {len(chosen)} parcels, such as {sorted(wrong)[:3]}")
    print(f"  {sum(map(len, census.values())) - times * len(wanted)} copies on the wire", flush=True)
