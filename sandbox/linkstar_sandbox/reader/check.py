"""The result of one check: how many cases it looked at, and every case that broke it, by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Check", "Kind", "more_than_one"]

Kind = Literal["lost", "duplicated", "broken"]


@dataclass
class Check:
    """A named promise. A check that examined nothing proves nothing and says so."""

    name: str
    kind: Kind
    examined: int = 0
    violations: list[str] = field(default_factory=list)

    def case(self, holds: bool, violation: str) -> None:
        """Count one case; keep `violation` when the promise does not hold for it."""
        self.examined += 1
        if not holds:
            self.violations.append(violation)

    @property
    def verdict(self) -> str:
        """`ok`, `violated` or `not_exercised`."""
        if self.violations:
            return "violated"
        return "ok" if self.examined else "not_exercised"


def more_than_one(check: Check, pairs: Iterable[tuple[Hashable, Hashable]], sentence: str) -> Check:
    """Demand one second value for each first value; `sentence` gets both."""
    found: dict[Hashable, set[Hashable]] = defaultdict(set)
    for first, second in pairs:
        found[first].add(second)
    for first, seconds in found.items():
        check.case(len(seconds) == 1, sentence.format(first, sorted(map(str, seconds))[:3]))
    return check
