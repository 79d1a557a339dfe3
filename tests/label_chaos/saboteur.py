"""Makes labeler processes fail as schedules ask: killed, stopped past their leases, cut off, or failing at a named point."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from random import Random

import asyncpg

from label_chaos.ground import LEASE_S, LabelStack
from label_chaos.schedule import FAILPOINT_ACTIONS
from linkstar_sandbox.chaos.failures import stopped, wake
from linkstar_sandbox.chaos.stack import ArmedReplica

__all__ = ["Saboteur"]

_LATEST_HIT = 4
_LOOK_S = 0.3


class Saboteur:
    """Carries out process faults and heals what stands still. `attend` runs beside everything else."""

    def __init__(self, stack: LabelStack, seed: int) -> None:
        self._stack, self._chance = stack, Random(f"{seed}|saboteur")
        self.done: Counter[str] = Counter()
        self._wanted: Counter[str] = Counter()

    def hits(self) -> Counter[str]:
        """How often each failpoint made a process fail."""
        try:
            lines = self._stack.hits.read_text("utf-8").splitlines()
        except OSError:
            return Counter()
        return Counter(line.split(" ")[1] for line in lines)

    async def harm(self, fault: str) -> None:
        """Let one labeler suffer a fault of a schedule."""
        victim = self._chance.choice(self._stack.labelers)
        if fault == "kill":
            self._count(fault, victim)
            victim.signal(signal.SIGKILL)
        elif fault == "pause":
            self._count(fault, victim)
            victim.signal(signal.SIGSTOP)
        elif fault == "database_cut":
            self.done[fault] += 1
            await self._cut_database()
        else:
            self._arm(fault, victim)

    def _count(self, fault: str, victim: ArmedReplica) -> None:
        self.done[fault] += victim.pid is not None and not stopped(victim)

    def _arm(self, failpoint: str, victim: ArmedReplica) -> None:
        """Let the process fail there at one of its next hits; it learns of it by a restart, which is a fault as well."""
        action = self._chance.choice(FAILPOINT_ACTIONS[failpoint])
        victim.armed[failpoint] = f"{action}@{self._chance.randint(1, _LATEST_HIT)}"
        self._wanted[failpoint] = self.hits()[failpoint] + 1
        self._count("kill", victim)
        victim.signal(signal.SIGKILL)

    async def _cut_database(self) -> None:
        connection = await asyncpg.connect(self._stack.infrastructure.admin_url)
        try:
            await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'labeler'")
        finally:
            await connection.close()

    async def attend(self) -> None:
        """Wake what stopped after a while, shorter or longer than its lease; disarm what was hit."""
        waking: dict[int, float] = {}
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_LOOK_S)
            counts, now = self.hits(), loop.time()
            for labeler in self._stack.labelers:
                labeler.armed = {
                    name: what for name, what in labeler.armed.items() if counts[name] < self._wanted[name]
                }
                if labeler.pid is not None and stopped(labeler):
                    due = waking.setdefault(labeler.pid, now + self._chance.uniform(0.3, 2.0) * LEASE_S)
                    if now >= due:
                        wake(labeler.pid)
                        del waking[labeler.pid]

    def heal(self) -> None:
        """Let every process go on, with nothing armed at its next start."""
        for labeler in self._stack.labelers:
            labeler.armed = {}
            if labeler.pid is not None:
                wake(labeler.pid)
