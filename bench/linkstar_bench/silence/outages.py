"""`python -m linkstar_bench.silence.outages`: a place that stops scanning, and quiet weeks in which none does.

Each seed draws a lane of a dozen places with parcels of one seller; all of it runs on the carrier's working clock. Curves
are learned from other parcels of the same lane. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from linkstar_bench.silence.world import Floats, Ints
from linkstar_performance.outages import ON_THE_ROAD, WHOLE_LANE, LaneCourse, Look, Suspicion
from linkstar_performance.silence import HORIZON_HOURS, Seen, SilenceModel, bin_of, learn
from linkstar_performance.thresholds import Patience

__all__ = ["GATEWAYS", "Journeys", "Outage", "broken_week", "journeys", "main", "model_of", "quiet_weeks", "watched"]

PLACES, GATEWAYS = 12, 4
STATUSES = ("accepted", "in_transit", "in_transit", "in_transit", "in_transit", "out_for_delivery")
_SORTED_AT, _DRIVEN_AT = 20.0, 8.0
_LEARN_DAYS, _WARM_DAYS, _WATCH_DAYS = 28, 7, 21
_DAY_H = 24.0
_ON_THE_ROAD, _NOWHERE = (1, 3), -1
_LIMITS_H = (24.0, 168.0)


class Outage(NamedTuple):
    """A place where nothing is scanned for a while; what waited is scanned within half a day afterwards."""

    place: int
    begins: float
    ends: float


class Journeys(NamedTuple):
    """Scans of parcels: when (a row per parcel, a column per scan; infinity when none comes) and where."""

    at: Floats
    place: Ints


def journeys(seed: int, days: int, per_day: int, outage: Outage | None = None, lost: float = 0.005) -> Journeys:
    """Send parcels from an origin over a gateway to the place of their receiver: accepted, sorted, driven, delivered."""
    draw = np.random.default_rng(seed)
    count = days * per_day
    size = 1 / np.arange(1, PLACES + 1)
    origin, target = (draw.choice(PLACES, count, p=size / size.sum()) for _ in range(2))
    gateway = draw.integers(0, GATEWAYS, count)
    place = np.stack([origin, origin, gateway, gateway, target, target, target], axis=1)
    days_of = np.sort(draw.integers(0, days, count)) * _DAY_H
    at = np.empty(place.shape)
    at[:, 0] = days_of + draw.uniform(9, 18, count)
    busy = draw.lognormal(0, 0.25, days + 60)
    for scan in range(1, place.shape[1]):
        at[:, scan] = _next(scan, at[:, scan - 1], draw, busy)
        if outage is not None:
            at[:, scan] = _after(outage, at[:, scan], place[:, scan], draw)
    never = np.where(draw.random(count) < lost, draw.integers(1, place.shape[1], count), place.shape[1])
    at[np.arange(place.shape[1]) >= never[:, None]] = np.inf
    return Journeys(at, place)


def _next(scan: int, before: Floats, draw: np.random.Generator, busy: Floats) -> Floats:
    """Sorting is done at night, arrival follows the drive, delivery the morning tour; busy days take longer."""
    load = busy[np.minimum(before // _DAY_H, len(busy) - 1).astype(int)]
    if scan in {2, 4}:
        driven: Floats = before + 9 * load * draw.lognormal(0, 0.4, len(before))
        return driven
    if scan == 6:
        return before + draw.uniform(1, 10, len(before))
    begins = _SORTED_AT if scan in {1, 3} else _DRIVEN_AT
    waiting = (begins - before) % _DAY_H
    missed = draw.random(len(before)) < np.minimum(0.12 * load, 0.9)
    return before + waiting + draw.uniform(0, 7 if scan != 5 else 2, len(before)) + np.where(missed, _DAY_H, 0.0)


def _after(outage: Outage, at: Floats, place: Ints, draw: np.random.Generator) -> Floats:
    held = (place == outage.place) & (at >= outage.begins) & (at < outage.ends)
    return np.where(held, outage.ends + draw.uniform(0, 12, len(at)), at)


def model_of(known: Journeys) -> SilenceModel:
    """Learn from journeys whose end is known."""
    seen: dict[tuple[str, ...], Seen] = {}
    for scan, status in enumerate(STATUSES):
        here, then = known.at[:, scan], known.at[:, scan + 1]
        of = seen.setdefault((status,), Seen())
        begun, ended = np.isfinite(here), np.isfinite(here) & np.isfinite(then)
        of.lost += float(np.sum(begun & ~ended))
        for hours in (then[ended] - here[ended]).tolist():
            of.ended[bin_of(hours)] = of.ended.get(bin_of(hours), 0.0) + 1
    return learn(seen)


class Watched(NamedTuple):
    """What came of watching: when each incident began and where, and the alerts about single parcels with and without."""

    incidents: tuple[tuple[float, str], ...]
    alerts_alone: int
    alerts: int


def watched(lane: Journeys, model: SilenceModel, begins: float, ends: float, suspicion: Suspicion) -> Watched:
    """Look at the lane hour by hour as the tracker does, and alert about parcels whose silence is not explained."""
    threshold = Patience(80.0).threshold(model)
    curves = [model.curve((status,)) for status in STATUSES]
    limits = np.array([curve.limit(threshold) if curve else HORIZON_HOURS for curve in curves]).clip(*_LIMITS_H)
    tables = [
        np.array([curve.ending(age, 1.0) if curve else 0.0 for age in range(HORIZON_HOURS - 1)]) for curve in curves
    ]
    course, incidents = LaneCourse(), list[tuple[float, str]]()
    roads, ended = set[str](), dict[str, float]()
    held, alerted = np.zeros(len(lane.at), bool), np.zeros(len(lane.at), bool)
    alone = 0
    for now in np.arange(begins - _WARM_DAYS * _DAY_H, ends):
        where, age, live = _standing(lane, now)
        looks = _looks(lane, now, where, age, live, tables)
        before, course = course.out, course.looked_at(1.0, looks, suspicion)
        for name in sorted(course.out - before):
            incidents.append((float(now), name))
        roads |= course.busy
        ended |= {name: float(now) for name in before - course.out}
        due = live & (age >= limits[where]) & (age < limits[where] + 1)
        if now >= begins:
            alone += int(due.sum())
        quiet = course.out | {name for name, at in ended.items() if now < at + _DAY_H}
        explained = _explained(lane, where, quiet, roads)
        late = live & (age >= limits[where]) & ~alerted & (held | due)
        held = (held | (due & explained)) & live
        told = late & ~explained
        alerted |= told
        if now < begins:
            held &= False
            alerted &= False
    return Watched(tuple(incident for incident in incidents if incident[0] >= begins), alone, int(alerted.sum()))


def _standing(lane: Journeys, now: float) -> tuple[Ints, Floats, np.ndarray]:
    """Return each parcel's last scan, how long ago that was, and whether it is under way."""
    made = (lane.at <= now).sum(axis=1)
    where = np.minimum(np.maximum(made - 1, 0), len(STATUSES) - 1)
    age = now - lane.at[np.arange(len(lane.at)), where]
    return where, age, (made > 0) & (made < lane.at.shape[1])


def _looks(
    lane: Journeys, now: float, where: Ints, age: Floats, live: np.ndarray, tables: Sequence[Floats]
) -> Mapping[str, Look]:
    rows = np.flatnonzero(live & (age < HORIZON_HOURS - 1))
    place = np.where(np.isin(where[rows], _ON_THE_ROAD), _NOWHERE, lane.place[rows, where[rows]])
    ahead = np.array([tables[w][int(a)] for w, a in zip(where[rows], age[rows], strict=True)])
    stayed = age[rows] >= 1.0
    return {
        ON_THE_ROAD if each == _NOWHERE else str(each): Look(
            int((place == each).sum()), int((stayed & (place == each)).sum()), float(ahead[place == each].sum())
        )
        for each in np.unique(place)
    }


def _explained(lane: Journeys, where: Ints, quiet: frozenset[str] | set[str], roads: set[str]) -> np.ndarray:
    if WHOLE_LANE in quiet:
        return np.ones(len(lane.at), bool)
    places = [int(name) for name in quiet]
    here = np.isin(lane.place[np.arange(len(lane.at)), where], places)
    return here | (np.isin(where, _ON_THE_ROAD) & bool(roads & set(quiet)))


def quiet_weeks(seed: int, per_day: int, suspicion: Suspicion) -> Watched:
    """Watch three weeks in which no place stops."""
    return _run(seed, per_day, suspicion, None)


def broken_week(seed: int, per_day: int, suspicion: Suspicion) -> Watched:
    """Watch three weeks in which one gateway scans nothing for four working days."""
    begins = (_WARM_DAYS + 5) * _DAY_H + 12
    return _run(seed, per_day, suspicion, Outage(seed % GATEWAYS, begins, begins + 4 * _DAY_H))


def _run(seed: int, per_day: int, suspicion: Suspicion, outage: Outage | None) -> Watched:
    model = model_of(journeys(seed + 1_000_000, _LEARN_DAYS, per_day))
    lane = journeys(seed, _WARM_DAYS + _WATCH_DAYS, per_day, outage)
    begins = _WARM_DAYS * _DAY_H
    return watched(lane, model, begins, begins + _WATCH_DAYS * _DAY_H, suspicion)


def _rows(seeds: Sequence[int], per_day: int) -> Iterator[tuple[int, Watched, Watched]]:
    for seed in seeds:
        yield seed, quiet_weeks(seed, per_day, Suspicion()), broken_week(seed, per_day, Suspicion())


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m linkstar_bench.silence.outages", description=__doc__)
    parser.add_argument("--seeds", default="1,2,3,4,5", help="worlds, by their seeds")
    parser.add_argument("--parcels", type=int, default=300, help="parcels a day")
    options = parser.parse_args(words)
    rows = list(_rows([int(seed) for seed in options.seeds.split(",")], options.parcels))
    print(f"{len(rows)} worlds of {options.parcels} parcels a day; three weeks without an outage, three weeks with one")
    for seed, quiet, broken in rows:
        told = ", ".join(f"{name} at {at:.0f} h" for at, name in broken.incidents)
        print(f"seed {seed}: quiet {len(quiet.incidents)} incidents; outage: {told or 'none'}; "
              f"alerts {broken.alerts_alone} alone, {broken.alerts} with incidents, quiet {quiet.alerts}")  # fmt: skip
    weeks = 3 * len(rows)
    print(json.dumps({
        "incidents": round(sum(len(broken.incidents) for _, _, broken in rows) / len(rows), 2),
        "false_per_lane_week": round(sum(len(quiet.incidents) for _, quiet, _ in rows) / weeks, 3),
        "alerts_alone": round(sum(broken.alerts_alone for _, _, broken in rows) / len(rows), 1),
        "alerts": round(sum(broken.alerts for _, _, broken in rows) / len(rows), 1),
        "alerts_quiet": round(sum(quiet.alerts for _, quiet, _ in rows) / len(rows), 1),
    }))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
