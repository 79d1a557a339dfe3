"""Named places where a test may make the process fail: `LINKSTAR_FAILPOINTS="stage.after_commit=exit:137@0.01"`.

Entries are separated by `;`. Actions: `exit:CODE`, `raise`, `sleep:SECONDS`, `stop` (SIGSTOP to itself). `@0.01` is a
probability (it has a point), `@3` the third hit only. `LINKSTAR_FAILPOINT_SEED` repeats the same draws. Every failure is
noted in the file `LINKSTAR_FAILPOINT_HITS` names, if any, before it happens.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
import threading
from collections import Counter
from dataclasses import dataclass

from linkstar_runtime.ids import seeded

__all__ = [
    "FAILPOINTS", "LABEL_FAILPOINTS", "Action", "FailpointError", "Failpoints", "afail", "arm", "fail", "hits", "install",
]  # fmt: skip

FAILPOINTS = frozenset({
    "stage.after_poll", "stage.tx.after_fence", "stage.tx.after_state", "stage.tx.before_commit",
    "stage.commit_reply_lost", "stage.after_commit", "stage.produce_partial", "stage.ack_lost", "stage.after_ack",
    "stage.pause", "stage.handler_raises", "claim.after_epoch", "claim.drain_partial", "claim.before_seek",
    "kafka.commit_fails", "http.before_commit", "http.after_commit",
})  # fmt: skip
"""The crash points of the stage runtime."""
LABEL_FAILPOINTS = frozenset({
    "label.t1.before_commit", "label.after_calling", "label.before_send", "label.after_carrier_call",
    "label.t2.commit_reply_lost", "label.t2.after_commit", "label.resolve.after_lookup", "label.void.after_call",
})  # fmt: skip
"""The crash points of a label's purchase over the network."""

_ENTRY = re.compile(
    r"^(?P<name>[a-z0-9_.]+)=(?P<action>exit|raise|sleep|stop)(:(?P<value>[0-9.]+))?(@(?P<when>[0-9]*\.?[0-9]+))?$"
)


class FailpointError(Exception):
    """Raised by the action `raise`."""


@dataclass(frozen=True)
class Action:
    """What happens at one failpoint, and when."""

    kind: str
    value: float
    probability: float = 1.0
    hit: int | None = None


class Failpoints:
    """The failpoints armed in this process, with the number of times each was reached."""

    def __init__(self, spec: str, seed: int | None = None) -> None:
        self.hits: Counter[str] = Counter()
        self._actions = dict(_read(entry.strip()) for entry in spec.split(";") if entry.strip())
        seed = seed if seed is not None else secrets.randbits(64)
        self._draws = {name: seeded(f"{seed}|{name}") for name in self._actions}

    def due(self, name: str) -> Action | None:
        """Count one hit and return the action that is due now, if any."""
        self.hits[name] += 1
        action = self._actions.get(name)
        if action is None:
            return None
        if action.hit is not None:
            return action if self.hits[name] == action.hit else None
        return action if self._draws[name].random() < action.probability else None


def _read(entry: str) -> tuple[str, Action]:
    match = _ENTRY.match(entry)
    if not match:
        raise ValueError(f"failpoint {entry!r}: want name=exit:137, raise, sleep:2 or stop, then @0.01 or @3")
    if match["name"] not in FAILPOINTS | LABEL_FAILPOINTS:
        known = ", ".join(sorted(FAILPOINTS | LABEL_FAILPOINTS))
        raise ValueError(f"unknown failpoint {match['name']!r}; known: {known}")
    when, value = match["when"], float(match["value"] or 0)
    if when is None or "." in when:
        return match["name"], Action(match["action"], value, float(when or 1))
    return match["name"], Action(match["action"], value, hit=int(when))


_armed: Failpoints | None = None


def arm(spec: str, seed: int | None = None) -> None:
    """Arm the failpoints of `spec` in this process; an empty `spec` disarms all."""
    global _armed
    _armed = Failpoints(spec, seed) if spec else None


def install(armed: Failpoints | None) -> None:
    """Arm failpoints that decide in a way of their own; None disarms all."""
    global _armed
    _armed = armed


def hits() -> dict[str, int]:
    """Return how often each failpoint was reached since arming."""
    return dict(_armed.hits) if _armed else {}


def fail(name: str) -> None:
    """Fail here if armed. A `sleep` blocks the whole process, as a long pause of the machine would."""
    if _armed is not None and (action := _armed.due(name)) is not None:
        _note(name, action)
        if action.kind == "sleep":
            threading.Event().wait(action.value)
        else:
            _act(name, action)


async def afail(name: str) -> None:
    """Fail here if armed. A `sleep` lets other tasks run."""
    if _armed is not None and (action := _armed.due(name)) is not None:
        _note(name, action)
        if action.kind == "sleep":
            await asyncio.sleep(action.value)
        else:
            _act(name, action)


def _note(name: str, action: Action) -> None:
    """Append a line in one write, so that lines of several processes never mix and a kill leaves no half of one."""
    if _hits_file:
        descriptor = os.open(_hits_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(descriptor, f"{os.getpid()} {name} {action.kind}\n".encode())
        os.close(descriptor)


def _act(name: str, action: Action) -> None:
    if action.kind == "exit":
        os._exit(int(action.value))
    if action.kind == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
        return
    raise FailpointError(name)


_hits_file = os.environ.get("LINKSTAR_FAILPOINT_HITS")
_seed = os.environ.get("LINKSTAR_FAILPOINT_SEED")
arm(os.environ.get("LINKSTAR_FAILPOINTS", ""), int(_seed) if _seed else None)
