"""How fast an account may call: a token bucket that halves when the carrier says 429 and grows back by small steps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from linkstar_carriers.outcomes import NotSent
from linkstar_carriers.standing import Budget
from linkstar_runtime.clock import Clock

__all__ = ["Pace"]

_STEP = 0.02
_LEAST = 0.05


class Pace:
    """Additive increase, multiplicative decrease, in real time, with a bound on calls under way."""

    def __init__(self, clock: Clock, per_s: float, burst: int, at_once: int, longest_wait_s: float = 10.0) -> None:
        self._clock, self._ceiling, self._burst, self._longest = clock, per_s, float(burst), longest_wait_s
        self._rate, self._tokens = per_s, float(burst)
        self._filled_at = clock.monotonic()
        self._slots = asyncio.Semaphore(at_once)

    @property
    def budget(self) -> Budget:
        """What could be sent at this moment."""
        self._fill()
        return Budget(self._rate, max(self._tokens, 0.0), self._blocked_s())

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[NotSent | None]:
        """Wait for the call's turn; yields a `NotSent` instead when that takes longer than anybody should wait."""
        wait_s = self._reserve()
        if wait_s > self._longest:
            yield NotSent("account_limit", "the account's rate limit is used up", wait_s)
            return
        if wait_s > 0:
            await self._clock.sleep(wait_s)
        async with self._slots:
            yield None

    def grow(self) -> None:
        """The carrier answered: a little faster from now on."""
        self._rate = min(self._ceiling, self._rate + self._ceiling * _STEP)

    def slow(self, retry_after_s: float) -> None:
        """The carrier said that it is too much: half as fast, and nothing before the time it named."""
        self._fill()
        self._rate = max(self._ceiling * _LEAST, self._rate / 2)
        self._tokens = min(self._tokens, 0.0)
        self._filled_at = max(self._filled_at, self._clock.monotonic() + retry_after_s)

    def _reserve(self) -> float:
        self._fill()
        wait_s = self._blocked_s() + max(0.0, (1.0 - self._tokens) / self._rate)
        if wait_s <= self._longest:
            self._tokens -= 1.0
        return wait_s

    def _blocked_s(self) -> float:
        return max(self._filled_at - self._clock.monotonic(), 0.0)

    def _fill(self) -> None:
        """Add what has dripped in since; while the account is blocked, `_filled_at` lies ahead and nothing drips."""
        now = self._clock.monotonic()
        if now > self._filled_at:
            self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
            self._filled_at = now
