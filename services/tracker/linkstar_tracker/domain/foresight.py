"""All that is foreseen from what parcels have taught: limits of silence, and days of arrival."""

from __future__ import annotations

from collections.abc import Sequence

from linkstar_performance.thresholds import Patience
from linkstar_tracker.domain.forecasts import Arrivals
from linkstar_tracker.domain.lessons import ARRIVAL
from linkstar_tracker.domain.silences import Expectations, Learned, Trust, expect, model_of

__all__ = ["Foresight", "foresee"]


class Foresight:
    """What is expected of lanes at present; whoever holds it sees it renewed."""

    def __init__(self, expectations: Expectations | None = None, arrivals: Arrivals | None = None) -> None:
        self.expectations, self.arrivals = expectations, arrivals

    def renew(self, other: Foresight) -> None:
        """Expect what the other does."""
        self.expectations, self.arrivals = other.expectations, other.arrivals


def foresee(counts: Sequence[Learned], patience: Patience, trust: Trust, per_1000: float | None = None) -> Foresight:
    """Return what follows from all counts; `per_1000` is how many alerts are bearable per thousand parcels."""
    ways = [each for each in counts if each.lane.startswith(f"{ARRIVAL}|")]
    silences = [each for each in counts if not each.lane.startswith(f"{ARRIVAL}|")]
    return Foresight(expect(silences, patience, trust, per_1000), Arrivals(model_of(ways), trust.silences))
