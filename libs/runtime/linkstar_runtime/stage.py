"""The fenced batch stage: takes whatever Kafka delivers, and loses, doubles or reorders nothing.

`deliver` never raises: every outcome of runtime.md's table (events, reject, retry, poison, fence lost, commit unknown,
circuit open) is decided here. Read `docs/adr/0002-fenced-batch-stage.md` first.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Collection, Mapping, Sequence

import structlog

from linkstar_runtime.batch import BatchRunner, Committed, Fenced, Work
from linkstar_runtime.clock import Clock
from linkstar_runtime.dead_letters import CircuitOpen
from linkstar_runtime.decoding import Decoder
from linkstar_runtime.emitter import Emitter
from linkstar_runtime.failpoints import afail
from linkstar_runtime.handling import Retry
from linkstar_runtime.ids import Ids
from linkstar_runtime.metrics import (
    BATCH_RECORDS,
    BATCH_SECONDS,
    BISECTS,
    DEAD_LETTERS,
    DUPLICATES,
    EMIT_SECONDS,
    EVENT_AGE,
    FENCED,
    RECORDS_IN,
    OfTopic,
    TopicGroupReason,
)  # fmt: skip
from linkstar_runtime.ownership import Ownership
from linkstar_runtime.ports import CommitUnknown, DeadLetter, RawRecord, StageStore, StoreConflict, StoreUnavailable
from linkstar_runtime.records import OutboxRow
from linkstar_runtime.turns import Turns

__all__ = ["Stage"]

log = structlog.get_logger(__name__)
_ATTEMPTS_TOGETHER = 2


class Stage:
    """One group member's stage over all topics of its service."""

    def __init__(
        self, group: str, decoder: Decoder, runner: BatchRunner, ownership: Ownership, emitter: Emitter,
        store: StageStore, clock: Clock, ids: Ids, backoff_max_s: float = 30.0,
    ) -> None:  # fmt: skip
        self._group, self._decoder, self._runner, self.ownership = group, decoder, runner, ownership
        self._emitter, self._store, self._clock, self._ids = emitter, store, clock, ids
        self._backoff_max_s = backoff_max_s
        self._failures: dict[int, int] = {}
        self._paused_until: dict[int, float] = {}
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()
        self.last_delivery = self._began = clock.monotonic()

    # -- delivery ----------------------------------------------------------------------------------------------------

    async def deliver(self, records: Sequence[RawRecord]) -> None:
        """Process one poll's records. Whatever happens inside, nothing is skipped: what fails is sought again."""
        if self._closed:
            return
        self._idle.clear()
        self._began = self._clock.monotonic()
        try:
            admitted = self._admit(records)
            await afail("stage.after_poll")
            work = await self._decode(admitted)
            if work:
                await self._run(work)
        finally:
            self.last_delivery = self._clock.monotonic()
            self._idle.set()

    async def close(self, timeout_s: float) -> None:
        """Take no further delivery and wait for the running one to commit and emit."""
        self._closed = True
        await self.drained(timeout_s)

    async def drained(self, timeout_s: float) -> bool:
        """Wait until no delivery is running; False when it did not end within `timeout_s`."""
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    @property
    def running(self) -> bool:
        """True while a delivery is being processed."""
        return not self._idle.is_set()

    @property
    def running_s(self) -> float:
        """How long the running delivery has taken so far; 0 when none runs."""
        return self._clock.monotonic() - self._began if self.running else 0.0

    def _admit(self, records: Sequence[RawRecord]) -> dict[tuple[str, int], list[RawRecord]]:
        """Note every partition as handed over, before anything can fail, and keep what is ours and new."""
        by_partition: dict[tuple[str, int], list[RawRecord]] = {}
        for record in records:
            by_partition.setdefault((record.topic, record.partition), []).append(record)
        admitted: dict[tuple[str, int], list[RawRecord]] = {}
        for (topic, shard), batch in by_partition.items():
            expected = self.ownership.admit(topic, shard, batch[-1].offset + 1)
            if expected is not None:
                admitted[topic, shard] = [record for record in batch if record.offset >= expected]
        return admitted

    async def _decode(self, admitted: Mapping[tuple[str, int], Sequence[RawRecord]]) -> dict[int, Work]:
        work: dict[int, Work] = {}
        turns = Turns(self._clock)
        for (topic, shard), records in admitted.items():
            held = self.ownership.owned.get(shard)
            if records and held is not None:
                items = work.setdefault(shard, Work(held)).items[topic] = []
                for record in records:
                    items.append(self._decoder.decode(record))
                    if turns.over:
                        await turns.pause()
        return work

    # -- outcomes ----------------------------------------------------------------------------------------------------

    async def _run(self, work: Mapping[int, Work]) -> None:
        """Run the work in one transaction; on failure redo per shard, so that only the culprit's shard suffers."""
        started = self._clock.monotonic()
        try:
            committed = await self._runner.run(work)
        except Fenced as fenced:
            FENCED.inc(len(fenced.shards))
            for shard in fenced.shards:
                self.ownership.release(shard, work[shard].held)
            rest = {shard: part for shard, part in work.items() if shard not in fenced.shards}
            if rest:
                await self._run(rest)
        except CommitUnknown:
            for shard, part in work.items():
                self.ownership.release(shard, part.held, 0.2)
        except StoreUnavailable as error:
            await self._unavailable(work, error)
        except CircuitOpen as opened:
            await self._stop(work, opened)
        except (Retry, StoreConflict) as error:
            await self._alone(work, error)
        except Exception as error:  # noqa: BLE001 - the one place where a handler's bug becomes a decision
            await self._isolate(work, error)
        else:
            await self._after_commit(work, committed, started)

    async def _alone(self, work: Mapping[int, Work], error: Exception) -> None:
        if len(work) == 1:
            self._back_off(work, error)
            return
        for shard in sorted(work):
            await self._run({shard: work[shard]})

    async def _unavailable(self, work: Mapping[int, Work], error: Exception) -> None:
        """Back off; when that did not help twice, try shard by shard: the batch may be too long for the time-outs."""
        if len(work) == 1 or min(self._failures.get(shard, 0) for shard in work) < _ATTEMPTS_TOGETHER:
            self._back_off(work, error)
            return
        left = dict(work)
        for shard in sorted(work):
            before = self._failures.get(shard, 0)
            await self._run({shard: left.pop(shard)})
            if self._failures.get(shard, 0) > before:
                self._back_off(left, error)
                return

    async def _stop(self, work: Mapping[int, Work], opened: CircuitOpen) -> None:
        log.critical("dead-letter limit passed", action="circuit_open", shard=opened.shard, reason=str(opened))
        self.ownership.stop(opened.shard)
        self.ownership.release(opened.shard, work[opened.shard].held)
        self._pause([opened.shard])
        rest = {shard: part for shard, part in work.items() if shard != opened.shard}
        if rest:
            await self._run(rest)

    async def _isolate(self, work: Mapping[int, Work], error: Exception) -> None:
        """Bisect until one record is left, which becomes a dead letter. Halves commit in offset order."""
        if len(work) > 1:
            for shard in sorted(work):
                await self._run({shard: work[shard]})
            return
        ((shard, part),) = work.items()
        flat = part.flat()
        if len(flat) == 1:
            record = flat[0].record
            if flat[0].dead is not None:
                log.critical("dead letter cannot be stored", action="dead_letter_failed", topic=record.topic,
                             partition=shard, offset=record.offset, where=_where(error))  # fmt: skip
                self._back_off(work, error)
                return
            log.error("record cannot be processed", action="record_dead", topic=record.topic, partition=shard,
                      offset=record.offset, error=type(error).__name__, where=_where(error))  # fmt: skip
            tenant = flat[0].received.event.tenant if flat[0].received else None
            flat[0].dead = DeadLetter(record, "bug", "bug", type(error).__name__, tenant)
            flat[0].received = flat[0].rekeyed = None
            await self._run(work)
            return
        BISECTS.inc()
        for half in part.split():
            await self._run({shard: half})
            if self.ownership.owned.get(shard) is not part.held or not half.done():
                break
        self.ownership.seek_back(shard, part.held)

    def _back_off(self, work: Mapping[int, Work], error: Exception) -> None:
        """Infrastructure trouble: rolled back; pause the shards, seek to where they stand, wait, try again."""
        for shard, part in work.items():
            failures = self._failures[shard] = self._failures.get(shard, 0) + 1
            wait = min(self._backoff_max_s, 0.1 * 2 ** min(failures, 30)) * (0.5 + self._ids.fraction())
            self._paused_until[shard] = self._clock.monotonic() + wait
            self.ownership.seek_back(shard, part.held)
        self._pause(work)
        log.warning("backing off", action="back_off", shards=sorted(work), error=type(error).__name__)

    # -- commit and emit ---------------------------------------------------------------------------------------------

    async def _after_commit(self, work: Mapping[int, Work], committed: Committed, started: float) -> None:
        """Take note of the commit, then emit. If anything fails here, the fence and the next claim put it right."""
        await afail("stage.after_commit")
        await afail("stage.pause")
        self._emitter.forget(committed.deleted)
        for shard, part in work.items():
            self._failures.pop(shard, None)
            part.held.expected.update(part.ends())
        self._count(work, committed, started)
        emitting = self._clock.monotonic()
        rows: dict[int, list[OutboxRow]] = {shard: [] for shard in work}
        for row in committed.rows:
            rows[row.shard].append(row)
        await asyncio.gather(
            *(self._emit(shard, work[shard], rows[shard], committed.deleted) for shard in sorted(work))
        )
        if committed.rows:
            EMIT_SECONDS.observe(self._clock.monotonic() - emitting)

    async def _emit(
        self, shard: int, part: Work, rows: Sequence[OutboxRow], deleted: frozenset[tuple[int, int]]
    ) -> None:
        if not rows:
            return
        async with self._emitter.lock(shard):
            sent = await self._emitter.emit(shard, rows, deleted)
        if not sent:
            self.ownership.release(shard, part.held, 0.5)

    def _count(self, work: Mapping[int, Work], committed: Committed, started: float) -> None:
        received = [item.received for part in work.values() for item in part.flat() if item.received is not None]
        BATCH_RECORDS.observe(sum(len(items) for part in work.values() for items in part.items.values()))
        BATCH_SECONDS.observe(self._clock.monotonic() - started)
        for part in work.values():
            for topic, items in part.items.items():
                RECORDS_IN.inc(OfTopic(topic), len(items))
        DUPLICATES.inc(committed.duplicates)
        if received:
            oldest = min(each.event.occurred_at for each in received)
            EVENT_AGE.observe(max(0.0, (self._clock.now() - oldest).total_seconds()))
        for letter in committed.dead:
            DEAD_LETTERS.inc(TopicGroupReason(letter.record.topic, self._group, letter.code))

    # -- pauses ------------------------------------------------------------------------------------------------------

    def _pause(self, shards: Mapping[int, Work] | Sequence[int]) -> None:
        consumer = self.ownership.consumer
        if consumer is not None:
            consumer.pause([place for place in consumer.assignment() if place[1] in shards])

    @property
    def backing_off(self) -> Collection[int]:
        """Shards that wait before their next attempt."""
        return self._paused_until.keys()

    def resume_due(self) -> None:
        """Resume shards whose back-off is over."""
        now = self._clock.monotonic()
        due = [shard for shard, until in self._paused_until.items() if until <= now]
        for shard in due:
            del self._paused_until[shard]
        consumer = self.ownership.consumer
        if due and consumer is not None:
            consumer.resume([place for place in consumer.assignment() if place[1] in due])

    def unpause_all(self) -> None:
        """A new assignment starts without pauses."""
        self._paused_until.clear()


def _where(error: Exception) -> list[str]:
    """Name the innermost frames; neither message nor values, which may be personal data."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
