"""Which shards this member works: claim (epoch, drain, seek), release, and the `handed` rule for dirty partitions.

A shard is worked only while partition p of every subscribed topic is assigned here and a claim has succeeded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Protocol

import structlog

from linkstar_runtime.clock import Clock
from linkstar_runtime.emitter import Emitter
from linkstar_runtime.failpoints import afail
from linkstar_runtime.ids import Ids
from linkstar_runtime.metrics import (
    CLAIM_SECONDS,
    CLAIMS,
    REBALANCE_PAUSE,
    REBALANCES,
    SHARDS_INCOMPLETE,
    SHARDS_OWNED,
    SHARDS_STOPPED,
)
from linkstar_runtime.ports import (
    BrokerUnavailable,
    Claim,
    CommitUnknown,
    Consumer,
    Owned,
    StageStore,
    StoreConflict,
    StoreUnavailable,
)

__all__ = ["ClaimRefused", "Ownership"]

log = structlog.get_logger(__name__)


class ClaimRefused(Exception):
    """The stored offset does not fit this cluster or topic: someone must look before anything is processed."""


class Pager(Protocol):
    """Called once when the service must stop because going on could lose or repeat events."""

    def __call__(self, reason: str) -> None: ...


class Ownership:
    """Owned shards of one group member."""

    def __init__(
        self, owner: str, topics: Collection[str], cluster_id: str, store: StageStore, emitter: Emitter, clock: Clock,
        ids: Ids, page: Pager, fenced_backoff_s: float = 1.0,
    ) -> None:  # fmt: skip
        self._owner, self._topics, self._cluster_id = owner, tuple(topics), cluster_id
        self._store, self._emitter, self._clock, self._ids, self._page = store, emitter, clock, ids, page
        self._fenced_backoff_s = fenced_backoff_s
        self._claiming: set[int] = set()
        self._not_before: dict[int, float] = {}
        self._generation = 0
        self._lost_at: float | None = None
        self.joining = False
        """True from a revocation to the next assignment: the client still shows the old one, which is nobody's now."""
        self.consumer: Consumer | None = None
        self.owned: dict[int, Owned] = {}
        self.taken_away: dict[int, Owned] = {}
        """Claims a rebalance ended here. Until another member claims the shard, its epoch still stands."""
        self.handed: dict[tuple[str, int], int] = {}
        self.stopped: set[int] = set()
        """Shards whose dead-letter circuit is open: not claimed again by this process."""

    # -- membership ------------------------------------------------------------------------------------------------

    def assigned(self) -> None:
        """A new assignment arrived: claims of older ones no longer count."""
        self._generation += 1
        REBALANCES.inc()
        self.joining = False

    def revoked(self) -> None:
        """All partitions are taken away: forget everything owned, and claim nothing until the group has decided.

        Who claimed the old assignment again would commit offsets under the old generation; that commit waits in the
        client behind its own join, fails after it, and makes the client join once more: the group would never settle.
        """
        self._generation += 1
        if self.owned:
            self._lost_at = self._clock.monotonic()
        self.joining = True
        self.taken_away.update(self.owned)
        self.owned.clear()
        SHARDS_OWNED.set(0)

    def complete(self) -> list[int]:
        """Return the shards of which every topic's partition is assigned here."""
        if self.consumer is None:
            return []
        assignment = set(self.consumer.assignment())
        shards = {partition for _, partition in assignment}
        found = [shard for shard in sorted(shards) if all((topic, shard) in assignment for topic in self._topics)]
        SHARDS_INCOMPLETE.set(len(shards) - len(found))
        return found

    def claimable(self) -> list[int]:
        """Return complete shards that are not owned, not being claimed, not backing off and not stopped."""
        if self.joining:
            return []
        now = self._clock.monotonic()
        return [
            shard for shard in self.complete()
            if shard not in self.owned and shard not in self._claiming and shard not in self.stopped
            and self._not_before.get(shard, 0.0) <= now
        ]  # fmt: skip

    def release(self, shard: int, held: Owned, backoff_s: float | None = None) -> None:
        """Give up `shard` if it is still held by that very claim, and wait with jitter before claiming it again."""
        if self.owned.get(shard) is held:
            del self.owned[shard]
            SHARDS_OWNED.set(len(self.owned))
        wait = self._fenced_backoff_s if backoff_s is None else backoff_s
        self._not_before[shard] = self._clock.monotonic() + wait * (1 + self._ids.fraction())

    def stop(self, shard: int) -> None:
        """Do not work `shard` again in this process: someone must look first."""
        self.stopped.add(shard)
        SHARDS_STOPPED.set(len(self.stopped))

    # -- claim -----------------------------------------------------------------------------------------------------

    async def claim_all(self) -> None:
        """Claim every claimable shard, a few at a time, one small transaction each."""
        limit = asyncio.Semaphore(4)

        async def one(shard: int) -> None:
            async with limit:
                await self.claim(shard)

        await asyncio.gather(*(one(shard) for shard in self.claimable()))

    async def claim(self, shard: int) -> None:
        """Claim `shard`: raise the epoch, verify offsets, emit what the old owner left, seek, own. No-op on trouble."""
        if shard in self._claiming or self.consumer is None or self.joining:
            return
        self._claiming.add(shard)
        started = self._clock.monotonic()
        try:
            await self._claim(shard, self.consumer, self._generation)
        except (BrokerUnavailable, StoreUnavailable, StoreConflict, CommitUnknown) as error:
            self._not_before[shard] = self._clock.monotonic() + 0.5 + self._ids.fraction()
            log.warning("claim failed", action="claim_failed", shard=shard, error=type(error).__name__)
        except ClaimRefused as error:
            self.stop(shard)
            self._page(str(error))
        finally:
            self._claiming.discard(shard)
            CLAIM_SECONDS.observe(self._clock.monotonic() - started)

    async def _claim(self, shard: int, consumer: Consumer, generation: int) -> None:
        bounds = await consumer.bounds([(topic, shard) for topic in self._topics])
        beginnings = {topic: bounds[topic, shard][0] for topic in self._topics}
        claim = await self._store.claim(shard, self._owner, self._cluster_id, beginnings)
        CLAIMS.inc()
        await afail("claim.after_epoch")
        await self._verify(shard, claim, consumer)
        async with self._emitter.lock(shard):
            rows = await self._store.pending([shard])
            await afail("claim.drain_partial")
            if not await self._emitter.emit(shard, rows):
                self._not_before[shard] = self._clock.monotonic() + 0.5 + self._ids.fraction()
                return
        await afail("claim.before_seek")
        held = Owned(claim.epoch, dict(claim.offsets))
        if generation != self._generation or shard not in self.complete():
            self.taken_away[shard] = held
            return
        for topic in self._topics:
            consumer.seek(topic, shard, claim.offsets[topic])
        self.owned[shard] = held
        self.taken_away.pop(shard, None)
        if self._lost_at is not None:
            REBALANCE_PAUSE.observe(self._clock.monotonic() - self._lost_at)
        SHARDS_OWNED.set(len(self.owned))

    async def _verify(self, shard: int, claim: Claim, consumer: Consumer) -> None:
        """Refuse to guess: another cluster, or an offset outside the log, stops the shard and pages.

        The log is looked at after the claim: until then the old owner may have moved the offset.
        """
        if claim.cluster_id != self._cluster_id:
            raise ClaimRefused(f"shard {shard} belongs to Kafka cluster {claim.cluster_id}, this is {self._cluster_id}")
        bounds = await consumer.bounds([(topic, shard) for topic in self._topics])
        for topic, offset in claim.offsets.items():
            first, end = bounds[topic, shard]
            if not first <= offset <= end:
                raise ClaimRefused(
                    f"{topic}/{shard}: stored offset {offset} is outside the log {first}..{end} "
                    "(topic re-created, truncated, or retention passed it); see docs/runbooks/offset-outside-log.md"
                )

    # -- the handed rule -------------------------------------------------------------------------------------------

    def admit(self, topic: str, shard: int, end: int) -> int | None:
        """Note a delivery that ends before `end`; return the expected offset, or None when it must be discarded.

        `handed` is the end of the last delivery, processed or discarded. When it lies beyond the expected offset, an
        earlier delivery was not processed: discard, seek back, and only then believe the next one.
        """
        handed = self.handed.get((topic, shard), 0)
        self.handed[topic, shard] = end
        held = self.owned.get(shard)
        if held is None or topic not in held.expected:
            return None
        expected = held.expected[topic]
        if handed > expected:
            self._seek_back(topic, shard, expected)
            return None
        return expected

    def seek_back(self, shard: int, held: Owned) -> None:
        """After a failed batch, inside the delivery: return to the expected offset of every dirty topic."""
        if self.owned.get(shard) is not held:
            return
        for topic, expected in held.expected.items():
            if self.handed.get((topic, shard), 0) > expected:
                self._seek_back(topic, shard, expected)

    def _seek_back(self, topic: str, shard: int, expected: int) -> None:
        if self.consumer is not None and (topic, shard) in self.consumer.assignment():
            self.consumer.seek(topic, shard, expected)
            self.handed[topic, shard] = expected

    def seek_idle(self) -> None:
        """Re-seek dirty partitions that get no further delivery (a failed last record); `handed` stays as it is."""
        for shard, held in self.owned.items():
            for topic, expected in held.expected.items():
                assigned = self.consumer is not None and (topic, shard) in self.consumer.assignment()
                if assigned and self.consumer is not None and self.handed.get((topic, shard), 0) > expected:
                    self.consumer.seek(topic, shard, expected)
