"""Where facts come from: two topics, an HTTP door with impatient clients, upstream systems that publish twice or badly."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from linkstar_contracts.topics import ORDERS_INBOUND, RETURNS_REQUESTED
from linkstar_runtime.records import OutgoingRecord
from linkstar_runtime.shards import shard_of
from simulation.example import Fact, request

if TYPE_CHECKING:
    from simulation.world import World

__all__ = ["Planned", "Sources"]

A, B = ORDERS_INBOUND.name, RETURNS_REQUESTED.name


@dataclass(frozen=True)
class Planned:
    """One thing that will be published: when, by which way, about which order."""

    at: float
    way: str
    topic: str
    order: str
    fact: str
    again: tuple[float, ...] = ()
    beside: str = ""
    """Another order of the same bulk command."""


class Sources:
    """Publishes according to a plan that is drawn before anything runs."""

    def __init__(self, world: World) -> None:
        self._world, self._chance = world, world.chance
        plan = world.chance.plan
        self.until = plan.uniform(4.0, 12.0)
        self.orders = [f"order-{number}" for number in range(plan.randint(2, 6))]
        self.rollout = world.chance.planned("rollout", 0.2)
        self._duplicates = plan.choice((0.0, 0.1, 0.25))
        self._bursts = [plan.uniform(0.5, self.until) for _ in range(2)]
        self.expected: dict[str, str] = {}
        """Facts that must have their effect once, with their order."""
        self.poison: set[tuple[str, int, int]] = set()
        drawn = [self._draw(number) for number in range(plan.randint(10, 50))]
        self.plan = drawn[: world.scenario.facts] if world.scenario.facts else drawn
        self.open = len(self.plan)

    def _draw(self, number: int) -> Planned:
        chance, plan = self._chance, self._chance.plan
        burst = plan.random() < 0.4
        at = plan.choice(self._bursts) if burst else plan.uniform(0.0, self.until)
        at += plan.uniform(0.0, 3.0) if plan.random() < 0.1 else 0.0
        topic, order = plan.choice((A, B)), plan.choice(self.orders)
        again = tuple(plan.uniform(0.0, 4.0) for _ in range(3) if chance.planned("duplicate", self._duplicates))
        follow = "f" if plan.random() < 0.1 else ""
        fact, roll = f"fact-{number}{follow}", plan.random()
        for kind, probability in (("poison_bytes", 0.03), ("poison_bug", 0.03), ("poison_reject", 0.02)):
            if chance.planned(kind, probability):
                return Planned(at, kind, topic, order, f"{kind.removeprefix('poison_')}-{number}")
        if chance.planned("wrong_key", 0.03):
            return Planned(at, "wrong_key", A, order, fact)
        if chance.planned("raises_once", 0.06):
            return Planned(at, "topic", topic, order, f"once-{number}", again)
        if roll < (0.6 if burst else 0.3) and chance.planned("http", 1.0):
            beside = plan.choice(self.orders) if plan.random() < 0.6 else ""
            return Planned(at, "both" if roll < 0.06 else "http", A, order, fact, again, beside)
        return Planned(at, "topic", topic, order, fact if topic == A else fact.removesuffix("f"), again)

    def start(self) -> None:
        for planned in self.plan:
            if planned.way not in {"poison_bytes", "poison_bug", "poison_reject"}:
                self._expect(planned)
            self._world.loop.create_task(self._run(planned), name=planned.fact)

    def _expect(self, planned: Planned) -> None:
        for fact, order in self._facts(planned):
            self.expected[fact] = order
            if fact.endswith("f"):
                self.expected[f"{fact}-followed"] = order

    def _facts(self, planned: Planned) -> list[tuple[str, str]]:
        beside = [(f"beside-{planned.fact.removesuffix('f')}", planned.beside)] if planned.beside else []
        return [(planned.fact, planned.order), *beside]

    async def _run(self, planned: Planned) -> None:
        await asyncio.sleep(planned.at)
        event = request(planned.topic, planned.order, planned.fact)
        if planned.way in {"both", "topic"}:
            self.publish(planned.topic, event)
        if planned.way in {"both", "http"}:
            await self._by_http([request(A, order, fact) for fact, order in self._facts(planned)])
        if planned.way.startswith("poison"):
            place = self.publish(planned.topic, event, b"no json" if planned.way == "poison_bytes" else None)
            self.poison.add(place)
        if planned.way == "wrong_key":
            partition = (shard_of(event.key, self._world.partitions) + 1) % self._world.partitions
            self.publish(A, event, key=b"elsewhere", partition=partition)
        for seconds in planned.again:
            await asyncio.sleep(seconds)
            self.publish(planned.topic, event)
        self.open -= 1

    def publish(
        self,
        topic: str,
        event: Fact,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int | None = None,
    ) -> tuple[str, int, int]:
        """Append a record as upstream does, now and then behind a gap in the offsets."""
        broker = self._world.broker
        partition = shard_of(event.key, self._world.partitions) if partition is None else partition
        if self._chance.hit("gap", 0.15):
            broker.skip(topic, partition, self._chance.choice((1, 2)))
        record = OutgoingRecord(key or event.key.encode(), value or event.body(), event.headers("/sim"), 1_000)
        offset = broker.append(topic, partition, record)
        self._world.log("upstream", "publishes", topic, partition, offset, event.ce_id)
        return topic, partition, offset

    async def _by_http(self, facts: Sequence[Fact]) -> None:
        """Send a command to some replica, again and again until one says that it is done."""
        chance, loop = self._chance, self._world.loop
        while True:
            replicas = [replica for replica in self._world.replicas if not replica.leaving]
            if replicas:
                replica = chance.choice(replicas)
                work = replica.spawn(replica.submit(facts), "http")
                done: asyncio.Future[bool] = loop.create_future()
                work.add_done_callback(lambda task, done=done: _tell(done, task.exception() is None))  # type: ignore[misc]
                limit = loop.call_later(chance.choice((2.0, 6.0)), _tell, done, False)
                answered = await done
                limit.cancel()
                if answered and not chance.hit("http_reply_lost", 0.1):
                    return
            await asyncio.sleep(0.1 + 0.9 * chance.random())


def _tell(done: asyncio.Future[bool], result: bool) -> None:
    if not done.done():
        done.set_result(result)
