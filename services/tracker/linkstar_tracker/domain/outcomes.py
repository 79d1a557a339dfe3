"""What became of a parcel, in counts that add up over a lane: recounted only when a scan changes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date
from typing import NamedTuple

from linkstar_contracts.events import ExceptionState, TrackingStatus
from linkstar_performance.lateness import late_permille
from linkstar_performance.rates import NOTHING, Tallies
from linkstar_tracker.domain.label import TrackedLabel
from linkstar_tracker.domain.meanings import StatusMap
from linkstar_tracker.domain.promises import promised_until
from linkstar_tracker.domain.scans import Brief, Scan
from linkstar_tracker.domain.shipment import Rules, Shipment
from linkstar_tracker.domain.timeline import Timeline

__all__ = ["LaneTally", "loss", "outcome", "outcome_changes", "summed_tallies"]

S = TrackingStatus
_BACK = frozenset({S.RETURN_TO_SENDER, S.RETURNED})


class LaneTally(NamedTuple):
    """Counts to be added to a tenant's lane, by the owner of the shard."""

    shard: int
    tenant: str
    lane: str
    tallies: Tallies


class _Days(NamedTuple):
    """A promise as day ordinals."""

    p50: int
    p90: int


def outcome_changes(shipment: Shipment, rules: Rules) -> Iterable[LaneTally]:
    """Yield what the scans told since the shipment was read have changed. Over all scans this sums up to the outcome, in
    whatever order they came.
    """
    label = shipment.label
    if label is None or label.test:
        return
    for before, after in shipment.broken:
        if _tells(before) or _tells(after):
            was = outcome(before, label, shipment.scans, rules.meanings)
            tallies = outcome(after, label, shipment.scans, rules.meanings).plus(was, -1)
            if tallies != NOTHING:
                yield LaneTally(shipment.shard, shipment.tenant, _lane(shipment), tallies)


def loss(shipment: Shipment, state: ExceptionState) -> LaneTally | None:
    """Return what changes when a shipment begins to count as lost, or no longer does: its loss is open, or resolved."""
    label, sign = shipment.label, {ExceptionState.OPEN: 1, ExceptionState.RESOLVED: -1}.get(state, 0)
    if label is None or label.test or not sign:
        return None
    judged = int(promised_until(label) is not None)
    tallies = Tallies(ended=1, judged=judged, lost=1, troubled=1, **_assumed(label, judged))
    return LaneTally(shipment.shard, shipment.tenant, _lane(shipment), NOTHING.plus(tallies, sign))


def outcome(
    timeline: Timeline, label: TrackedLabel, scans: Mapping[str, Scan | Brief], meanings: StatusMap
) -> Tallies:  # fmt: skip
    """Return what is known of a parcel's end, and of the first attempt at it."""
    if not _tells(timeline):
        return NOTHING
    said = [
        (s.scanned_at, meanings.meaning(s.carrier, s.code).status) for s in map(scans.__getitem__, timeline.entries)
    ]
    returned = timeline.status in _BACK
    ended = timeline.delivered_at is not None or timeline.status is S.RETURNED
    promised = promised_until(label)
    in_time = promised is not None and timeline.delivered_at is not None and timeline.delivered_at <= promised
    tried = timeline.first_attempt_at is not None
    first = tried and (timeline.first_attempt_at, S.ATTEMPT_FAILED) not in said
    damaged = any(status is S.DAMAGED for _, status in said)
    judged = ended and promised is not None
    fine = first and not (returned or damaged) and (in_time or promised is None)
    return Tallies(
        ended=ended, judged=judged, on_time=judged and in_time and not returned, tried=tried, first=first,
        returned=returned, damaged=damaged, troubled=ended and not fine, **_assumed(label, judged),
    )  # fmt: skip


def _tells(timeline: Timeline) -> bool:
    return timeline.first_attempt_at is not None or timeline.damaged or timeline.status in _BACK


def _assumed(label: TrackedLabel, judged: int) -> dict[str, int]:
    """The chance to be late as the router's bound has it, for the same days: by a shop's deadline, else by the p90."""
    if not judged or label.promise is None:
        return {}
    days = _Days(*[date.fromisoformat(day).toordinal() for day in (label.promise.p50_on, label.promise.p90_on)])
    last = label.deliver_by.astimezone(UTC).date() if label.deliver_by else date.fromordinal(days.p90)
    return {"deadlined": 1, "assumed_late": late_permille(days, last)}


def _lane(shipment: Shipment) -> str:
    """Carrier and countries, and service: without the zone, which promises know of."""
    return shipment.lane.rpartition("|")[0]


def summed_tallies(tallies: Iterable[LaneTally]) -> list[LaneTally]:
    """Return one for each shard, tenant and lane, in sorted order."""
    found: dict[tuple[int, str, str], Tallies] = {}
    for shard, tenant, lane, each in tallies:
        found[shard, tenant, lane] = found.get((shard, tenant, lane), NOTHING).plus(each)
    return [LaneTally(*key, each) for key, each in sorted(found.items()) if each != NOTHING]
