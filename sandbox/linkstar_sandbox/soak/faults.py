"""Small faults of a soak, drawn from the seed: a service killed, its connections cut. Poison comes with the load."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Callable
from random import Random

import asyncpg

from linkstar_sandbox.stack import Stack

__all__ = ["Faults"]


class Faults:
    """One fault every `every_s` seconds or so, never two at once."""

    def __init__(self, stack: Stack, seed: int, every_s: float, tell: Callable[[str], None]) -> None:
        self._stack, self._every_s, self._tell = stack, every_s, tell
        self._chance = Random(f"{seed}|soak")
        self.done: Counter[str] = Counter()

    async def run(self) -> None:
        """Do harm until cancelled."""
        while True:
            await asyncio.sleep(self._every_s * (0.7 + 0.6 * self._chance.random()))
            service = self._chance.choice(self._stack.plan.services)
            kind = "kill" if self._chance.random() < 0.5 else "cut"
            self._tell(f"fault: {kind} {service}")
            if kind == "kill":
                self._stack.kill(f"{service}-1", signal.SIGKILL)
            else:
                await self._cut(service)
            self.done[kind] += 1

    async def _cut(self, service: str) -> None:
        connection = await asyncpg.connect(self._stack.endpoints["database"])
        try:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", service
            )
        finally:
            await connection.close()
