"""All chance of one simulation, drawn from its scenario, and the count of faults that it has led to."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace

__all__ = ["FAULTS", "Chance", "Scenario"]

FAULTS = (
    "kill", "freeze", "join", "leave", "group_cut", "database_cut", "leaderless", "rollout",
    "statement_lost", "statement_slow", "commit_lost", "commit_late", "reply_lost", "notice_lost",
    "produce_lost", "produce_late", "ack_lost", "produce_refused", "partial_append", "connect_lost",
    "point_kill", "point_freeze", "point_raise", "point_slow",
    "duplicate", "gap", "poison_bytes", "poison_bug", "poison_reject", "wrong_key", "raises_once", "retry",
    "http", "http_reply_lost",
)  # fmt: skip
"""Every kind of fault and disturbance, each of which can be switched off by name."""


@dataclass(frozen=True)
class Scenario:
    """What decides a run completely: its seed and what a shrunk scenario leaves away."""

    seed: int
    mutant: str = ""
    facts: int = 0
    """At most so many facts; 0 = as drawn."""
    replicas: int = 0
    """At most so many replicas; 0 = as drawn."""
    without: tuple[str, ...] = ()
    """Faults switched off."""
    draw: int = 0
    """Another course of the same plan."""

    def arguments(self) -> str:
        """Return the command line that repeats this run exactly."""
        words = [f"--seed {self.seed}"]
        words += [f"--mutant {self.mutant}"] * bool(self.mutant)
        words += [f"--{name} {value}" for name in ("facts", "replicas", "draw") if (value := getattr(self, name))]
        words += [f"--without {','.join(self.without)}"] * bool(self.without)
        return " ".join(words)

    def but(self, **changes: object) -> Scenario:
        """Return a variant."""
        return replace(self, **changes)  # type: ignore[arg-type]


class Chance:
    """Draws for one run. `plan` decides what is published when; `course` everything that happens on the way."""

    def __init__(self, scenario: Scenario) -> None:
        self.plan = random.Random(f"plan|{scenario.seed}")
        self.course = random.Random(f"course|{scenario.seed}|{scenario.draw}")
        self.order = random.Random(f"order|{scenario.seed}|{scenario.draw}")
        self.random, self.choice, self.uniform = self.course.random, self.course.choice, self.course.uniform
        self._off = frozenset(scenario.without)
        self.calm = False
        """True once faults have ended."""
        self.counts: Counter[str] = Counter()

    def hit(self, fault: str, probability: float) -> bool:
        """Decide whether a fault of this kind happens here; never in calm, never when switched off."""
        if self.calm or probability <= 0.0 or fault in self._off or self.random() >= probability:
            return False
        self.counts[fault] += 1
        return True

    def planned(self, fault: str, probability: float) -> bool:
        """The same for what belongs to the plan."""
        if self.plan.random() >= probability or fault in self._off:
            return False
        self.counts[fault] += 1
        return True
