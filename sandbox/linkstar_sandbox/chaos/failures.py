"""The failpoints of a run: which are wanted, which have been hit (they note it themselves), and processes that stopped."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random

import psutil

from linkstar_sandbox.chaos.schedule import FAILPOINT_PLANS
from linkstar_sandbox.chaos.stack import ArmedReplica
from linkstar_sandbox.replica import Replica

__all__ = ["Failures", "stopped", "wake"]

_LATEST_HIT = {"claim": 4, "kafka": 1, "http": 3, "stage": 6}
"""By first word of the failpoint: at which hit at the latest the armed process fails."""


class Failures:
    """Arms replicas and counts the hits."""

    def __init__(self, hits: Path) -> None:
        self._hits = hits
        self._wanted: Counter[str] = Counter()

    def counts(self) -> Counter[str]:
        """How often each failpoint made a process fail."""
        try:
            lines = self._hits.read_text("utf-8").splitlines()
        except OSError:
            return Counter()
        return Counter(line.split(" ")[1] for line in lines)

    def missing(self) -> list[str]:
        """Failpoints nobody has hit yet."""
        return sorted(set(FAILPOINT_PLANS) - set(self.counts()))

    def waiting(self, replicas: Sequence[ArmedReplica]) -> set[str]:
        """Failpoints armed in some process and not hit since."""
        return {name for replica in replicas for name in replica.armed}

    def arm(self, failpoint: str, replicas: Sequence[ArmedReplica], chance: Random) -> ArmedReplica | None:
        """Choose a replica that reaches this failpoint and arm its starts until it is hit; None if none runs."""
        actions, services = FAILPOINT_PLANS[failpoint]
        names = [f"{name}-1" for name in services] if failpoint.startswith("http.") else None
        fitting = [
            replica for replica in replicas
            if (replica.name in names if names else replica.name.rpartition("-")[0] in services)
        ]  # fmt: skip
        if not fitting:
            return None
        chosen = chance.choice(fitting)
        hit = chance.randint(1, _LATEST_HIT[failpoint.partition(".")[0]])
        chosen.armed[failpoint] = f"{chance.choice(actions)}@{hit}"
        self._wanted[failpoint] = self.counts()[failpoint] + 1
        return chosen

    def disarm_hit(self, replicas: Sequence[ArmedReplica]) -> None:
        """What was hit as often as wanted is armed no longer, at the next start."""
        counts = self.counts()
        for replica in replicas:
            replica.armed = {name: what for name, what in replica.armed.items() if counts[name] < self._wanted[name]}


def stopped(replica: Replica) -> bool:
    """True if the process stands still by a signal."""
    with suppress(psutil.Error):
        return replica.pid is not None and psutil.Process(replica.pid).status() == psutil.STATUS_STOPPED
    return False


def wake(pid: int) -> None:
    """Let a stopped process go on."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
