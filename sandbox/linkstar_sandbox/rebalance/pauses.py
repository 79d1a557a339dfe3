"""Pauses of processing per shard, read from when each shard's outputs were made."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

__all__ = ["NOTICEABLE_S", "Pauses", "pauses"]

NOTICEABLE_S = 1.0
"""A shard counts as paused from here on."""


@dataclass(frozen=True)
class Pauses:
    """The longest pause of each shard in a window."""

    by_shard: Mapping[int, float]

    @property
    def examined(self) -> int:
        return len(self.by_shard)

    @property
    def paused(self) -> int:
        return sum(pause >= NOTICEABLE_S for pause in self.by_shard.values())

    def summary(self) -> dict[str, float | int]:
        """Figures in seconds over the shards examined."""
        found = sorted(self.by_shard.values()) or [0.0]
        return {
            "p50_s": round(median(found), 2), "max_s": round(found[-1], 2), "shards_paused": self.paused,
            "shards": self.examined,
        }  # fmt: skip


def pauses(made_at: Mapping[int, Sequence[float]], since: float, until: float) -> Pauses:
    """Return per shard the longest time between two neighbouring outputs that touches the window.

    A shard that had worked before and never did again stands until the window's end; one that never worked is not judged.
    """
    found = {}
    for shard, stamps in made_at.items():
        ordered = sorted(stamps)
        first, last = bisect_right(ordered, since) - 1, bisect_left(ordered, until)
        if last == 0:
            continue
        around = [*ordered[max(first, 0) : last], ordered[last] if last < len(ordered) else until]
        found[shard] = max(later - earlier for earlier, later in pairwise(around))
    return Pauses(found)
