"""Notices a consumer that is alive and does nothing. It never tries to heal: it exits non-zero and is restarted."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import sys
from collections.abc import Callable

import structlog

from linkstar_runtime.clock import Clock
from linkstar_runtime.ownership import Ownership
from linkstar_runtime.progress import Progress
from linkstar_runtime.stage import Stage
from linkstar_runtime.sweep import Sweep

__all__ = ["STALLED_EXIT_CODE", "Watchdog"]

log = structlog.get_logger(__name__)
STALLED_EXIT_CODE = 70


class Watchdog:
    """Checks once a second that the loops turn, deliveries end, shards get owned and offsets move."""

    def __init__(
        self, stage: Stage, ownership: Ownership, sweep: Sweep, consuming: Callable[[], bool], clock: Clock,
        limit_s: float, crashes: Callable[[], int] = lambda: 0, progress: Progress | None = None,
    ) -> None:  # fmt: skip
        self._stage, self._ownership, self._sweep, self._consuming = stage, ownership, sweep, consuming
        self._clock, self._limit_s, self._crashes = clock, limit_s, crashes
        self._crashed, self._progress = 0, progress
        self._since: dict[str, float] = {}
        self.last_turn = clock.monotonic()

    async def run(self) -> None:
        """Watch for ever; ends the process when something stalls longer than the limit."""
        while True:
            await self._clock.sleep(1.0)
            self.last_turn = self._clock.monotonic()
            stalled = self.stalled()
            if stalled:
                log.critical("stalled", action="watchdog_exit", reason=stalled)
                faulthandler.dump_traceback(file=sys.stderr)
                for task in asyncio.all_tasks():
                    task.print_stack(file=sys.stderr)
                os._exit(STALLED_EXIT_CODE)

    def stalled(self) -> str | None:
        """Return what has stalled for longer than the limit, if anything."""
        now = self._clock.monotonic()
        symptoms = {
            "consume loop ended": not self._consuming(),
            "consume loop keeps crashing": self._crashes_again(),
            "delivery does not end": self._stage.running_s > 5.0,
            "sweep does not turn": now - self._sweep.last_turn > 5.0,
            "rebalance does not end": self._ownership.joining,
            "assigned shards are not owned": bool(self._ownership.claimable()),
        }
        for name, present in symptoms.items():
            if not present:
                self._since.pop(name, None)
            elif now - self._since.setdefault(name, now) > self._limit_s:
                return name
        if self._progress is not None and not self._stage.running and self._progress.stalled_s > self._limit_s:
            return "records wait and no offset moves"
        return None

    def _crashes_again(self) -> bool:
        """True when FastStream has restarted the loop since the last look: one record may crash it for ever."""
        before, self._crashed = self._crashed, self._crashes()
        return self._crashed > before

    def turning(self, within_s: float) -> bool:
        """True when the event loop has turned recently and no symptom has lasted that long."""
        now = self._clock.monotonic()
        return now - self.last_turn < within_s and all(now - since < within_s for since in self._since.values())
