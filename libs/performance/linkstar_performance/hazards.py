"""Discrete-time hazards with shrinkage: how likely something that has lasted `k` steps ends in the next one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple, TypeAlias

__all__ = ["Hazards", "Tally", "hazards", "survival"]

Hazards: TypeAlias = tuple[float, ...]
"""Per step the chance to end in it, for what has not ended before."""

_ROOT_HAZARD, _ROOT_WEIGHT = 0.15, 2.0


class Tally(NamedTuple):
    """Per step how many were at risk to end in it, and how many did. What ends unseen merely stops being at risk."""

    at_risk: Sequence[float]
    ended: Sequence[float]

    @classmethod
    def of(cls, ended: Sequence[float], unseen: Sequence[float]) -> Tally:
        """Count who was at risk: `ended` per step, and `unseen` per step in which the last look fell. What lasts beyond the
        last step stands in one more entry of `ended`.
        """
        steps = len(unseen)
        over = list(accumulate(reversed([*ended, 0.0][: steps + 1])))[::-1]
        looking = [*list(accumulate(reversed(unseen)))[::-1], 0.0]
        return cls([over[step] + looking[step + 1] for step in range(steps)], list(ended[:steps]))


def hazards(tally: Tally, parent: Hazards | None = None, weight: float = _ROOT_WEIGHT) -> Hazards:
    """Return the hazards of a group: its own counts, and `weight` imagined ones that behaved like its parent."""
    prior = parent or (_ROOT_HAZARD,) * len(tally.ended)
    return tuple([
        (ended + weight * before) / (at_risk + weight)
        for ended, at_risk, before in zip(tally.ended, tally.at_risk, prior, strict=True)
    ])  # fmt: skip


def survival(steps: Hazards, floor: float = 0.0) -> tuple[float, ...]:
    """Return the chance to last longer than 0, 1, 2 … steps, never below the floor."""
    lasting = accumulate(steps, lambda still, hazard: still * (1 - hazard), initial=1.0)
    return tuple([max(each, floor) for each in lasting])
