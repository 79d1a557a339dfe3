"""What became of a lane's parcels, in counts that add up, and the rates that follow from them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["NOTHING", "Rate", "Tallies", "estimate", "total"]

_WEIGHT = 20.0
"""How many imagined parcels bind a lane to what is usual around it."""


class Tallies(NamedTuple):
    """Counts of parcels. Those of one parcel change as more of it is known, so counts may be taken back, too."""

    ended: int = 0
    """Delivered, sent back, or given up as lost."""
    judged: int = 0
    """Ended, and somebody had promised a day."""
    on_time: int = 0
    """Of those judged."""
    tried: int = 0
    """Offered at the door or at a pickup point."""
    first: int = 0
    """Of those tried: handed over or ready for pickup the first time."""
    returned: int = 0
    damaged: int = 0
    lost: int = 0
    troubled: int = 0
    """Ended late, sent back, damaged, lost or after a failed attempt: what buyers complain about."""
    deadlined: int = 0
    """Judged by a promise with quantiles."""
    assumed_late: int = 0
    """Sum over those of the chance to be late that was assumed when they were sent, in per mille."""

    def plus(self, other: Tallies, sign: int = 1) -> Tallies:
        """Return both counts together, or what is left without the other's."""
        return Tallies(*[mine + sign * theirs for mine, theirs in zip(self, other, strict=True)])


NOTHING = Tallies()


class Rate(NamedTuple):
    """A share of a group: as counted, of how many, and what it is likely to be when few were counted."""

    share: float | None
    of: int
    estimate: float | None


def total(tallies: Iterable[Tallies]) -> Tallies:
    """Return all counts together."""
    found = NOTHING
    for each in tallies:
        found = found.plus(each)
    return found


def estimate(part: int, whole: int, around: tuple[int, int]) -> Rate:
    """Return the rate of a group; `around` are part and whole of all that it belongs to, which it leans on while it is
    small.
    """
    part, whole = max(min(part, whole), 0), max(whole, 0)
    wide_part, wide_whole = max(min(around), 0), max(around[1], 0)
    if not wide_whole:
        return Rate(part / whole if whole else None, whole, None)
    likely = (part + _WEIGHT * wide_part / wide_whole) / (whole + _WEIGHT)
    return Rate(part / whole if whole else None, whole, likely)
