"""How carriers do on their lanes: freshness of scans, and what became of parcels, as those who ask are shown it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from linkstar_performance.rates import NOTHING, Rate, Tallies, estimate, total
from linkstar_performance.silence import Curve, Seen, learn

__all__ = [
    "ARRIVALS",
    "GAPS",
    "RATES",
    "LaneAge",
    "LaneCounts",
    "gap_curves",
    "lane_names",
    "largest",
    "quality_document",
]

GAPS, ARRIVALS = "gap", "arrival"
RATES: Mapping[str, tuple[str, str]] = {
    "on_time": ("on_time", "judged"), "first_attempt": ("first", "tried"), "returned": ("returned", "ended"),
    "damaged": ("damaged", "ended"), "lost": ("lost", "ended"), "complaint_proxy": ("troubled", "ended"),
}  # fmt: skip
"""Each rate's counted part and its whole."""
_FEWEST = 50
"""Silences of a lane before anything is said of how long they last."""


class LaneCounts(NamedTuple):
    """The counts of a lane, named `carrier from-to`."""

    lane: str
    tallies: Tallies


class LaneAge(NamedTuple):
    """How old the last scans of a lane's open parcels are, in hours, of how many."""

    lane: str
    open: int
    half: float
    most: float


def lane_names(lane: str) -> tuple[str, str]:
    """Return carrier and countries of a lane's name."""
    carrier, _, countries = lane.partition(" ")
    return carrier, countries


def gap_curves(counts: Iterable[tuple[str, str, int, float]]) -> dict[tuple[str, str], Curve]:
    """Return how long silences (`gap`) and whole ways (`arrival`) last, by that and lane: counts of ended ones by length."""
    seen: dict[tuple[str, ...], Seen] = {}
    for kind, lane, step, ended in counts:
        found = seen.setdefault((kind, lane), Seen())
        found.ended[step] = found.ended.get(step, 0.0) + ended
    model = learn(seen)
    return {
        (names[0], names[1]): curve
        for names, curve in zip(seen, model.leaves, strict=True)
        if curve.total >= _FEWEST
    }  # fmt: skip


def largest(counts: Iterable[LaneCounts], most: int) -> list[LaneCounts]:
    """Return the lanes with the most parcels, and the rest of each carrier together as `carrier other`."""
    ordered = sorted(counts, key=lambda each: (-each.tallies.ended, each.lane))
    rest: dict[str, Tallies] = {}
    for lane, tallies in ordered[most:]:
        name = f"{lane_names(lane)[0]} other"
        rest[name] = rest.get(name, NOTHING).plus(tallies)
    return [*ordered[:most], *(LaneCounts(*each) for each in sorted(rest.items()))]


def quality_document(
    counts: Iterable[LaneCounts], curves: Mapping[tuple[str, str], Curve], ages: Iterable[LaneAge]
) -> list[dict[str, Any]]:  # fmt: skip
    """Return each lane as JSON-ready data. Estimates lean on all lanes of the carrier, and those on all carriers."""
    lanes = {each.lane: each.tallies for each in counts}
    fresh = {each.lane: each for each in ages}
    everything = total(lanes.values())
    carriers = {
        carrier: total(tallies for lane, tallies in lanes.items() if lane_names(lane)[0] == carrier)
        for carrier in {lane_names(lane)[0] for lane in lanes}
    }
    told = []
    for lane in sorted(lanes.keys() | fresh.keys()):
        around = carriers.get(lane_names(lane)[0], everything)
        told.append(_lane_document(lane, lanes.get(lane, NOTHING), around, curves, fresh.get(lane)))
    return told


def _lane_document(
    lane: str, tallies: Tallies, around: Tallies, curves: Mapping[tuple[str, str], Curve], age: LaneAge | None
) -> dict[str, Any]:  # fmt: skip
    carrier, countries = lane_names(lane)
    assumed = tallies.assumed_late / 1000 / tallies.deadlined if tallies.deadlined > 0 else None
    return {
        "carrier": carrier,
        "lane": countries,
        "parcels": max(tallies.ended, 0),
        **{name: _rate_document(_rate(name, tallies, around)) for name in RATES},
        "assumed_late": _rounded(assumed),
        "scan_gap_hours": _hours(curves.get((GAPS, lane)), 0.95),
        "transit_hours": _hours(curves.get((ARRIVALS, lane)), 0.9),
        "scan_age_hours": {"p50": _rounded(age.half), "p95": _rounded(age.most), "open": age.open} if age else None,
    }


def _rate(name: str, tallies: Tallies, around: Tallies) -> Rate:
    part, whole = RATES[name]
    return estimate(getattr(tallies, part), getattr(tallies, whole), (getattr(around, part), getattr(around, whole)))


def _rate_document(rate: Rate) -> dict[str, Any]:
    return {"share": _rounded(rate.share), "of": rate.of, "estimate": _rounded(rate.estimate)}


def _hours(curve: Curve | None, most: float) -> dict[str, float | None] | None:
    if curve is None:
        return None
    return {"p50": _rounded(curve.quantile(0.5)), f"p{most * 100:.0f}": _rounded(curve.quantile(most))}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
