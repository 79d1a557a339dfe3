"""Long pieces of work keep the event loop a few milliseconds at a time, and one while somebody waits for an answer."""

from __future__ import annotations

import asyncio

from linkstar_runtime.clock import Clock

__all__ = ["CALLERS", "Callers", "Turns"]

TURN_S = 0.003
SHORT_TURN_S = 0.001


class Callers:
    """The HTTP requests of this process that have begun and are not answered yet. Each needs the loop some five times."""

    def __init__(self) -> None:
        self._waiting = 0

    def __enter__(self) -> None:
        self._waiting += 1

    def __exit__(self, *_: object) -> None:
        self._waiting -= 1

    @property
    def turn_s(self) -> float:
        """How long a turn lasts now."""
        return SHORT_TURN_S if self._waiting else TURN_S


CALLERS = Callers()


class Turns:
    """Call `pause` between pieces of work: requests and the stage run as soon as this turn is over."""

    def __init__(self, clock: Clock, callers: Callers = CALLERS) -> None:
        self._clock, self._callers = clock, callers
        self._began = clock.monotonic()

    @property
    def over(self) -> bool:
        """True when this turn has lasted long enough: those who do thousands of small things ask first."""
        return self._clock.monotonic() - self._began >= self._callers.turn_s

    async def pause(self) -> None:
        """Let others run if this turn is over."""
        if self.over:
            await asyncio.sleep(0)
            self._began = self._clock.monotonic()
