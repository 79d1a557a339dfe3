"""What happens to the replicas of one service: each step returns once it has had its effect."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

from linkstar_runtime.clock import Clock
from linkstar_sandbox.rebalance.waiting import until
from linkstar_sandbox.replica import Replica, ready
from linkstar_sandbox.stack import Stack

__all__ = ["SERVICE", "Crew"]

SERVICE = "router"
SESSION_S = 10.0
READY_S = 60.0


class Crew:
    """Three replicas under the stack's supervisor, and a fourth that comes and goes."""

    def __init__(self, stack: Stack, members: int) -> None:
        self._stack, self._members = stack, members
        self.restart_s: list[float] = []
        """How long each restart took, from the signal until the new process was ready."""
        self._clock = Clock()

    def steps(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What is measured, in order."""
        return {
            "nothing happens": self.rest, "a replica joins": self.join, "a replica leaves": self.leave,
            "a replica is killed (-9)": self.kill, "a replica sleeps 15 s": self.sleep,
            "rolling restart": self.roll,
        }  # fmt: skip

    async def rest(self) -> None:
        await asyncio.sleep(5)

    async def join(self) -> None:
        name = await asyncio.to_thread(self._stack.grow, SERVICE)
        await self._ready(self._stack.replicas[name])

    async def leave(self) -> None:
        await asyncio.to_thread(self._stack.shrink, SERVICE)

    async def kill(self) -> None:
        await self._restarted(f"{SERVICE}-1", signal.SIGKILL)

    async def sleep(self) -> None:
        """Longer than the session time-out: the group goes on without it, and it wakes as a stranger."""
        self._stack.kill(f"{SERVICE}-2", signal.SIGSTOP)
        await asyncio.sleep(SESSION_S + 5)
        self._stack.kill(f"{SERVICE}-2", signal.SIGCONT)

    async def roll(self) -> None:
        for number in range(1, self._members + 1):
            await self._restarted(f"{SERVICE}-{number}", signal.SIGTERM)

    async def _restarted(self, name: str, number: signal.Signals) -> None:
        replica = self._stack.replicas[name]
        before, began = replica.pid, self._clock.monotonic()
        self._stack.kill(name, number)
        await until(lambda: replica.pid not in (None, before), READY_S)
        await self._ready(replica)
        self.restart_s.append(self._clock.monotonic() - began)

    async def _ready(self, replica: Replica) -> None:
        await until(lambda: ready(replica.url), READY_S)
