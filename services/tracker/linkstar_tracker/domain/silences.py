"""What is expected of a lane, by all that parcels have taught about it: its limit of silence and the reason for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from linkstar_performance.silence import HORIZON_HOURS, Curve, Lane, Seen, SilenceModel, learn
from linkstar_performance.thresholds import Patience, outlook

__all__ = ["Expectation", "Expectations", "Learned", "Trust", "expect", "model_of"]

THRESHOLDS = tuple(round(0.03 * 1.15**step, 4) for step in range(25))
"""That budgets choose from: 0.03 to 0.86."""

_CARRIER_AND_SERVICE = 3
"""The first names of a lane: stage, carrier and countries, service."""


class Learned(NamedTuple):
    """The counts of one lane and bin, faded by age."""

    lane: str
    step: int
    ended: float
    arrived: float
    lost: float


class Expectation(NamedTuple):
    """What is ordinary on a lane, in the carrier's working hours."""

    limit_hours: float
    """From here on a parcel still silent is likely enough lost to say so."""
    usual_hours: float
    """Within which 95 % of the parcels under way are scanned again."""
    lost: float
    """How likely one is lost that has been silent up to the limit."""


class Trust(NamedTuple):
    """When learned limits are trusted, and how far they may go."""

    silences: float
    """Of the same stage, carrier, countries and service."""
    days: int
    """Since the first silence was counted: before that, only those that end soon could be seen."""
    least_hours: float
    most_hours: float


class Expectations:
    """The limits of all lanes with enough history: at one threshold, or at a higher one for those with a budget.

    A budget goes before the longest limit that is trusted: who can bear few alerts waits, to the horizon if need be.
    """

    def __init__(
        self, model: SilenceModel, threshold: float, trust: Trust, alerts: Sequence[float] = (), usual: float = 0.0,
        budget: float | None = None,
    ) -> None:  # fmt: skip
        """`alerts` are expected per thousand parcels at each of the thresholds; `usual` at this one, with trusted limits."""
        self._model, self.threshold, self._trust, self._usual, self._budget = model, threshold, trust, usual, budget
        self._alerts = tuple(zip(THRESHOLDS, alerts, strict=False))
        self._found: dict[tuple[str, float, float], Expectation | None] = {}

    def of(self, lane: str, per_1000: float | None = None) -> Expectation | None:
        """Return what is expected of a lane named by `lane_key`; None where too little is known."""
        key = lane, *self._bounds(self._budget if per_1000 is None else per_1000)
        if key not in self._found:
            self._found[key] = self._expect(_names(lane), *key[1:])
        return self._found[key]

    def curve(self, lane: str) -> Curve | None:
        """Return how the silences of a lane last; None where too little is known of it."""
        return self._curve(_names(lane))

    def threshold_within(self, per_1000: float) -> float:
        """Return the lowest threshold with no more alerts per thousand parcels than this; never below the usual one."""
        within = (threshold for threshold, alerts in self._alerts if alerts <= per_1000)
        return max(self.threshold, next(within, THRESHOLDS[-1]))

    def _bounds(self, per_1000: float | None) -> tuple[float, float]:
        """Return threshold and longest limit; there is none where those that are trusted bring too many alerts."""
        if per_1000 is None or self._usual <= per_1000:
            return self.threshold, self._trust.most_hours
        return self.threshold_within(per_1000), HORIZON_HOURS

    def _curve(self, lane: Lane) -> Curve | None:
        if self._model.total(lane[:_CARRIER_AND_SERVICE]) < self._trust.silences:
            return None
        return self._model.curve(lane)

    def _expect(self, lane: Lane, threshold: float, most_hours: float) -> Expectation | None:
        curve = self._curve(lane)
        if curve is None:
            return None
        limit = min(max(curve.limit(threshold), self._trust.least_hours), most_hours)
        return Expectation(limit, curve.quantile(0.95), curve.posterior(limit))


def expect(counts: Sequence[Learned], patience: Patience, trust: Trust, per_1000: float | None = None) -> Expectations:
    """Return what follows from all counts; `per_1000` is how many alerts are bearable per thousand parcels."""
    model = model_of(counts)
    parcels = _parcels_per_silence(counts)
    per_1000_parcels = 1000 / parcels
    alerts = [outlook(model, threshold).alerts * per_1000_parcels for threshold in THRESHOLDS]
    threshold = patience.threshold(model)
    usual = outlook(model, threshold, trust.most_hours).alerts * per_1000_parcels
    return Expectations(model, threshold, trust, alerts, usual, per_1000)


def _parcels_per_silence(counts: Iterable[Learned]) -> float:
    arrived = ended = 0.0
    for each in counts:
        arrived, ended = arrived + each.arrived + each.lost, ended + each.ended + each.lost
    return arrived / ended if arrived > 0 and ended > 0 else 1.0


def model_of(counts: Iterable[Learned]) -> SilenceModel:
    """Return the model of these counts. More taken back than given up is none lost."""
    seen: dict[Lane, Seen] = {}
    for each in counts:
        lane = seen.setdefault(_names(each.lane), Seen())
        lane.ended[each.step] = lane.ended.get(each.step, 0.0) + each.ended
        lane.lost += each.lost
    for lane in seen.values():
        lane.lost = max(lane.lost, 0.0)
    return learn(seen)


def _names(lane: str) -> Lane:
    return tuple(lane.split("|", 3))
