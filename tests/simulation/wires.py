"""What lies between a replica and its servers: latency, and requests and replies that are late or lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaConnectionError, KafkaError, KafkaTimeoutError

from linkstar_runtime.kafka import KafkaProducer
from linkstar_runtime.ports import ProduceFailed, StoreUnavailable
from linkstar_runtime.records import OutgoingRecord
from linkstar_runtime.settings import KafkaSettings
from linkstar_runtime.testing import SERVER, Commit, MemoryBroker, Wire
from simulation.chance import Chance

if TYPE_CHECKING:
    from simulation.world import World

__all__ = ["ConsumerClient", "DatabaseWire", "Rates", "SimulatedProducer"]


class Rates:
    """How often what goes wrong in this run; drawn once."""

    def __init__(self, chance: Chance) -> None:
        choice = chance.choice
        zombies = choice((False, False, False, True))
        self.database = choice((0.0, 0.003, 0.01, 0.03))
        self.slow = choice((0.0, 0.02, 0.1))
        self.network = choice((0.0, 0.05, 0.15))
        self.refused = choice((0.0, 0.0, 0.03))
        self.point_kill = choice((0.0, 0.003, 0.008))
        self.point_freeze = choice((0.0, 0.004, 0.015))
        self.point_raise = choice((0.0, 0.0, 0.01))
        self.point_slow = choice((0.0, 0.02, 0.06))
        self.retry = choice((0.0, 0.0, 0.03))
        self.nemesis_s = choice((0.8, 1.5, 3.0))
        if zombies:
            self.point_freeze, self.nemesis_s = 0.04, 0.6
        self.expiry_s = choice((2.0, 6.0))


class DatabaseWire(Wire):
    """A replica's connections to the store."""

    def __init__(self, chance: Chance, rates: Rates, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._chance, self._rates, self._loop = chance, rates, loop
        self.cut_until = 0.0

    async def statement(self) -> None:
        slow = self._chance.hit("statement_slow", self._rates.slow)
        await asyncio.sleep((0.3 if slow else 0.004) * self._chance.random())
        if self.cut_until > self._loop.time():
            raise StoreUnavailable("cut")
        if self._chance.hit("statement_lost", self._rates.database):
            raise StoreUnavailable("connection lost")

    def commit(self) -> Commit:
        chance, rate = self._chance, self._rates.database
        arrives = 0.0005 + 0.003 * chance.random()
        answers = arrives + 0.0005 + 0.002 * chance.random()
        if self.cut_until > self._loop.time():
            raise StoreUnavailable("cut")
        if chance.hit("commit_lost", rate):
            return Commit(False, arrives, False, answers)
        if chance.hit("commit_late", rate):
            return Commit(True, 0.05 + 3.0 * chance.random(), False, answers)
        if chance.hit("reply_lost", rate * 1.5):
            return Commit(True, arrives, False, answers)
        return Commit(True, arrives, True, answers)


class SimulatedProducer(KafkaProducer):
    """The product's producer, over a simulated client."""

    def __init__(self, world: World, timeout_s: float) -> None:
        super().__init__(KafkaSettings(), timeout_s, "sim")
        self._world = world

    async def _connect(self) -> Any:
        await asyncio.sleep(0.002)
        if self._world.chance.hit("connect_lost", self._world.rates.network):
            raise KafkaConnectionError("no broker")
        return _ProducerClient(self._world)

    async def send(self, topic: str, partition: int, records: Sequence[OutgoingRecord]) -> None:
        try:
            await super().send(topic, partition, records)
        except ProduceFailed:
            if len(records) > self._world.batch_capacity:
                self._world.chance.counts["partial_append"] += self._world.holds_first_only(topic, partition, records)
            raise


class _Batch:
    """aiokafka's batch builder; of small capacity, so that one chunk may need several batches."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self.records: list[OutgoingRecord] = []

    def append(self, timestamp: int, key: Any, value: Any, headers: list[tuple[str, bytes]]) -> object | None:
        if len(self.records) >= self._capacity:
            return None
        self.records.append(OutgoingRecord(key, value, headers, timestamp))
        return self

    def close(self) -> None: ...


class _ProducerClient:
    """An idempotent producer: per partition one batch in flight, in order, retried for ever."""

    def __init__(self, world: World) -> None:
        self._world, self._chance, self._loop = world, world.chance, world.loop
        self._id = world.new_producer_id()
        self._queues: dict[tuple[str, int], list[tuple[_Batch, asyncio.Future[None], float]]] = {}
        self._sequences: dict[tuple[str, int], int] = {}
        self._senders: dict[asyncio.Task[None], None] = {}
        self._closed = False

    def create_batch(self) -> _Batch:
        return _Batch(self._world.batch_capacity)

    async def send_batch(self, batch: _Batch, topic: str, partition: int) -> asyncio.Future[None]:
        if self._closed:
            raise KafkaError("producer is closed")
        place = (topic, partition)
        future: asyncio.Future[None] = self._loop.create_future()
        queue = self._queues.setdefault(place, [])
        queue.append((batch, future, self._loop.time()))
        if len(queue) == 1:
            task = asyncio.get_running_loop().create_task(self._drain(place, queue), name="sender")
            self._senders[task] = None
            task.add_done_callback(self._senders.pop)
        shielded = asyncio.shield(future)
        shielded.add_done_callback(_retrieved)
        return shielded

    async def stop(self) -> None:
        """Flush, which may take for ever."""
        self._closed = True
        if self._senders:
            await asyncio.wait(list(self._senders))

    async def _drain(self, place: tuple[str, int], queue: list[tuple[_Batch, asyncio.Future[None], float]]) -> None:
        while queue:
            batch, future, since = queue[0]
            error = await self._deliver(place, batch.records, since)
            queue.pop(0)
            _settle(future, error)
            if isinstance(error, _OutOfOrder):
                self._closed = True
                while queue:
                    _settle(queue.pop(0)[1], error)

    async def _deliver(
        self, place: tuple[str, int], records: Sequence[OutgoingRecord], since: float
    ) -> KafkaError | None:
        """Send one batch until the broker has answered; give up only while there is no leader."""
        sequence = self._sequences.get(place, -1) + 1
        self._sequences[place] = sequence
        while True:
            if self._world.leaderless(place[1]):
                if self._loop.time() - since > self._world.rates.expiry_s:
                    return KafkaTimeoutError("expired while there was no leader")
                await asyncio.sleep(0.2)
                continue
            answer: asyncio.Future[str] = self._loop.create_future()
            self._request(place, sequence, records, answer)
            limit = self._loop.call_later(1.0, _answer, answer, "")
            verdict = await answer
            limit.cancel()
            if verdict == "out_of_order":
                return _OutOfOrder("the sequence is broken")
            if verdict:
                return KafkaError("refused") if verdict == "refused" else None

    def _request(
        self, place: tuple[str, int], sequence: int, records: Sequence[OutgoingRecord], answer: asyncio.Future[str]
    ) -> None:
        """Put one request on the wire. It may arrive long after its sender has died."""
        chance, rate = self._chance, self._world.rates.network
        delay = 0.001 + 0.01 * chance.random()
        if chance.hit("produce_lost", rate / 2):
            return
        if chance.hit("produce_late", rate / 2):
            delay = 0.5 + 8.0 * chance.random()
        self._world.landing += 1
        self._loop.call_later(delay, self._land, place, sequence, records, answer, context=SERVER)

    def _land(
        self, place: tuple[str, int], sequence: int, records: Sequence[OutgoingRecord], answer: asyncio.Future[str]
    ) -> None:
        world = self._world
        world.landing -= 1
        if world.leaderless(place[1]):
            return
        if self._chance.hit("produce_refused", world.rates.refused):
            verdict = "refused"
        else:
            verdict = world.broker.append_batch(self._id, sequence, *place, records)
            world.log("broker", verdict, place, self._id, sequence, len(records))
        if not self._chance.hit("ack_lost", world.rates.network):
            self._loop.call_later(0.001 + 0.005 * self._chance.random(), _answer, answer, verdict, context=SERVER)


class _OutOfOrder(KafkaError):  # type: ignore[misc]
    """The broker missed a batch of this producer."""


def _retrieved(future: asyncio.Future[None]) -> None:
    """Whoever has given up waiting need not hear how it ended."""
    if not future.cancelled():
        future.exception()


def _answer(future: asyncio.Future[str], verdict: str) -> None:
    if not future.done():
        future.set_result(verdict)


def _settle(future: asyncio.Future[None], error: KafkaError | None) -> None:
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
        future.exception()


class ConsumerClient:
    """aiokafka's consumer, as far as the product uses it, and the polling of FastStream's batch shell."""

    def __init__(self, world: World, member: str) -> None:
        self._world, self._member = world, member
        self._broker: MemoryBroker = world.broker
        self.generation = -1
        self.places: tuple[tuple[str, int], ...] = ()
        self.positions: dict[tuple[str, int], int] = {}
        self.paused: set[tuple[str, int]] = set()

    def assign(self, places: Sequence[tuple[str, int]], generation: int) -> None:
        """Take a new assignment: positions start at the committed offsets, nothing is paused."""
        self.places, self.generation = tuple(sorted(places)), generation
        self.positions = {place: self._world.group.committed.get(place, 0) for place in self.places}
        self.paused = set()

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition(*place) for place in self.places]

    def seek(self, place: TopicPartition, offset: int) -> None:
        if place not in self.places:
            raise IllegalStateError("not assigned")
        self.positions[place] = offset

    def pause(self, *places: TopicPartition) -> None:
        self.paused |= set(places)

    def resume(self, *places: TopicPartition) -> None:
        self.paused -= set(places)

    async def beginning_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        await self._ask(places)
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        await self._ask(places)
        return {place: self._broker.end(*place) for place in places}

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        await asyncio.sleep(0.002)
        if not self._world.commit_gauge(self._member, self.generation, offsets):
            raise KafkaError("not a member of this generation")

    async def _ask(self, places: Sequence[TopicPartition]) -> None:
        await asyncio.sleep(0.001)
        if any(self._world.leaderless(place.partition) for place in places):
            raise KafkaConnectionError("no leader")

    def poll(self) -> list[Any]:
        """Return some next records of some partitions and move the positions on."""
        chance, found = self._world.chance, []
        places = [place for place in self.places if place not in self.paused]
        chance.course.shuffle(places)
        for place in places:
            if chance.random() < 0.8:
                records = self._broker.read(*place, self.positions[place], 1 + int(4 * chance.random()))
                if records:
                    self.positions[place] = records[-1].offset + 1
                    found += records
        return found
