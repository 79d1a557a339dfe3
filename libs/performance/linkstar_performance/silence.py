"""Silence between two scans: how long is ordinary for a lane, and how likely a parcel that is silent so long is lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from linkstar_performance.hazards import Hazards, Tally, hazards, survival

__all__ = ["BINS", "BIN_HOURS", "HORIZON_HOURS", "Curve", "Lane", "Seen", "SilenceModel", "bin_of", "learn"]

BIN_HOURS = 6
BINS = 80
HORIZON_HOURS = BIN_HOURS * BINS
"""Twenty working days: who is silent longer is lost."""

Lane: TypeAlias = tuple[str, ...]
"""A group of silences from the widest name to the narrowest, such as (stage, service, zone). Each prefix is a group too."""

_WEIGHTS = (2.0, 20.0, 10.0)
"""How many imagined silences bind a group of 1, 2, 3 and more names to the wider one."""

_LOST_SHARE = 0.003
_LOST_WEIGHT = 2 / _LOST_SHARE
_FLOOR = 1e-6
"""And half a silence: nobody has seen enough to call a longer one impossible."""
_ROUNDS = 6


def bin_of(hours: float) -> int:
    """Return the bin that a silence of so many hours ends in; `BINS` stands for all beyond the horizon."""
    return min(int(hours // BIN_HOURS), BINS)


@dataclass(slots=True)
class Seen:
    """Silences of one lane: how many ended in each bin, how many still last in each, and how many were never broken."""

    ended: dict[int, float] = field(default_factory=dict)
    lasting: dict[int, float] = field(default_factory=dict)
    lost: float = 0.0

    @property
    def total(self) -> float:
        """How many came to an end, good or bad."""
        return sum(self.ended.values()) + self.lost

    def add(self, other: Seen) -> None:
        """Take the other's silences in."""
        for mine, theirs in ((self.ended, other.ended), (self.lasting, other.lasting)):
            for step, count in theirs.items():
                mine[step] = mine.get(step, 0.0) + count
        self.lost += other.lost


@dataclass(frozen=True, slots=True)
class Curve:
    """How a lane's silences last. `survival` is the chance that a parcel under way is still silent at each bin's edge."""

    survival: tuple[float, ...]
    lost: float
    """Share of silences that are never broken."""
    total: float
    """How many silences of this very lane it was learned from."""

    def silent(self, hours: float) -> float:
        """Return the chance that a parcel under way is silent for longer."""
        step, part = divmod(min(max(hours, 0.0), HORIZON_HOURS) / BIN_HOURS, 1)
        before = self.survival[int(step)]
        return before if part == 0 else before + (self.survival[int(step) + 1] - before) * part

    def ending(self, hours: float, within: float) -> float:
        """Return the chance that a parcel under way, silent for so long, is scanned within some more hours."""
        return 1 - self.silent(hours + within) / self.silent(hours)

    def posterior(self, hours: float) -> float:
        """Return how likely a parcel silent for so long is lost."""
        return self.lost / (self.lost + (1 - self.lost) * self.silent(hours))

    def limit(self, threshold: float) -> float:
        """Return after how many hours of silence the posterior passes the threshold; the horizon when it never does."""
        return self._lasting(self.lost * (1 - threshold) / (threshold * (1 - self.lost)))

    def quantile(self, share: float) -> float:
        """Return within how many hours this share of the parcels under way is scanned again."""
        return self._lasting(1 - share)

    def lasting_quantile(self, share: float, hours: float) -> float:
        """Return within how many hours in all this share ends, of what has lasted so many hours already."""
        return self._lasting((1 - share) * self.silent(hours))

    def _lasting(self, chance: float) -> float:
        """Return when the chance to be still silent has fallen so low."""
        for step, (before, after) in enumerate(zip(self.survival, self.survival[1:], strict=False)):
            if after <= chance:
                return BIN_HOURS * (step + (max(before - chance, 0.0) / (before - after) if before > after else 0.0))
        return float(HORIZON_HOURS)

    def alarms(self, hours: float) -> float:
        """Return the share of silences that pass a limit: those that are lost, and ordinary ones that take so long."""
        return self.lost + (1 - self.lost) * self.silent(hours)


class SilenceModel:
    """The curves of all groups seen. A lane never seen has the curve of the narrowest group of it that was."""

    def __init__(self, curves: Mapping[Lane, Curve], leaves: Iterable[Lane]) -> None:
        self._curves = dict(curves)
        self.leaves = tuple([self._curves[lane] for lane in leaves])
        """The curves of the lanes that silences were told of."""

    def curve(self, lane: Lane) -> Curve | None:
        """Return the lane's curve; None where nothing like it was ever seen."""
        for names in range(len(lane), 0, -1):
            if (found := self._curves.get(lane[:names])) is not None:
                return found
        return None

    def total(self, lane: Lane) -> float:
        """Return how many silences of exactly this group were seen."""
        found = self._curves.get(lane)
        return found.total if found else 0.0


def learn(seen: Mapping[Lane, Seen]) -> SilenceModel:
    """Return the model of these silences.

    One that still lasts tells that it has lasted so long, as far as it is not lost: each round counts it by the chance that
    the round before gives it.
    """
    groups = _groups(seen)
    curves = _curves(groups, {})
    for _ in range(_ROUNDS if any(each.lasting for each in groups.values()) else 0):
        curves = _curves(groups, curves)
    return SilenceModel(curves, seen)


def _groups(seen: Mapping[Lane, Seen]) -> dict[Lane, Seen]:
    groups: defaultdict[Lane, Seen] = defaultdict(Seen)
    for lane, each in seen.items():
        for names in range(1, len(lane) + 1):
            groups[lane[:names]].add(each)
    return {lane: groups[lane] for lane in sorted(groups, key=len)}


def _curves(groups: Mapping[Lane, Seen], before: Mapping[Lane, Curve]) -> dict[Lane, Curve]:
    """Return each group's curve, wider groups first, since the narrower lean on them."""
    steps: dict[Lane, Hazards] = {}
    curves: dict[Lane, Curve] = {}
    for lane, seen in groups.items():
        parent = lane[:-1]
        weight = _WEIGHTS[min(len(lane), len(_WEIGHTS)) - 1]
        steps[lane] = hazards(_tally(seen, before.get(lane)), steps.get(parent), weight)
        expected = curves[parent].lost if parent in curves else _LOST_SHARE
        lost = (seen.lost + _LOST_WEIGHT * expected) / (seen.total + _LOST_WEIGHT)
        floor = max(_FLOOR, 0.5 / (1 + (curves[parent].total if parent in curves else seen.total)))
        curves[lane] = Curve(survival(steps[lane], floor), lost, seen.total)
    return curves


def _tally(seen: Seen, curve: Curve | None) -> Tally:
    alive = [1 - curve.posterior(step * BIN_HOURS) if curve else 1.0 for step in range(BINS)]
    lasting = [count * chance for count, chance in zip(_row(seen.lasting, BINS), alive, strict=True)]
    return Tally.of(_row(seen.ended, BINS + 1), lasting)


def _row(counts: Mapping[int, float], width: int) -> list[float]:
    return [counts.get(step, 0.0) for step in range(width)]
