"""The only source of time. `now` is business time and may be virtual; leases, back-off and watchdogs use `monotonic`."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from linkstar_runtime.settings import ClockSettings

__all__ = ["Clock", "ManualClock"]


class Clock:
    """Business time = origin + (wall - wall0) x speed; equal constants give equal times in every process."""

    def __init__(self, origin: datetime | None = None, wall0: datetime | None = None, speed: float = 1.0) -> None:
        self._wall0 = wall0 or self.wall()
        self._origin = (origin or self._wall0).astimezone(UTC)
        self.speed = speed

    @classmethod
    def from_settings(cls, settings: ClockSettings) -> Clock:
        """Return the clock the settings describe."""
        return cls(settings.origin, settings.wall0, settings.speed)

    def now(self) -> datetime:
        """Return business time: aware, UTC."""
        return self._origin + (self.wall() - self._wall0) * self.speed

    def wall(self) -> datetime:
        """Return real time: aware, UTC. For record timestamps only."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return real seconds that never run backwards."""
        return time.monotonic()

    def real_seconds_until(self, moment: datetime) -> float:
        """Return how many real seconds pass until business time reaches `moment`; negative when it is past."""
        return (moment - self.now()).total_seconds() / self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait real seconds."""
        await asyncio.sleep(seconds)


class ManualClock(Clock):
    """A clock that moves only when told: `advance` moves business, wall and monotonic time alike, `sleep` advances."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)
        self._elapsed = 0.0
        super().__init__(start)

    def now(self) -> datetime:
        return self._now

    def wall(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    def advance(self, step: timedelta) -> None:
        """Move time forward."""
        self._now += step
        self._elapsed += step.total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.advance(timedelta(seconds=seconds))
        await asyncio.sleep(0)
