"""One transaction of the fenced batch: fence, delete acknowledged rows, handlers, outbox, dead letters, read the outbox.

The order of the statements is the design; see docs/adr/0002-fenced-batch-stage.md before changing it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from linkstar_contracts.event import Event
from linkstar_contracts.topics import Topic
from linkstar_runtime.batch_trace import BatchTrace
from linkstar_runtime.clock import Clock
from linkstar_runtime.dead_letters import Circuit
from linkstar_runtime.decoding import REKEYED, Item
from linkstar_runtime.emitter import Emitter
from linkstar_runtime.failpoints import afail
from linkstar_runtime.handling import Handler, Linked, Outcome, Received, Reject, Telling
from linkstar_runtime.outbox import Outbox
from linkstar_runtime.ports import Advance, BatchTransaction, DeadLetter, Owned, StageStore
from linkstar_runtime.records import OutboxRow
from linkstar_runtime.service import Subscription
from linkstar_runtime.telemetry import Telemetry
from linkstar_runtime.turns import Turns

__all__ = ["BatchRunner", "Committed", "Fenced", "TraceparentFor", "Work"]


TraceparentFor = Callable[[Event, tuple[str | None, ...]], str | None]
"""Tells which trace an outgoing event belongs to, given its earlier causes."""


_Few = AsyncGenerator[Sequence[Outcome], None]
"""Outcomes, so few at a time that they are filed without a pause."""
_FILED_TOGETHER = 8


def _few_at_a_time(told: Awaitable[Sequence[Outcome]] | _Few) -> _Few:
    return told if isinstance(told, AsyncGenerator) else _parts(told)


async def _parts(told: Awaitable[Sequence[Outcome]]) -> _Few:
    outcomes = await told
    for begin in range(0, len(outcomes), _FILED_TOGETHER):
        yield outcomes[begin : begin + _FILED_TOGETHER]


_Mark = tuple[str, type[Event], str, int]
"""What identical records have in common at least; far quicker to look up than whole bodies."""


def _mark(received: Received[Event]) -> _Mark:
    return received.topic, type(received.event), received.key, received.event.version


class Fenced(Exception):
    """Some shards are no longer ours; nothing was written."""

    def __init__(self, shards: Iterable[int]) -> None:
        super().__init__(str(sorted(shards)))
        self.shards = frozenset(shards)


@dataclass
class Work:
    """What one delivery brings for one shard: the claim it was admitted under, and its items by topic."""

    held: Owned
    items: dict[str, list[Item]] = field(default_factory=dict)

    def flat(self) -> list[Item]:
        """Return all items, topic by topic, in offset order."""
        return [item for topic in sorted(self.items) for item in self.items[topic]]

    def ends(self) -> dict[str, int]:
        """Return the next offset of each topic once this work is committed."""
        return {topic: items[-1].record.offset + 1 for topic, items in self.items.items()}

    def done(self) -> bool:
        """True when this work has been committed under its claim."""
        return all(self.held.expected[topic] == end for topic, end in self.ends().items())

    def split(self) -> tuple[Work, Work]:
        """Halve the work, keeping offset order within each topic."""
        flat = self.flat()
        middle = len(flat) // 2
        return tuple(_regroup(self.held, half) for half in (flat[:middle], flat[middle:]))  # type: ignore[return-value]


def _regroup(held: Owned, items: Sequence[Item]) -> Work:
    work = Work(held)
    for item in items:
        work.items.setdefault(item.record.topic, []).append(item)
    return work


@dataclass(frozen=True)
class Committed:
    """Result of a committed batch: rows to emit, rows that are gone, counts to report."""

    rows: Sequence[OutboxRow]
    deleted: frozenset[tuple[int, int]]
    dead: Sequence[DeadLetter]
    events: int
    duplicates: int


class BatchRunner:
    """Runs batches in transactions. Knows nothing of consumers and claims."""

    def __init__(
        self, service: str, version: str, subscriptions: Sequence[Subscription], emits: Sequence[Topic], prefix: str,
        partitions: int, store: StageStore, emitter: Emitter, circuit: Circuit, clock: Clock, telemetry: Telemetry,
    ) -> None:  # fmt: skip
        self._source, self._name = f"/linkstar/{service}", f"{service}@{version}"
        self._subscriptions, self._emits, self._prefix, self._partitions = subscriptions, emits, prefix, partitions
        self._store, self._emitter, self._circuit, self._clock = store, emitter, circuit, clock
        self._telemetry = telemetry
        self._service = service

    def outbox(self) -> Outbox:
        """Return an empty outbox of this service; record timestamps are wall time, always."""
        return Outbox(
            self._source, self._emits, self._prefix, self._partitions, int(self._clock.wall().timestamp() * 1000)
        )

    async def run(self, work: Mapping[int, Work]) -> Committed:
        """Run one transaction over all shards of `work`. Raises Fenced, CircuitOpen, the store's errors, or whatever a
        handler raises; nothing is committed then.
        """
        shards = sorted(work)
        acked = frozenset(self._emitter.acked(shards))
        items = [item for shard in shards for item in work[shard].flat()]
        received = [item.received for item in items if item.received is not None]
        with self._telemetry.batch(self._service, received) as trace:
            async with self._store.batch() as tx:
                await self._fence(tx, shards, work)
                await tx.delete_outbox(acked)
                outbox = self.outbox()
                rejects, events, duplicates = await self._handle(tx, items, outbox, trace)
                await afail("stage.tx.after_state")
                dead = self._dead_letters(items, rejects, outbox)
                after = self._circuit.check(items)
                await tx.insert_outbox(outbox.rows())
                await tx.insert_dead_letters(dead)
                rows = await tx.visible_outbox(shards)
                await afail("stage.tx.before_commit")
        outbox.count()
        self._circuit.accept(after)
        return Committed(rows, acked, dead, events, duplicates)

    async def _fence(self, tx: BatchTransaction, shards: Sequence[int], work: Mapping[int, Work]) -> None:
        advances = [
            Advance(shard, topic, work[shard].held.expected[topic], end)
            for shard in shards
            for topic, end in sorted(work[shard].ends().items())
        ]
        refused = await tx.fence({shard: work[shard].held.epoch for shard in shards}, advances)
        if refused:
            raise Fenced(refused)
        await afail("stage.tx.after_fence")

    async def _handle(
        self, tx: BatchTransaction, items: Sequence[Item], outbox: Outbox, trace: BatchTrace
    ) -> tuple[list[Reject], int, int]:
        """Hand each subscription its events, byte-identical duplicates collapsed (first wins), and count those.

        The same id with other bytes is for the handler to judge: it may be a conflict worth a dead letter.
        """
        batches: dict[int, list[Received[Event]]] = defaultdict(list)
        seen: dict[_Mark, list[bytes | None]] = {}
        duplicates = 0
        for item in items:
            if item.received is not None and item.dead is None:
                bodies = seen.setdefault(_mark(item.received), [])
                if item.record.value in bodies:
                    duplicates += 1
                    continue
                bodies.append(item.record.value)
                batches[id(item.subscription)].append(item.received)
            elif item.rekeyed is not None:
                headers = [(REKEYED, b"1"), *((n, v or b"") for n, v in item.record.headers)]
                outbox.add_rekeyed(
                    item.record.partition, item.record.topic, item.rekeyed, item.record.value or b"", headers
                )
        rejects: list[Reject] = []
        events = 0
        for subscription in self._subscriptions:
            batch = batches.get(id(subscription))
            if batch:
                await afail("stage.handler_raises")
                found, count = await self.call(subscription.handler, batch, tx, outbox, trace)
                rejects += found
                events += count
        return rejects, events, duplicates

    async def call(
        self,
        handler: Handler | Telling,
        batch: Sequence[Received[Event]],
        tx: BatchTransaction,
        outbox: Outbox,
        trace: BatchTrace,
    ) -> tuple[list[Reject], int]:
        """Call one handler and file its events, each under the trace of the input with the same key."""
        rejects: list[Reject] = []
        events = 0
        trace.attend(batch)
        turns = Turns(self._clock)
        async with aclosing(_few_at_a_time(handler(batch, tx.handle))) as told:
            async for outcomes in told:
                for outcome in outcomes:
                    if isinstance(outcome, Reject):
                        rejects.append(outcome)
                        trace.rejected(outcome)
                    else:
                        self.file(outcome, outbox, trace.traceparent_for)
                        events += 1
                if turns.over:
                    await turns.pause()
        return rejects, events

    def file(self, outcome: Event | Linked, outbox: Outbox, traceparent_for: TraceparentFor) -> Event:
        """Put one event into the outbox under its trace, and return it."""
        event, causes, body = outcome if isinstance(outcome, Linked) else (outcome, (), None)
        outbox.add(event, traceparent_for(event, causes), body)
        return event

    def _dead_letters(self, items: Sequence[Item], rejects: Sequence[Reject], outbox: Outbox) -> list[DeadLetter]:
        by_place = {
            (reject.received.topic, reject.received.shard, reject.received.offset): reject for reject in rejects
        }
        dead: list[DeadLetter] = []
        failed_at = self._clock.now().isoformat()
        for item in items if rejects or any(item.dead for item in items) else ():
            record = item.record
            letter = item.dead
            reject = by_place.get((record.topic, record.partition, record.offset))
            if letter is None and reject is not None:
                letter = DeadLetter(record, reject.code, "rejected", reject.detail, reject.received.event.tenant)
            if letter is not None:
                dead.append(letter)
                outbox.add_dead_letter(letter, self._name, failed_at)
        return dead
