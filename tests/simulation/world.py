"""One simulated world: broker, store, group, replicas, sources of facts and the nemesis, from a scenario to a verdict."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from linkstar_contracts.topics import ORDERS_INBOUND, RETURNS_REQUESTED
from linkstar_runtime import failpoints, kafka
from linkstar_runtime.clock import Clock
from linkstar_runtime.records import OutgoingRecord
from linkstar_runtime.testing import SERVER, MemoryBroker, MemoryGroup, MemoryTables, MemoryTransaction
from simulation.chance import Chance, Scenario
from simulation.checks import check
from simulation.example import AT
from simulation.loop import Exhausted, VirtualLoop, bury
from simulation.nemesis import Nemesis
from simulation.parts import Parts
from simulation.points import Points
from simulation.replica import Replica
from simulation.sources import Sources
from simulation.wires import Rates

__all__ = ["Result", "World", "simulate"]

ALL_TOPICS = (ORDERS_INBOUND.name, RETURNS_REQUESTED.name)
MAX_STEPS = 600_000
PATIENCE_S = 150.0
"""Virtual seconds after the last fault within which everything must be done."""
LOCK_TIMEOUT_S = 3.0


@dataclass
class Result:
    """The verdict on one run."""

    scenario: Scenario
    violations: Counter[str]
    seconds: float
    faults: Counter[str]
    points: Counter[str]
    figures: Counter[str]
    examined: Counter[str]
    digest: str
    lines: list[str] = field(default_factory=list)


class VirtualClock(Clock):
    """The product's clock on the loop's time."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        super().__init__(AT)

    def wall(self) -> datetime:
        return AT + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()


class World:
    """Everything that exists in one run."""

    def __init__(self, scenario: Scenario, parts: Parts, trace: bool = False) -> None:
        self.scenario, self.parts = scenario, parts
        self.chance = chance = Chance(scenario)
        self.loop = VirtualLoop(chance.order, MAX_STEPS)
        self.rates = Rates(chance)
        self.partitions = chance.plan.randint(2, 3)
        self.batch_capacity = chance.choice((1, 2, 1000))
        self.sweep_s = chance.choice((0.2, 0.5, 2.0))
        self.broker, self.tables = MemoryBroker(), MemoryTables(LOCK_TIMEOUT_S)
        self.group = MemoryGroup(self.partitions, 3.0, 4.0, parts.assignor)
        self.clock = VirtualClock(self.loop)
        self.replicas: list[Replica] = []
        self.landing = 0
        """Produce requests on their way."""
        self.once: set[str] = set()
        self.violations: Counter[str] = Counter()
        self.examined: Counter[str] = Counter()
        """How many cases each check has looked at."""
        self.lines: list[str] | None = [] if trace else None
        self._hash = hashlib.blake2b(digest_size=8)
        self._leaderless: dict[int, float] = {}
        self._producers = self._named = 0
        self._graves: list[Replica] = []
        self.sources = Sources(self)
        self.nemesis = Nemesis(self)
        self.points = Points(self)
        self.tables.listeners.append(self._notify)
        self.tables.observers.append(self._committed)

    # -- running -----------------------------------------------------------------------------------------------------

    def run(self) -> Result:
        """Run to the end and judge."""
        failpoints.install(self.points)
        try:
            self.loop.call_soon(self._begin)
            self.loop.run()
        except Exhausted as error:
            self.violate("stuck", str(error))
        finally:
            failpoints.install(None)
        check(self)
        result = Result(
            self.scenario, self.violations, self.loop.time(), self.chance.counts, self.points.hits, self._figures(),
            self.examined, self._digest(), self.lines or [],
        )  # fmt: skip
        self._bury()
        return result

    def _begin(self) -> None:
        self.sources.start()
        self.nemesis.start()
        self.loop.create_task(self._tick(), name="coordinator")
        self.loop.create_task(self._watch(), name="watch")

    async def _tick(self) -> None:
        while True:
            self.group.tick(self.loop.time())
            await asyncio.sleep(0.25)

    async def _watch(self) -> None:
        """End after two seconds in which nothing was left to do, or when patience ends."""
        quiet = 0
        while quiet < 3:
            await asyncio.sleep(1.0)
            quiet = quiet + 1 if self.drained() else 0
            if self.nemesis.ended_at is not None and self.loop.time() > self.nemesis.ended_at + PATIENCE_S:
                self.violate("stuck", "not drained in time")
                break
        self.loop.stop()

    def drained(self) -> bool:
        """True when every source has ended, every record is consumed and every row is sent and deleted."""
        if self.nemesis.ended_at is None or self.sources.open or self.landing or self.tables.outbox:
            return False
        if any(name.startswith("due/") for name in self.tables.state):
            return False
        offsets = self.tables.offsets
        return all(
            not log or offsets.get((partition, topic), 0) > log[-1].offset
            for (topic, partition), log in self.broker.logs.items()
            if topic in ALL_TOPICS
        )

    # -- what the parts of the world tell each other -----------------------------------------------------------------

    def log(self, who: str, what: str, *details: Any) -> None:
        """Add one line to the trace."""
        line = f"{self.loop.time():.4f} {who} {what} {details}"
        self._hash.update(line.encode())
        if self.lines is not None:
            self.lines.append(line)

    def violate(self, what: str, detail: object = "") -> None:
        """Note a broken promise."""
        self.violations[what] += 1
        self.log("CHECK", what, detail)

    def start_replica(self, topics: Sequence[str] = ALL_TOPICS) -> Replica:
        """Start one more replica."""
        self._named += 1
        replica = Replica(self, f"m{self._named:02d}", topics, self.clock)
        self.replicas.append(replica)
        self.log(replica.name, "starts", topics)
        replica.start()
        return replica

    def gone(self, replica: Replica) -> None:
        """A replica has died; the server finds out about its connections a little later."""
        self.replicas.remove(replica)
        self._graves.append(replica)
        self.loop.call_later(self.chance.choice((0.0, 0.02, 1.0)), replica.store.abort_open, context=SERVER)

    def new_producer_id(self) -> int:
        self._producers += 1
        return self._producers

    def leaderless(self, partition: int) -> bool:
        """True while this partition of every topic has no leader."""
        return self._leaderless.get(partition, 0.0) > self.loop.time()

    def take_leader(self, partition: int, seconds: float) -> None:
        self._leaderless[partition] = self.loop.time() + seconds

    def holds_first_only(self, topic: str, partition: int, records: Sequence[OutgoingRecord]) -> bool:
        """True when a topic holds the first of these records and not the last: a part of a chunk was appended."""
        values = {record.value for record in self.broker.logs[topic, partition]}
        return records[0].value in values and records[-1].value not in values

    def commit_gauge(self, member: str, generation: int, offsets: Mapping[Any, int]) -> bool:
        """Kafka's offset commit; never may it lead the database."""
        self.examined["gauge"] += len(offsets)
        for (topic, partition), offset in offsets.items():
            if offset > self.tables.offsets.get((partition, topic), 0):
                self.violate("gauge_ahead", (topic, partition, offset))
        return self.group.commit(member, generation, {tuple(place): offset for place, offset in offsets.items()})

    def _committed(self, tx: MemoryTransaction) -> None:
        """Trace a commit; stored offsets only ever grow."""
        moved = {key: value for table, key, value in tx.changes if table is self.tables.offsets}
        for place, offset in moved.items():
            if offset < self.tables.offsets.get(place, 0):
                self.violate("offset_back", (place, offset))
        self.log("database", "commits", tx.epochs, moved, [row.seq for row in tx.inserted], sorted(tx.deleted))

    def _notify(self, shards: Sequence[int]) -> None:
        for replica in self.replicas:
            replica.heard(shards)

    # -- the end -----------------------------------------------------------------------------------------------------

    def _figures(self) -> Counter[str]:
        return Counter(
            facts=len(self.sources.expected),
            events=sum(len(log) for (topic, _), log in self.broker.logs.items() if topic not in ALL_TOPICS),
            rebalances=self.group.generation,
            expired_sessions=self.group.expired,
            claims=sum(self.tables.epochs.values()),
            deadlocks=len(self.tables.locks.deadlocks),
            fenced_writes=self.tables.refusals,
            replicas=self._named,
            steps=MAX_STEPS - self.loop._left,
        )

    def _digest(self) -> str:
        """Name the whole course of this run: the same seed gives the same."""
        for place in sorted(self.broker.logs):
            for record in self.broker.logs[place]:
                self._hash.update(f"{place}{record.offset}{record.key!r}{record.value!r}{record.timestamp}".encode())
        self._hash.update(repr((sorted(self.tables.offsets.items()), sorted(self.tables.state.items()))).encode())
        return self._hash.hexdigest()

    def _bury(self) -> None:
        for replica in [*self.replicas, *self._graves]:
            replica.alive = replica.running = False
            bury(replica.tasks)
        bury(self.loop.tasks)
        kafka._background.clear()


def simulate(scenario: Scenario, parts: Parts, trace: bool = False) -> Result:
    """Run one scenario."""
    return World(scenario, parts, trace).run()
