"""Carries out the faults of a schedule on a running stack, and heals everything at the end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from random import Random

import asyncpg

from linkstar_runtime.clock import Clock
from linkstar_sandbox.chaos.disk import SmallDisk
from linkstar_sandbox.chaos.failures import Failures, stopped, wake
from linkstar_sandbox.chaos.proxy import Proxy
from linkstar_sandbox.chaos.schedule import FAULT_KINDS, FaultPlan
from linkstar_sandbox.chaos.stack import SESSION_TIMEOUT_S, ArmedReplica, ChaosStack
from linkstar_sandbox.errors import SandboxError

__all__ = ["Nemesis"]

_TERMINATE = """
SELECT count(pg_terminate_backend(pid)) FROM (
    SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    ORDER BY random() LIMIT $1) AS victims"""
_LOOK_S = 0.5
MOST_REPLICAS = 12


class Nemesis:
    """One per run; both schedules use it at the same time."""

    def __init__(self, stack: ChaosStack, failures: Failures, disk: SmallDisk, tell: Callable[[str], None]) -> None:
        self._stack, self._failures, self._disk, self._tell = stack, failures, disk, tell
        self._clock = Clock()
        self._paused: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.under_way: Counter[str] = Counter()
        """Kinds that have begun and have not ended."""
        self.faults: Counter[str] = Counter()
        """How often each kind truly happened."""

    async def follow(self, schedule: Sequence[FaultPlan]) -> None:
        """Begin each fault at its time; a long one does not keep the next from beginning."""
        began = self._clock.monotonic()
        for plan in schedule:
            await asyncio.sleep(max(0.0, plan.at_s - (self._clock.monotonic() - began)))
            task = asyncio.create_task(self._strike(plan))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def attend(self) -> None:
        """Disarm what was hit; let processes that stopped themselves go on once their session has expired."""
        since: dict[int, float] = {}
        while True:
            await asyncio.sleep(_LOOK_S)
            self._failures.disarm_hit(self._stack.services)
            now = self._clock.monotonic()
            for replica in self._stack.services:
                pid = replica.pid
                if pid is None or pid in self._paused or not stopped(replica):
                    continue
                if now - since.setdefault(pid, now) > SESSION_TIMEOUT_S + 2:
                    wake(pid)
                    del since[pid]

    async def heal(self) -> None:
        """End every fault that still lasts."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for proxy in self._proxies:
            proxy.refuse(False)
            proxy.delay(0)
            proxy.cut_deaf()
        await asyncio.to_thread(self._disk.free)
        for replica in [*self._stack.services, self._stack.simulator]:
            replica.armed, replica.skew = {}, timedelta()
            if replica.pid:
                wake(replica.pid)

    def missing(self) -> list[str]:
        """The kinds of fault that have not happened yet, but could."""
        return [kind for kind in FAULT_KINDS if not self.faults[kind] and (kind != "disk_full" or self._disk.mounted)]

    def arm(self, failpoint: str, chance: Random) -> bool:
        """Restart a process with this failpoint armed; False if none fits."""
        replica = self._failures.arm(failpoint, self._stack.services, chance)
        if replica is None:
            return False
        self._tell(f"failpoint {failpoint}={replica.armed[failpoint]} in {replica.name}")
        self._end(replica, chance.choice((signal.SIGKILL, signal.SIGTERM)))
        return True

    @property
    def _proxies(self) -> tuple[Proxy, Proxy]:
        return self._stack.kafka_proxy, self._stack.postgres_proxy

    async def _strike(self, plan: FaultPlan) -> None:
        chance = Random(plan.seed)
        if plan.failpoint:
            self.arm(plan.failpoint, chance)
            return
        fault: Callable[[Random], Awaitable[str]] = getattr(self, f"_{plan.kind}")
        self.under_way[plan.kind] += 1
        try:
            done, why_not = await fault(chance), "it found nothing to harm"
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, SandboxError, TimeoutError) as error:
            done, why_not = "", str(error)
        finally:
            self.under_way[plan.kind] -= 1
        self.faults[plan.kind] += bool(done)
        self._tell(f"{plan.kind}: {done}" if done else f"{plan.kind} came to nothing: {why_not}")

    def _any(self, chance: Random) -> ArmedReplica:
        return chance.choice([*self._stack.services, self._stack.simulator])

    def _end(self, replica: ArmedReplica, number: int) -> None:
        replica.signal(number)
        if number == signal.SIGTERM and stopped(replica) and replica.pid:
            wake(replica.pid)

    async def _kill(self, chance: Random) -> str:
        first = self._any(chance)
        service = first.name.rpartition("-")[0]
        whole = chance.random() < 0.25 and service
        chosen = [r for r in self._stack.services if r.name.rpartition("-")[0] == service] if whole else [first]
        alive = [replica for replica in chosen if replica.pid]
        for replica in alive:
            self._end(replica, signal.SIGKILL)
        return ", ".join(replica.name for replica in alive)

    async def _pause(self, chance: Random) -> str:
        replica, seconds = self._any(chance), SESSION_TIMEOUT_S + chance.uniform(1.0, 7.0)
        pid = replica.pid
        if pid is None:
            return ""
        self._paused.add(pid)
        try:
            replica.signal(signal.SIGSTOP)
            await asyncio.sleep(seconds)
        finally:
            wake(pid)
            self._paused.discard(pid)
        return f"{replica.name} for {seconds:.1f} s"

    async def _scale(self, chance: Random) -> str:
        service = chance.choice(("ingest", "router", "labeler", "tracker", "returns"))
        names = [r.name for r in self._stack.services]
        if len([name for name in names if name.startswith(service)]) < 3 and len(names) < MOST_REPLICAS:
            return f"{await asyncio.to_thread(self._stack.grow, service)} joins"
        left = await asyncio.to_thread(self._stack.shrink, service)
        return f"{left} left" if left else ""

    async def _pg_stop(self, chance: Random) -> str:
        pid = self._stack.postgres_server.pid
        if pid is None:
            return ""
        os.kill(pid, signal.SIGQUIT)
        return "immediate"

    async def _pg_terminate(self, chance: Random) -> str:
        connection = await asyncpg.connect(self._stack.infrastructure.admin_url, timeout=3)
        try:
            count = await connection.fetchval(_TERMINATE, chance.randint(1, 20))
        finally:
            await connection.close()
        return f"{count} back ends" if count else ""

    async def _broker_kill(self, chance: Random) -> str:
        pid = self._stack.kafka_server.pid
        if pid is None:
            return ""
        os.kill(pid, signal.SIGKILL)
        return "kill -9"

    async def _cut(self, chance: Random) -> str:
        proxy = chance.choice(self._proxies)
        count = proxy.cut(chance, chance.choice((0.3, 0.6, 1.0)))
        return f"{count} connections of port {proxy.port}" if count else ""

    async def _refuse(self, chance: Random) -> str:
        proxy, seconds = chance.choice(self._proxies), chance.uniform(1.0, 6.0)
        proxy.refuse(True)
        proxy.cut(chance, 1.0)
        try:
            await asyncio.sleep(seconds)
        finally:
            proxy.refuse(False)
        return f"port {proxy.port} for {seconds:.1f} s"

    async def _one_way(self, chance: Random) -> str:
        proxy, seconds = chance.choice(self._proxies), chance.uniform(2.0, 9.0)
        count = proxy.swallow(chance, chance.choice((0.3, 0.6)))
        if not count:
            return ""
        try:
            await asyncio.sleep(seconds)
        finally:
            proxy.cut_deaf()
        return f"answers of {count} connections lost for {seconds:.1f} s, then cut"

    async def _delay(self, chance: Random) -> str:
        proxy, pause, seconds = chance.choice(self._proxies), chance.uniform(0.02, 0.25), chance.uniform(5.0, 12.0)
        proxy.delay(pause)
        try:
            await asyncio.sleep(seconds)
        finally:
            proxy.delay(0)
        return f"{pause * 1000:.0f} ms on port {proxy.port} for {seconds:.1f} s"

    async def _clock_jump(self, chance: Random) -> str:
        replica = chance.choice(self._stack.services)
        replica.skew = timedelta(minutes=chance.choice((-60, -25, 25, 60)))
        told = f"{replica.name} is wrong by {replica.skew.total_seconds() / 60:+.0f} min"
        self._end(replica, signal.SIGTERM)
        return told

    async def _disk_full(self, chance: Random) -> str:
        if not self._disk.mounted:
            return ""
        seconds = chance.uniform(3.0, 6.0)
        await asyncio.to_thread(self._disk.fill)
        try:
            await asyncio.sleep(seconds)
        finally:
            with suppress(OSError):
                self._disk.free()
        return f"PostgreSQL's disk for {seconds:.1f} s"
