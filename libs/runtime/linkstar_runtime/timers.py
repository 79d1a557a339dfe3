"""Work due by time. It runs in the shards' owner, in a transaction that re-checks the epoch and moves no offset."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from linkstar_runtime.batch import BatchRunner
from linkstar_runtime.clock import Clock
from linkstar_runtime.handling import Retry
from linkstar_runtime.metrics import FENCED
from linkstar_runtime.ownership import Ownership
from linkstar_runtime.ports import CommitUnknown, StageStore, StoreConflict, StoreUnavailable
from linkstar_runtime.service import Timer
from linkstar_runtime.telemetry import Telemetry

__all__ = ["Timers"]

log = structlog.get_logger(__name__)


class Timers:
    """The timers of one service."""

    def __init__(
        self, timers: Sequence[Timer], runner: BatchRunner, ownership: Ownership, store: StageStore, clock: Clock,
        telemetry: Telemetry,
    ) -> None:  # fmt: skip
        self._timers, self._runner, self._ownership = timers, runner, ownership
        self._store, self._clock, self._telemetry = store, clock, telemetry
        self._due: dict[str, float] = {}

    async def run_due(self) -> None:
        """Run every timer whose period has passed. A failing timer is logged and tried again next time."""
        for timer in self._timers:
            now = self._clock.monotonic()
            if self._due.get(timer.name, 0.0) > now or not self._ownership.owned:
                continue
            self._due[timer.name] = now + timer.every_s
            try:
                await self._run(timer)
            except (Retry, StoreConflict) as error:
                log.info("timer tries again", action="timer_retry", timer=timer.name, error=type(error).__name__)
            except (StoreUnavailable, CommitUnknown):
                raise
            except Exception as error:
                log.error("timer failed", action="timer_failed", timer=timer.name, exc_info=error)

    async def _run(self, timer: Timer) -> None:
        owned, outbox = dict(self._ownership.owned), self._runner.outbox()
        async with self._store.batch() as tx:
            refused = set(await tx.fence({shard: held.epoch for shard, held in owned.items()}, ()))
            shards = sorted(set(owned) - refused)
            if shards:
                for event in await timer.handler(shards, tx.handle):
                    self._runner.file(event, outbox, self._telemetry.linked_traceparent)
                await tx.insert_outbox(outbox.rows())
        outbox.count()
        if refused:
            FENCED.inc(len(refused))
        for shard in refused:
            self._ownership.release(shard, owned[shard])
