"""Access tokens: fetched once for all who need one, renewed before they end, dropped when the carrier refuses them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from linkstar_carriers.outcomes import NotSent
from linkstar_runtime.clock import Clock

__all__ = ["Token", "TokenSource"]

_MARGIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Token:
    """A secret the carrier gave for a while."""

    value: str = field(repr=False)
    lives_s: float


class TokenSource:
    """One token for an account. However many calls want it, one request fetches it, and all get its outcome."""

    def __init__(self, clock: Clock, fetch: Callable[[], Awaitable[Token | NotSent]]) -> None:
        self._clock, self._fetch = clock, fetch
        self._value, self._until = "", 0.0
        self._fetching: asyncio.Task[NotSent | None] | None = None

    async def get(self) -> str | NotSent:
        """Return a token that is good for some time yet."""
        while not self._fresh():
            if self._fetching is None:
                self._fetching = asyncio.create_task(self._renew())
            failure = await asyncio.shield(self._fetching)
            if failure is not None:
                return failure
        return self._value

    def reject(self, value: str) -> None:
        """Forget a token the carrier refused, unless it was renewed meanwhile."""
        if value == self._value:
            self._value = ""

    def _fresh(self) -> bool:
        return bool(self._value) and self._clock.monotonic() < self._until

    async def _renew(self) -> NotSent | None:
        try:
            got = await self._fetch()
        finally:
            self._fetching = None
        if isinstance(got, NotSent):
            return got
        self._value = got.value
        self._until = self._clock.monotonic() + got.lives_s - min(_MARGIN_S, got.lives_s / 10)
        return None
