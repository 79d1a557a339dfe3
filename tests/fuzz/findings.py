"""What a fuzz run has found, each kind of finding once with its first example."""

from __future__ import annotations

from collections import Counter

__all__ = ["Findings"]


class Findings:
    """Counts findings by kind and keeps an example of each."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, str] = {}

    def add(self, kind: str, example: str) -> None:
        """Note one finding."""
        self.counts[kind] += 1
        self.examples.setdefault(kind, example[:2_000])

    def total(self, beginning: str = "") -> int:
        """How many findings there are of kinds that begin so."""
        return sum(count for kind, count in self.counts.items() if kind.startswith(beginning))

    def listed(self) -> list[dict[str, str | int]]:
        """All kinds with count and example."""
        return [
            {"kind": kind, "count": count, "example": self.examples[kind][:300]}
            for kind, count in sorted(self.counts.items())
        ]
