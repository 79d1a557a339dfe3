"""At which posterior to alert: what a threshold brings, and the highest one that keeps to a mean wait."""

from __future__ import annotations

from typing import NamedTuple

from linkstar_performance.silence import HORIZON_HOURS, SilenceModel

__all__ = ["Outlook", "Patience", "highest_within_wait", "outlook"]

_LOWEST, _HIGHEST, _HALVINGS = 0.005, 0.9, 24


class Patience(NamedTuple):
    """What somebody who is alerted can bear."""

    wait_hours: float
    """On the mean over all alerts."""
    most: float = 0.35
    """Nobody waits on when a loss is as likely as this, however short the mean wait is."""
    least: float = 0.03
    """Nobody is alerted while a loss is less likely than this, however long the mean wait is."""

    def threshold(self, model: SilenceModel) -> float:
        """Return the posterior at which to alert."""
        return max(self.least, min(self.most, highest_within_wait(model, self.wait_hours)))


class Outlook(NamedTuple):
    """What a threshold is expected to bring: alerts per silence, and hours of silence before an alert, on the mean."""

    alerts: float
    wait_hours: float


def outlook(model: SilenceModel, threshold: float, most_hours: float = HORIZON_HOURS) -> Outlook:
    """Return what would have come of the silences that the model was learned from, with no limit above the most hours."""
    silences = alerts = waited = 0.0
    for curve in model.leaves:
        limit = min(curve.limit(threshold), most_hours)
        raised = curve.total * curve.alarms(limit)
        silences, alerts, waited = silences + curve.total, alerts + raised, waited + raised * limit
    return Outlook(alerts / silences, waited / alerts) if silences else Outlook(0.0, 0.0)


def highest_within_wait(model: SilenceModel, hours: float) -> float:
    """Return the threshold with the fewest alerts whose mean wait is no longer than this."""
    low, high = _LOWEST, _HIGHEST
    if outlook(model, high).wait_hours <= hours:
        return high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if outlook(model, middle).wait_hours <= hours else (low, middle)
    return low
