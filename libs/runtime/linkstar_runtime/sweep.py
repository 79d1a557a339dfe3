"""What happens between deliveries: emit rows of other writers, delete acknowledged rows, claim, run timers, re-seek,
resume, and commit Kafka's offsets lazily as a lag gauge.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

import structlog

from linkstar_runtime.clock import Clock
from linkstar_runtime.emitter import Emitter
from linkstar_runtime.failpoints import afail
from linkstar_runtime.metrics import COMMIT_FAILURES, DATABASE_REACHABLE, OUTBOX_OLDEST_AGE, OUTBOX_PENDING
from linkstar_runtime.ownership import Ownership
from linkstar_runtime.ports import CommitUnknown, Owned, StageStore, StoreConflict, StoreUnavailable
from linkstar_runtime.stage import Stage
from linkstar_runtime.timers import Timers

__all__ = ["Sweep"]

log = structlog.get_logger(__name__)


class Sweep:
    """Periodic work of one group member."""

    def __init__(
        self, stage: Stage, ownership: Ownership, emitter: Emitter, store: StageStore, timers: Timers, clock: Clock,
        every_s: float = 0.2,
    ) -> None:  # fmt: skip
        self._stage, self._ownership, self._emitter, self._store = stage, ownership, emitter, store
        self._timers, self._clock, self._every_s = timers, clock, every_s
        self._kick, self._closing = asyncio.Event(), False
        self._last_slow = 0.0
        self._waiting: dict[tuple[int, int], float] = {}
        self._committed: dict[tuple[str, int], int] = {}
        self.last_turn = clock.monotonic()

    def kick(self) -> None:
        """Rows wait in a shard that may be ours: sweep at once."""
        self._kick.set()

    async def run(self) -> None:
        """Sweep until `close`; a turn that has begun is finished, so that nothing is sent without being noted."""
        while not self._closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._kick.wait(), self._every_s)
            self._kick.clear()
            if not await self.turn():
                await self._clock.sleep(0.5)

    def close(self) -> None:
        """End after the turn that is running."""
        self._closing = True
        self._kick.set()

    async def finish(self) -> None:
        """Before a clean end: send what waits, delete what is acknowledged, bring the offset gauge up to date.

        Replicas that end together take the shards from each other, so the claims that a rebalance ended count here too:
        the fence refuses those that somebody else has claimed since.
        """
        with contextlib.suppress(StoreUnavailable, StoreConflict, CommitUnknown):
            await self._emit_waiting()
            await self._delete_acked(self._ownership.taken_away | self._ownership.owned)
            await self._commit_offsets()

    async def turn(self) -> bool:
        """One turn; False when the database could not be used. The next turn begins anew, nothing is remembered."""
        try:
            await self._turn()
        except (StoreUnavailable, StoreConflict, CommitUnknown) as error:
            log.warning("sweep failed", action="sweep_failed", error=type(error).__name__)
            DATABASE_REACHABLE.set(0)
            return False
        finally:
            self.last_turn = self._clock.monotonic()
        DATABASE_REACHABLE.set(1)
        return True

    async def _turn(self) -> None:
        self._stage.resume_due()
        await self._emit_waiting()
        if self._clock.monotonic() - self._last_slow < 1.0:
            return
        self._last_slow = self._clock.monotonic()
        await self._timers.run_due()
        if not self._stage.running:
            self._ownership.seek_idle()
        await self._delete_idle()
        await self._ownership.claim_all()
        await self._commit_offsets()

    async def _emit_waiting(self) -> None:
        """Emit all visible rows of owned shards. Chunks are read under the emission lock, so none is sent twice."""
        held = {shard: own for shard, own in self._ownership.owned.items() if not self._emitter.lock(shard).locked()}
        if not held:
            return
        visible = await self._store.waiting(held)
        acked = self._emitter.acked(held)
        waiting = [place for place in visible if place not in acked]
        self._measure(waiting)
        for shard in sorted({shard for shard, _ in waiting}):
            await self.emit_shard(shard, held[shard])

    def _measure(self, waiting: list[tuple[int, int]]) -> None:
        """Report how many rows wait, and for how long this process has seen the oldest of them wait."""
        now = self._clock.monotonic()
        self._waiting = {row: self._waiting.get(row, now) for row in waiting}
        OUTBOX_PENDING.set(len(waiting))
        OUTBOX_OLDEST_AGE.set(max((now - since for since in self._waiting.values()), default=0.0))

    async def emit_shard(self, shard: int, held: Owned) -> None:
        """Emit everything visible of one owned shard, in order; release it when that fails."""
        async with self._emitter.lock(shard):
            if self._ownership.owned.get(shard) is not held:
                return
            known = self._emitter.acked([shard])
            rows = await self._store.pending([shard])
            sent = await self._emitter.emit(shard, rows, known)
        if not sent:
            self._ownership.release(shard, held, 0.5)

    async def _delete_idle(self) -> None:
        """When no batch deletes them, acknowledged rows go in a small transaction of their own."""
        if self._stage.running or self._clock.monotonic() - self._stage.last_delivery < 1.0:
            return
        await self._delete_acked(dict(self._ownership.owned))

    async def _delete_acked(self, claims: Mapping[int, Owned]) -> None:
        rows = self._emitter.acked(claims)
        if not rows:
            return
        epochs = {shard: claims[shard].epoch for shard, _ in rows}
        refused = await self._store.delete_acked(epochs, rows)
        self._emitter.forget([row for row in rows if row[0] not in refused])
        for shard in refused:
            self._ownership.release(shard, claims[shard])

    async def _commit_offsets(self) -> None:
        """Commit to Kafka what the database has committed: a gauge for lag, never read back. Errors are counted."""
        consumer = self._ownership.consumer
        if consumer is None:
            return
        assignment = set(consumer.assignment())
        offsets = {
            (topic, shard): offset
            for shard, held in self._ownership.owned.items()
            for topic, offset in held.expected.items()
            if (topic, shard) in assignment and self._committed.get((topic, shard)) != offset
        }
        if not offsets:
            return
        try:
            await afail("kafka.commit_fails")
            await consumer.commit(offsets)
            self._committed.update(offsets)
        except Exception as error:  # noqa: BLE001 - the gauge may lag, nothing else depends on it
            COMMIT_FAILURES.inc()
            log.info("offset gauge not committed", action="offset_gauge_failed", error=type(error).__name__)
