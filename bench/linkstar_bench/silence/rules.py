"""Rules that say, for each silence, when to alert: a fixed wait for all, or the limit of a learned lane."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

import numpy as np

from linkstar_bench.silence.world import SERVICES, STAGES, ZONES, Floats, Silences, wall_clock, working_clock
from linkstar_performance.silence import BIN_HOURS, BINS, Lane, Seen, SilenceModel, learn
from linkstar_performance.thresholds import Patience

__all__ = ["MEAN_WAIT_H", "Rule", "at_limits", "fixed", "learned", "limits", "model_of", "threshold_of"]

MEAN_WAIT_H = 93.0
"""The threshold is the highest whose mean wait over all alerts, as expected from the parcels learned from, is three hours
less than the fixed rule's, but no higher than `Patience.most`. Fixed on the worlds of seeds 1001 to 1040, and on nothing
that is judged.
"""
_WORKING_SHARE = 6 / 7


class Rule(Protocol):
    """Says when each silence ought to raise an alert, if it lasts until then."""

    def __call__(self, silences: Silences) -> Floats: ...


def fixed(hours: float) -> Rule:
    """Alert after so many hours, whatever the lane."""
    return lambda silences: silences.since_h + hours


def threshold_of(model: SilenceModel) -> float:
    """Return the threshold, from what was learned alone."""
    return Patience(MEAN_WAIT_H * _WORKING_SHARE).threshold(model)


def learned(model: SilenceModel, threshold: float) -> Rule:
    """Alert when the posterior of the silence's own lane passes the threshold, on the clock of working days."""
    return at_limits(limits(model, threshold))


def at_limits(hours: Floats) -> Rule:
    """Alert after the working hours that stand under service, stage and zone."""
    return lambda silences: wall_clock(
        working_clock(silences.since_h) + hours[silences.service, silences.stage, silences.zone - ZONES.start]
    )


def limits(model: SilenceModel, threshold: float) -> Floats:
    """Return the limit of each service, stage and zone in working hours."""
    table = np.empty((SERVICES, len(STAGES), len(ZONES)))
    for service, stage, zone in np.ndindex(*table.shape):
        curve = model.curve(_lane(service, stage, zone + ZONES.start))
        assert curve is not None  # noqa: S101 - every lane of the world was seen
        table[service, stage, zone] = curve.limit(threshold)
    return table


def model_of(silences: Silences) -> SilenceModel:
    """Learn from silences whose end is known."""
    hours = working_clock(silences.until_h) - working_clock(silences.since_h)
    bins = np.minimum(np.where(silences.lost, 0.0, hours) // BIN_HOURS, BINS).astype(int)
    columns = (silences.service, silences.stage, silences.zone, bins, silences.lost)
    seen: dict[Lane, Seen] = {}
    for (service, stage, zone, step, lost), count in Counter(zip(*(c.tolist() for c in columns), strict=True)).items():
        lane = seen.setdefault(_lane(service, stage, zone), Seen())
        if lost:
            lane.lost += count
        else:
            lane.ended[step] = lane.ended.get(step, 0.0) + count
    return learn(seen)


def _lane(service: int, stage: int, zone: int) -> Lane:
    return STAGES[stage], f"service-{service}", f"zone-{zone}"
