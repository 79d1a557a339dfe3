"""What goes wrong in the world at large: replicas are killed, frozen, cut off, added and sent away; leaders vanish."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from linkstar_contracts.topics import ORDERS_INBOUND
from simulation.replica import Replica

if TYPE_CHECKING:
    from simulation.world import World

__all__ = ["Nemesis"]

OLD_RELEASE = (ORDERS_INBOUND.name,)
FAULTS = (
    ("freeze", 0.22), ("kill", 0.14), ("join", 0.15), ("leave", 0.1), ("group_cut", 0.13), ("database_cut", 0.12),
    ("leaderless", 0.14),
)  # fmt: skip


class Nemesis:
    """Strikes until the sources' time is over, then heals everything."""

    def __init__(self, world: World) -> None:
        self._world, self._chance = world, world.chance
        self.most = min(world.chance.plan.randint(1, 4), world.scenario.replicas or 4)
        self.ended_at: float | None = None

    def start(self) -> None:
        for _ in range(self._chance.plan.randint(1, self.most)):
            self._start()
        self._world.loop.create_task(self._run(), name="nemesis")

    def _start(self) -> None:
        """Start a replica, during a roll-out perhaps of the release that does not know the second topic."""
        old = self._world.sources.rollout and not self._chance.calm and self._chance.random() < 0.5
        if old:
            self._world.start_replica(OLD_RELEASE)
        else:
            self._world.start_replica()

    async def _run(self) -> None:
        world, chance, pace = self._world, self._chance, self._world.rates.nemesis_s
        while world.loop.time() < world.sources.until:
            await asyncio.sleep(chance.uniform(0.2, 2 * pace))
            if not world.replicas:
                self._start()
                continue
            roll = chance.random()
            for fault, share in FAULTS:
                roll -= share
                if roll < 0 and chance.hit(fault, 1.0):
                    self._strike(fault, chance.choice(world.replicas))
                if roll < 0:
                    break
        await self._heal()

    def _strike(self, fault: str, replica: Replica) -> None:
        world, chance = self._world, self._chance
        now = world.loop.time()
        world.log("nemesis", fault, replica.name)
        if fault == "freeze":
            replica.freeze(chance.choice((0.5, 1.0, 4.0, 8.0)))
        elif fault == "kill":
            replica.die("killed")
            world.loop.call_later(chance.uniform(0.1, 3.0), self._replace)
        elif fault == "join" and len(world.replicas) < self.most:
            self._start()
        elif fault == "leave" and len(world.replicas) > 1 and replica.sweeping and not replica.leaving:
            replica.spawn(replica.leave(), "leave")
        elif fault == "group_cut":
            replica.group_cut_until = now + chance.choice((1.0, 4.0, 8.0))
        elif fault == "database_cut":
            replica.wire.cut_until = now + chance.choice((0.3, 1.0, 4.0))
        elif fault == "leaderless":
            world.take_leader(chance.course.randrange(world.partitions), chance.choice((0.5, 3.0, 7.0)))

    def _replace(self) -> None:
        if not self._chance.calm and len(self._world.replicas) < self.most:
            self._start()

    async def _heal(self) -> None:
        """End all faults, replace old releases, and keep at least one replica alive from now on."""
        world, now = self._world, self._world.loop.time()
        self._chance.calm = True
        world.log("nemesis", "ends")
        for replica in list(world.replicas):
            replica.group_cut_until = replica.wire.cut_until = replica.thaws_at = now
            replica.thaw()
        for partition in range(world.partitions):
            world.take_leader(partition, 0.0)
        if world.sources.rollout:
            await self._watch_mixed_releases()
        for replica in list(world.replicas):
            if replica.topics == OLD_RELEASE:
                await asyncio.sleep(1.0)
                replica.die("replaced")
                self._start()
        self.ended_at = world.loop.time()
        await self._keep_alive()

    async def _watch_mixed_releases(self) -> None:
        """In calm, two releases with different topics must not take shards from each other again and again."""
        world = self._world
        world.start_replica(OLD_RELEASE)
        world.start_replica()
        await asyncio.sleep(8.0)
        before = sum(world.tables.epochs.values())
        await asyncio.sleep(6.0)
        if sum(world.tables.epochs.values()) - before > world.partitions:
            world.violate("ping_pong", sum(world.tables.epochs.values()) - before)

    async def _keep_alive(self) -> None:
        world = self._world
        while True:
            if not any(not replica.leaving for replica in world.replicas):
                self._start()
            await asyncio.sleep(1.0)
