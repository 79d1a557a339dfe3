"""A seeded world of parcels: six services, five stages, some parcels lost, some stalled for days, no scans on Sundays.

Its parameters are invented; they are those under which the detector was designed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["SERVICES", "STAGES", "ZONES", "Silences", "World", "scans", "wall_clock", "working_clock", "world"]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

SERVICES = 6
STAGES = ("label", "origin", "line_haul", "destination", "delivery")
ZONES = range(2, 9)
_LINE_HAUL = STAGES.index("line_haul")

_MEDIAN_H = np.array([10.0, 14.0, 40.0, 12.0, 8.0])
_LOST_AT = np.array([0.15, 0.20, 0.35, 0.20, 0.10])
_WEEK_H, _WORKING_H = 168.0, 144.0
_SEASON_H = 8 * _WEEK_H


@dataclass(frozen=True, slots=True)
class World:
    """What services are like: per service and stage the median silence and its spread, per service the share lost."""

    median_h: Floats
    spread: Floats
    lost: Floats


@dataclass(frozen=True, slots=True)
class Silences:
    """One entry per silence: from a scan to the next one, which never comes (infinity) when the parcel is lost there."""

    service: Ints
    stage: Ints
    zone: Ints
    since_h: Floats
    until_h: Floats
    stalled: NDArray[np.bool_]

    @property
    def lost(self) -> NDArray[np.bool_]:
        return np.isinf(self.until_h)

    @property
    def wall_h(self) -> Floats:
        return self.until_h - self.since_h


def working_clock(wall_h: Floats) -> Floats:
    """Return how many hours outside Sundays have passed; weeks begin on Monday."""
    weeks = np.floor(np.where(np.isinf(wall_h), 0.0, wall_h) / _WEEK_H)
    hours = weeks * _WORKING_H + np.minimum(wall_h - weeks * _WEEK_H, _WORKING_H)
    return np.where(np.isinf(wall_h), np.inf, hours)


def wall_clock(working_h: Floats) -> Floats:
    """Return the moment at which so many hours outside Sundays have passed."""
    weeks = np.floor(working_h / _WORKING_H)
    return weeks * _WEEK_H + working_h - weeks * _WORKING_H


def world(seed: int) -> World:
    """Draw the services."""
    draw = np.random.default_rng(seed)
    median = _MEDIAN_H * np.exp(draw.normal(0, 0.45, (SERVICES, len(STAGES))))
    spread = draw.normal(0.5, 0.12, median.shape).clip(0.25, 0.9)
    lost = np.full(SERVICES, 0.008)
    lost[draw.integers(SERVICES)] = 0.02
    return World(median, spread, lost)


def scans(of: World, parcels: int, seed: int) -> Silences:
    """Send parcels through the world and return all their silences."""
    draw = np.random.default_rng(seed)
    service, zone = draw.integers(0, SERVICES, parcels), draw.integers(ZONES.start, ZONES.stop, parcels)
    lost_at = np.where(draw.random(parcels) < of.lost[service], draw.choice(len(STAGES), parcels, p=_LOST_AT), -1)
    stalled_at = np.where(draw.random(parcels) < 0.02, draw.choice(len(STAGES), parcels, p=_LOST_AT), -1)
    stalled_h = draw.uniform(72, 240, parcels)
    now = _not_on_sunday(draw.uniform(0, _SEASON_H, parcels))
    seen, rows = np.ones(parcels, bool), []
    for stage in range(len(STAGES)):
        ordinary = of.median_h[service, stage] * np.exp(of.spread[service, stage] * draw.normal(size=parcels))
        ordinary *= zone / 4 if stage == _LINE_HAUL else 1.0
        then = _not_on_sunday(now + ordinary + np.where(stalled_at == stage, stalled_h, 0.0))
        then = np.where(lost_at == stage, np.inf, then)
        columns = (service, np.full(parcels, stage), zone, now, then, stalled_at == stage)
        rows.append([column[seen] for column in columns])
        seen, now = seen & (lost_at != stage), np.where(lost_at == stage, 0.0, then)
    return Silences(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def _not_on_sunday(wall_h: Floats) -> Floats:
    """Scans that would fall on a Sunday are made a day later."""
    return wall_h + np.where(wall_h % _WEEK_H >= _WORKING_H, _WEEK_H - _WORKING_H, 0.0)
