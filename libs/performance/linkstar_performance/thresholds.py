"""At which posterior to alert: as many alerts as somebody can look at, or as late as somebody can wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from linkstar_performance.silence import SilenceModel

__all__ = ["Outlook", "highest_within_wait", "lowest_within_budget", "outlook"]

_LOWEST, _HIGHEST, _HALVINGS = 0.005, 0.9, 24


class Outlook(NamedTuple):
    """What a threshold is expected to bring: alerts per silence, and hours of silence before an alert, on the mean."""

    alerts: float
    wait_hours: float


def outlook(model: SilenceModel, threshold: float) -> Outlook:
    """Return what would have come of the silences that the model was learned from."""
    silences = alerts = waited = 0.0
    for curve in model.leaves:
        raised = curve.total * curve.alarms(threshold)
        silences, alerts, waited = silences + curve.total, alerts + raised, waited + raised * curve.limit(threshold)
    return Outlook(alerts / silences, waited / alerts) if silences else Outlook(0.0, 0.0)


def highest_within_wait(model: SilenceModel, hours: float) -> float:
    """Return the threshold with the fewest alerts whose mean wait is no longer than this."""
    return _edge(lambda threshold: outlook(model, threshold).wait_hours <= hours)[0]


def lowest_within_budget(model: SilenceModel, per_silence: float) -> float:
    """Return the threshold with the earliest alerts of which there are no more than this share of all silences."""
    return _edge(lambda threshold: outlook(model, threshold).alerts > per_silence)[1]


def _edge(holds: Callable[[float], bool]) -> tuple[float, float]:
    """Return the highest threshold for which it holds and the lowest for which it does not; it holds below an edge."""
    low, high = _LOWEST, _HIGHEST
    if not holds(low):
        return low, low
    if holds(high):
        return high, high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low, high
