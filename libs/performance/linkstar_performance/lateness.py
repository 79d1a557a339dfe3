"""How likely a deadline is missed, as far as two quantiles of a promise tell: the router weighs it, the tracker checks."""

from __future__ import annotations

from datetime import date
from typing import Protocol

__all__ = ["Quantiles", "late_permille"]

ON_TIME, BY_P90, BY_P50, LATE = 0, 100, 500, 1000


class Quantiles(Protocol):
    """The days, as ordinals, by which half and nine tenths of such parcels arrive."""

    @property
    def p50(self) -> int: ...

    @property
    def p90(self) -> int: ...


def late_permille(dates: Quantiles | None, deadline: date | None) -> int:
    """Return an upper bound of the chance to miss the deadline that the two published quantiles support.

    Without a deadline 0; p90 in time 100; only p50 in time 500; otherwise, or without any promise, 1000.
    """
    if deadline is None:
        return ON_TIME
    last = deadline.toordinal()
    if dates is None or dates.p50 > last:
        return LATE
    return BY_P90 if dates.p90 <= last else BY_P50
