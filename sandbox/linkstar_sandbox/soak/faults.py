"""Small faults of a soak, drawn from the seed: first services killed, then connections cut. Poison comes with the load."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Literal, NamedTuple

import asyncpg

from linkstar_runtime.clock import Clock
from linkstar_sandbox.stack import Stack

__all__ = ["Fault", "Faults", "draw_faults"]


class Fault(NamedTuple):
    """What is done to which service, so long after the beginning."""

    at_s: float
    kind: Literal["kill", "cut"]
    service: str


def draw_faults(seed: int, every_s: float, seconds: float, services: Sequence[str]) -> Iterator[Fault]:
    """Yield faults for ever: kills in the first third of `seconds`, so that after it each process has one long life."""
    chance, at_s = Random(f"{seed}|soak"), 0.0
    while True:
        at_s += every_s * (0.7 + 0.6 * chance.random())
        yield Fault(at_s, "kill" if at_s < seconds / 3 else "cut", chance.choice(services))


class Faults:
    """Carries faults out, never two at once."""

    def __init__(self, stack: Stack, faults: Iterator[Fault], tell: Callable[[str], None]) -> None:
        self._stack, self._faults, self._tell = stack, faults, tell
        self._clock = Clock()
        self.done: Counter[str] = Counter()

    async def run(self) -> None:
        """Do harm until cancelled."""
        began = self._clock.monotonic()
        for fault in self._faults:
            await asyncio.sleep(max(0.0, fault.at_s - (self._clock.monotonic() - began)))
            self._tell(f"fault: {fault.kind} {fault.service}")
            if fault.kind == "kill":
                self._stack.kill(f"{fault.service}-1", signal.SIGKILL)
            else:
                await self._cut(fault.service)
            self.done[fault.kind] += 1

    async def _cut(self, service: str) -> None:
        connection = await asyncpg.connect(self._stack.endpoints["database"])
        try:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", service
            )
        finally:
            await connection.close()
