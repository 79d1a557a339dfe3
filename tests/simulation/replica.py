"""One replica of the example service: the product's stage, assembled as the application assembles it, in a process that can
be frozen and killed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from aiokafka import TopicPartition

from linkstar_runtime.clock import Clock
from linkstar_runtime.dead_letters import Circuit
from linkstar_runtime.decoding import Decoder
from linkstar_runtime.ids import SeededIds
from linkstar_runtime.kafka import Listener
from linkstar_runtime.telemetry import Telemetry
from simulation.chance import Chance
from simulation.example import EMITS, Example
from simulation.loop import Process
from simulation.wires import ConsumerClient, DatabaseWire, SimulatedProducer

if TYPE_CHECKING:
    from simulation.world import World

__all__ = ["Replica"]

TELEMETRY = Telemetry("example", ())
IDLE_LIMIT_S = 5.0
PRODUCE_TIMEOUT_S = 6.0


class Replica(Process):
    """A process with one group member, its sweep and its HTTP door."""

    def __init__(self, world: World, name: str, topics: Sequence[str], clock: Clock) -> None:
        super().__init__(world.loop)
        self.world, self.name, self.topics = world, name, topics
        self.leaving = False
        self.group_cut_until = 0.0
        self.sweeping: asyncio.Task[None] | None = None
        self._chance: Chance = world.chance
        self._assemble(clock)

    def _assemble(self, clock: Clock) -> None:
        world, parts = self.world, self.world.parts
        ids = SeededIds(int(self._chance.random() * 2**32))
        self.wire = DatabaseWire(world.chance, world.rates, world.loop)
        self.store = parts.store(clock, world.tables, self.wire)
        self.store.idle_limit_s = IDLE_LIMIT_S
        self.example: Example = parts.example(world.chance, world.once, world.rates.retry)
        subscriptions = self.example.subscriptions(self.topics)
        self.producer = SimulatedProducer(world, PRODUCE_TIMEOUT_S)
        self.emitter = parts.emitter(self.producer, TELEMETRY)
        decoder = Decoder(subscriptions, "", world.partitions)
        runner = parts.runner(
            "example", "0", subscriptions, EMITS, "", world.partitions, self.store, self.emitter,
            Circuit(ratio=1.0, consecutive=10**6), clock, TELEMETRY,
        )  # fmt: skip
        self.ownership = parts.ownership(
            self.name, decoder.topics, world.broker.cluster_id, self.store, self.emitter, clock, ids, self._page
        )
        self.stage = parts.stage("example", decoder, runner, self.ownership, self.emitter, self.store, clock, ids, 2.0)
        timers = parts.timers(self.example.timers(), runner, self.ownership, self.store, clock, TELEMETRY)
        self.sweep = parts.sweep(self.stage, self.ownership, self.emitter, self.store, timers, clock, world.sweep_s)
        self.writer = parts.writer(
            "example", runner, self.store, TELEMETRY, world.partitions, self.sweep.kick, self._owned
        )
        self.client = ConsumerClient(world, self.name)
        self.listener = Listener(self.stage, 2.0)
        self.listener.bind(lambda: self.client)  # type: ignore[arg-type,return-value]
        parts.prepare(self)

    def _owned(self) -> Collection[int]:
        return self.ownership.owned.keys()

    # -- life --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to work."""
        self.spawn(self._run(), "run")

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(Exception):
                await self.producer.start()
                break
            await asyncio.sleep(0.5)
        self.spawn(self._heartbeats(), "heartbeats")
        self.spawn(self._coordinate(), "coordinate")
        self.spawn(self._consume(), "consume")
        self.sweeping = self.spawn(self._sweep(), "sweep")

    async def _sweep(self) -> None:
        try:
            await self.sweep.run()
        except Exception as error:  # noqa: BLE001 - the application ends when a task of it dies
            self.die(f"sweep died of {type(error).__name__}")

    async def leave(self) -> None:
        """End in the order of the application: running delivery, running sweep, what is left, then the group.

        An error on the way ends the application too: its exit stack leaves the group whatever happened before.
        """
        self.leaving = True
        try:
            await self._drain()
        except Exception as error:  # noqa: BLE001 - as the exit stack, which tells it when all is undone
            self.world.log(self.name, "cannot drain", type(error).__name__)
        self.world.group.leave(self.name, self.world.loop.time())
        self.die("left")

    async def _drain(self) -> None:
        await self.stage.close(15.0)
        self.sweep.close()
        with contextlib.suppress(TimeoutError):
            if self.sweeping is not None:
                await asyncio.wait_for(self.sweeping, 15.0)
            await asyncio.wait_for(self.sweep.finish(), 10.0)

    def die(self, why: str) -> None:
        """End this process at once."""
        if self.alive:
            self.world.log(self.name, "dies", why)
            super().kill()
            self.world.gone(self)

    def _page(self, reason: str) -> None:
        self.world.violate("paged", reason)
        self.die("paged")

    def heard(self, shards: Sequence[int]) -> None:
        """A notice that rows wait came from the database."""
        if not self._chance.hit("notice_lost", 0.5):
            self.world.loop.call_soon(self.sweep.kick, context=self.context.copy())

    # -- the group ---------------------------------------------------------------------------------------------------

    async def _heartbeats(self) -> None:
        group, loop = self.world.group, self.world.loop
        while True:
            if self.group_cut_until <= loop.time():
                group.heartbeat(self.name, loop.time())
            await asyncio.sleep(0.5)

    async def _coordinate(self) -> None:
        """What aiokafka's coordinator does: join, give up everything on a rebalance, take the new assignment."""
        group, loop = self.world.group, self.world.loop
        joined = -1
        while True:
            if self.group_cut_until <= loop.time():
                if self.name not in group.members:
                    if self.leaving:
                        return
                    await self._revoke()
                    group.join(self.name, self.topics, loop.time())
                if not group.stable and joined != group.generation:
                    await self._revoke()
                    joined = group.generation
                    group.rejoin(self.name, loop.time())
                places = group.assignment.get(self.name)
                if places is not None and group.stable and joined == group.generation != self.client.generation:
                    await self._assign(places)
            await asyncio.sleep(0.2 + 0.1 * self._chance.random())

    async def _revoke(self) -> None:
        await self.listener.on_partitions_revoked(set(self.client.assignment()))
        self.client.assign((), -1)
        self.world.log(self.name, "revoked")

    async def _assign(self, places: Sequence[tuple[str, int]]) -> None:
        self.client.assign(places, self.world.group.generation)
        self.world.log(self.name, "assigned", self.client.places)
        with contextlib.suppress(Exception):  # aiokafka logs what a listener raises, and goes on
            await self.listener.on_partitions_assigned({TopicPartition(*place) for place in places})

    # -- the shell ---------------------------------------------------------------------------------------------------

    async def _consume(self) -> None:
        """FastStream's batch loop: one delivery after the other, every exception swallowed."""
        while not self.leaving:
            records = self.client.poll()
            if not records:
                await asyncio.sleep(0.1 + 0.2 * self._chance.random())
                continue
            await asyncio.sleep(self._chance.choice((0.0, 0.001, 0.02, 0.2)))
            with contextlib.suppress(Exception):
                await self.stage.deliver(records)

    async def submit(self, facts: Sequence[Any]) -> None:
        """Serve one HTTP command."""
        await self.writer.submit(self.example.on_orders, facts)
