"""The parcels of a seeded world that are under way during three days, and what others of their lanes have taught before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from linkstar_bench.silence.world import STAGES, Floats, Silences, World, scans, working_clock, world
from linkstar_contracts.events import TrackingStatus
from linkstar_performance.silence import BINS, bin_of
from linkstar_performance.thresholds import Patience
from linkstar_tracker.domain.foresight import Foresight, foresee
from linkstar_tracker.domain.silences import Learned, Trust

__all__ = ["BEGIN_H", "CARRIER", "DAY_H", "MONDAY", "Parcel", "at_hour", "foresight_of", "parcels"]

CARRIER = "usps"
MONDAY = datetime(2026, 6, 1, 4, tzinfo=UTC)
"""Midnight where the carrier works."""

DAY_H = 24.0
BEGIN_H = 8 * DAY_H
"""The measured day is a Tuesday; the day before is to settle down."""

_S = TrackingStatus
STATUSES = (_S.PENDING, _S.ACCEPTED, _S.IN_TRANSIT, _S.IN_TRANSIT, _S.OUT_FOR_DELIVERY, _S.DELIVERED)
"""Where a parcel stands after its label and each of its scans."""

_WEEK_H = 7 * DAY_H
_PER_LIVE = 5
_TAUGHT = 60_000


class Parcel(NamedTuple):
    """A parcel: its lane, when its label was made, and when it is scanned, in hours; one that is lost is scanned no more."""

    lane: str
    labelled_h: float
    scans_h: tuple[float, ...]
    arrives: bool

    def live(self, hour: float) -> bool:
        """Under way: its label is made and it has not arrived."""
        return self.labelled_h <= hour and not (self.arrives and self.scans_h[-1] <= hour)


def at_hour(hour: float) -> datetime:
    """Return the moment so many hours after the first Monday."""
    return MONDAY + timedelta(hours=hour)


def parcels(live: int, seed: int) -> list[Parcel]:
    """Return parcels of which so many are under way when the measured day begins; others set out or have arrived by then."""
    drawn = [*_drawn(world(seed), live * _PER_LIVE, seed + 1)]
    there = np.cumsum([each.live(BEGIN_H) for each in drawn])
    if there[-1] < live:
        raise ValueError(f"only {there[-1]} parcels are under way")
    return [each for each in drawn[: int(np.searchsorted(there, live)) + 1] if _seen_at_all(each)]


def _seen_at_all(parcel: Parcel) -> bool:
    return parcel.labelled_h < BEGIN_H + DAY_H and not (parcel.arrives and parcel.scans_h[-1] < BEGIN_H - DAY_H)


def _drawn(of: World, count: int, seed: int) -> Iterator[Parcel]:
    """Draw parcels, each moved by whole weeks so that its label is of the first or the second."""
    silences = scans(of, count, seed)
    rows = _by_parcel(silences, count)
    lanes = [_lane(service, zone) for service, zone in zip(silences.service, silences.zone, strict=True)]
    for index in range(count):
        labelled, *until = rows[index]
        moved = labelled - (labelled % (2 * _WEEK_H))
        times = tuple(float(each - moved) for each in until if np.isfinite(each))
        yield Parcel(lanes[index], float(labelled - moved), times, len(times) == len(STAGES))


def _by_parcel(silences: Silences, count: int) -> Floats:
    """Return label and scans of each parcel, one row each; infinity where it was never scanned."""
    table = np.full((count, len(STAGES) + 1), np.inf)
    table[:, 0] = silences.since_h[:count]
    under_way, begin = np.arange(count), 0
    for stage in range(len(STAGES)):
        until = silences.until_h[begin : begin + len(under_way)]
        table[under_way, stage + 1] = until
        begin, under_way = begin + len(under_way), under_way[np.isfinite(until)]
    return table


def foresight_of(seed: int) -> Foresight:
    """Return what is foreseen from other parcels of the same world."""
    seen = scans(world(seed), _TAUGHT, seed + 2)
    hours = working_clock(seen.until_h) - working_clock(seen.since_h)
    counts: dict[tuple[str, int], list[float]] = {}
    for stage, service, zone, lasted in zip(seen.stage, seen.service, seen.zone, hours, strict=True):
        if stage:
            step = BINS if np.isinf(lasted) else bin_of(float(lasted))
            count = counts.setdefault((f"{STATUSES[stage].value}|{_lane(service, zone)}", step), [0.0, 0.0])
            count[step == BINS and bool(np.isinf(lasted))] += 1
    learned = [Learned(lane, step, ended, 0.0, lost) for (lane, step), (ended, lost) in counts.items()]
    return foresee(learned, Patience(80.0, 0.35), Trust(200.0, 0, 24.0, 168.0))


def _lane(service: int, zone: int) -> str:
    return f"{CARRIER} US-US|service{service}|{zone}"
