"""Judges any rule alike: how many alerts it gave, how many of them were of lost parcels, and how long it waited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from linkstar_bench.silence.rules import Rule
from linkstar_bench.silence.world import Silences

__all__ = ["BARS", "Verdict", "compared", "failures", "found", "judge"]

_LONG_H = 120.0

BARS = {"alert_ratio": 0.40, "precision_ratio": 2.5}
"""At most so many of the fixed rule's alerts, and at least so many times its precision."""


class Verdict(NamedTuple):
    """What became of a rule's alerts. `delay_h` counts over all of them, from the last scan on the wall's clock."""

    alerts: float
    lost: float
    """Share of the alerts whose parcel was lost."""
    in_trouble: float
    """Share whose parcel was lost, or stalled and silent for more than five days."""
    delay_h: float
    lost_delay_h: float
    """Over the alerts of lost parcels only."""


def judge(rule: Rule, silences: Silences) -> Verdict:
    """Give the rule every silence and look at its alerts; one that ends before raises none."""
    due = rule(silences)
    alerted = due < silences.until_h
    wait, lost = (due - silences.since_h)[alerted], silences.lost[alerted]
    trouble = lost | (silences.stalled & (silences.wall_h > _LONG_H))[alerted]
    lost_wait = wait[lost]
    return Verdict(
        float(alerted.sum()), _share(lost), _share(trouble), _share(wait), _share(lost_wait),
    )  # fmt: skip


def _share(values: np.ndarray) -> float:
    """Return the mean; not a number where there is nothing, which passes no bar."""
    return float(np.mean(values)) if len(values) else float("nan")


def found(detector: Verdict, fixed: Verdict) -> float:
    """Return how many lost parcels a detector alerts about, for each one that the fixed rule does."""
    return detector.alerts * detector.lost / (fixed.alerts * fixed.lost)


def mean(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the means over the seeds."""
    return Verdict(*(float(np.mean(column)) for column in zip(*verdicts, strict=True)))


def compared(detector: Verdict, fixed: Verdict) -> dict[str, float]:
    """Return the figures by which a detector is judged beside the fixed rule."""
    return {
        "alert_ratio": round(detector.alerts / fixed.alerts, 3),
        "precision_ratio": round(detector.lost / fixed.lost, 2),
        "mean_delay_h": round(detector.delay_h, 1),
        "fixed96_mean_delay_h": round(fixed.delay_h, 1),
    }


def failures(figures: Mapping[str, float]) -> list[str]:
    """Return the bars that are missed; a figure that is none misses its bar."""
    missed = []
    if not figures["alert_ratio"] <= BARS["alert_ratio"]:
        missed.append(f"alert_ratio {figures['alert_ratio']} is above {BARS['alert_ratio']}")
    if not figures["precision_ratio"] >= BARS["precision_ratio"]:
        missed.append(f"precision_ratio {figures['precision_ratio']} is below {BARS['precision_ratio']}")
    if not figures["mean_delay_h"] <= figures["fixed96_mean_delay_h"]:
        missed.append(f"mean_delay_h {figures['mean_delay_h']} is later than the fixed rule's")
    return missed
