"""The clock of a simulated world."""

from __future__ import annotations

import asyncio
import contextvars
from datetime import UTC, datetime, timedelta

from simulation.loop import VirtualLoop

from linkstar_runtime.clock import Clock

__all__ = ["BEGIN", "WorldClock"]

BEGIN = datetime(2026, 11, 27, tzinfo=UTC)


class WorldClock(Clock):
    """Real time is the loop's virtual time."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        super().__init__(BEGIN)

    def now(self) -> datetime:
        return self.wall()

    def wall(self) -> datetime:
        return BEGIN + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def nobody(self) -> contextvars.Context:
        """Return a context of no process: what runs in it goes on whoever dies."""
        return contextvars.Context()
