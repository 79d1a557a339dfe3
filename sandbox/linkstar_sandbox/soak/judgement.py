"""Judges what was sampled in a soak: nothing may grow without end. Every bound is stated beside what was found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from statistics import fmean, median
from typing import Any

from linkstar_sandbox.reader.check import Check

__all__ = ["Judgement", "Look", "ProcessLook", "TableLook", "judge", "slope_per_hour"]

WARM_UP_S = 45.0
"""A process's first seconds do not count: it fills its pools and caches."""
LEAST_SECONDS, LEAST_LOOKS = 60.0, 10
"""A process that was watched for less is not judged."""
STEADY_MB_PER_H, NOISE_MB = 1.0, 8.0
"""Memory may grow by the first for ever, and by the second once, whatever the allocator does."""
MORE_HANDLES, MORE_THREADS = 16, 8
OUTBOX_ROWS = 2_000
DEAD_ROWS = 100_000
HOT_TABLE_MIB = 64.0
LAG_SECONDS = 10.0
"""This many seconds' worth of records more may wait in the last third of a soak than in its middle."""
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ProcessLook:
    """One process at one moment."""

    name: str
    pid: int
    at: float
    resident: int
    handles: int
    threads: int


@dataclass(frozen=True, slots=True)
class TableLook:
    """One hot table at one moment, as PostgreSQL counts it."""

    name: str
    rows: int
    dead: int
    size: int


@dataclass(frozen=True)
class Look:
    """Everything at one moment."""

    at: float
    processes: Sequence[ProcessLook] = ()
    tables: Sequence[TableLook] = ()
    lag: int = 0


@dataclass(frozen=True)
class Judgement:
    """The checks, and the figures behind them."""

    checks: Sequence[Check]
    figures: Mapping[str, Any]

    @property
    def violations(self) -> list[str]:
        return [f"{check.name}: {text}" for check in self.checks for text in check.violations]


def slope_per_hour(points: Sequence[tuple[float, float]]) -> float:
    """Return the least-squares slope of (seconds, value), per hour."""
    mean_at, mean = fmean(at for at, _ in points), fmean(value for _, value in points)
    spread = sum((at - mean_at) ** 2 for at, _ in points)
    return 3600 * sum((at - mean_at) * (value - mean) for at, value in points) / spread if spread else 0.0


def judge(looks: Sequence[Look], per_s: float) -> Judgement:
    """Judge everything; `per_s` is how many orders were handed in each second."""
    lives = _lives(looks)
    slopes = {name: _growth(life) for name, life in lives.items()}
    bounds = {name: _bound(life) for name, life in lives.items()}
    rows, dead, sizes = (_per_table(looks, attrgetter(of)) for of in ("rows", "dead", "size"))
    middle, last = _lags(looks)
    checks = [
        _within("resident memory does not grow", slopes, bounds, "MB/h"),
        _steady("file handles do not grow", lives, lambda look: look.handles, MORE_HANDLES),
        _steady("threads do not grow", lives, lambda look: look.threads, MORE_THREADS),
        _below(
            "rows that wait in an outbox are bounded", {n: r for n, r in rows.items() if "outbox" in n}, OUTBOX_ROWS
        ),
        _below("dead rows of hot tables are bounded", dead, DEAD_ROWS),
        _below("hot tables do not bloat", {name: size / MIB for name, size in sizes.items()}, HOT_TABLE_MIB),
        _lag_does_not_grow(middle, last, per_s),
        _one_life(looks),
    ]
    figures = {
        "memory_mb_per_h": {name: round(slope, 1) for name, slope in slopes.items()},
        "memory_bound_mb_per_h": {name: round(bound, 1) for name, bound in bounds.items()},
        "resident_mb": {name: round(life[-1].resident / MIB, 1) for name, life in lives.items()},
        "file_handles": {name: max(look.handles for look in life) for name, life in lives.items()},
        "threads": {name: max(look.threads for look in life) for name, life in lives.items()},
        "outbox_rows_max": max((count for name, count in rows.items() if "outbox" in name), default=0),
        "dead_rows_max": max(dead.values(), default=0),
        "hot_table_mb_max": round(max(sizes.values(), default=0) / MIB, 1),
        "lag": {"middle": middle, "last": last},
    }
    return Judgement(checks, figures)


def _lives(looks: Sequence[Look]) -> dict[str, list[ProcessLook]]:
    """The lives that were watched long enough after warming up, by `name/pid`.

    The first third, with its kills, belongs to the warm-up: the backlog after a kill comes in the largest batches a service
    ever sees, and what they needed stays with its allocator.
    """
    lives: dict[str, list[ProcessLook]] = defaultdict(list)
    for look in looks:
        for process in look.processes:
            lives[f"{process.name}/{process.pid}"].append(process)
    since = _after_the_kills(looks)
    warm = {
        name: [look for look in life if look.at > max(since, life[0].at + WARM_UP_S)] for name, life in lives.items()
    }
    return {name: life for name, life in warm.items() if len(life) >= LEAST_LOOKS and _seconds(life) >= LEAST_SECONDS}


def _after_the_kills(looks: Sequence[Look]) -> float:
    return looks[0].at + (looks[-1].at - looks[0].at) / 3


def _seconds(life: Sequence[ProcessLook]) -> float:
    return life[-1].at - life[0].at


def _growth(life: Sequence[ProcessLook]) -> float:
    return slope_per_hour([(look.at, look.resident / MIB) for look in life])


def _bound(life: Sequence[ProcessLook]) -> float:
    return STEADY_MB_PER_H + NOISE_MB * 3600 / _seconds(life)


def _within(name: str, found: Mapping[str, float], bounds: Mapping[str, float], unit: str) -> Check:
    check = Check(name, "broken")
    for which, value in found.items():
        check.case(value <= bounds[which], f"{which}: {value:.1f} {unit}, {bounds[which]:.1f} are allowed")
    return check


def _steady(
    name: str, lives: Mapping[str, Sequence[ProcessLook]], of: Callable[[ProcessLook], int], more: int
) -> Check:
    """Demand that the last third of each life holds hardly more than its first third."""
    check = Check(name, "broken")
    for which, life in lives.items():
        third = max(1, len(life) // 3)
        first, last = median(map(of, life[:third])), median(map(of, life[-third:]))
        check.case(last <= first + more, f"{which}: {first} at first, {last} at last, {more} more are allowed")
    return check


def _per_table(looks: Sequence[Look], of: Callable[[TableLook], int]) -> dict[str, int]:
    """The median of each table over the last third: a fault's peak is no growth."""
    values: dict[str, list[int]] = defaultdict(list)
    for look in looks[-max(1, len(looks) // 3) :]:
        for table in look.tables:
            values[table.name].append(of(table))
    return {name: int(median(found)) for name, found in values.items()}


def _below(name: str, found: Mapping[str, float], limit: float) -> Check:
    check = Check(name, "broken")
    for which, value in found.items():
        check.case(value <= limit, f"{which}: {value:.0f}, {limit:.0f} are allowed")
    return check


def _one_life(looks: Sequence[Look]) -> Check:
    """After the first third nobody is killed: whoever ends then ended by itself, and its growth is not measured."""
    check = Check("each process lives through the last two thirds", "broken")
    pids: dict[str, set[int]] = defaultdict(set)
    for look in looks:
        for process in look.processes if look.at > _after_the_kills(looks) else ():
            pids[process.name].add(process.pid)
    for name, found in pids.items():
        check.case(len(found) == 1, f"{name} was {len(found)} processes, one after the other")
    return check


def _lags(looks: Sequence[Look]) -> tuple[int, int]:
    """Lower quartile of the lag in the middle third and in the last one: peaks after a fault are no growth."""
    third = max(1, len(looks) // 3)
    middle, last = looks[third : 2 * third], looks[-third:]
    return (sorted(look.lag for look in part)[len(part) // 4] if part else 0 for part in (middle, last))  # type: ignore[return-value]


def _lag_does_not_grow(middle: int, last: int, per_s: float) -> Check:
    check = Check("lag does not grow", "broken")
    allowed = middle + LAG_SECONDS * per_s
    check.case(last <= allowed, f"{last} records wait at last, {middle} did in the middle")
    return check
