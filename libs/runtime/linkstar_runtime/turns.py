"""Long pieces of work keep the event loop a few milliseconds at a time."""

from __future__ import annotations

import asyncio

from linkstar_runtime.clock import Clock

__all__ = ["Turns"]

TURN_S = 0.003


class Turns:
    """Call `pause` between pieces of work: requests and the stage run as soon as 3 ms were used."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()

    @property
    def over(self) -> bool:
        """True when this turn has lasted its 3 ms: for those who do thousands of small things, and ask before they wait."""
        return self._clock.monotonic() - self._began >= TURN_S

    async def pause(self) -> None:
        """Let others run if this turn is over."""
        if self.over:
            await asyncio.sleep(0)
            self._began = self._clock.monotonic()
