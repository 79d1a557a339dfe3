"""The fold: a set of scans becomes one parcel's timeline, whatever the order and repetition they arrived in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from linkstar_contracts.events import ResponsibleParty, TrackingStatus
from linkstar_tracker.domain.meanings import Meaning, StatusMap
from linkstar_tracker.domain.scans import Scan

__all__ = ["TERMINAL", "Timeline", "fold"]

S = TrackingStatus

TERMINAL = frozenset({S.DELIVERED, S.RETURNED, S.CANCELLED})
"""Statuses in which nobody waits for another scan."""

_ATTEMPTS = frozenset({S.ATTEMPT_FAILED, S.AVAILABLE_FOR_PICKUP, S.DELIVERED})
_NOT_HANDED_OVER = frozenset({S.PENDING, S.CANCELLED, S.UNKNOWN})
_ENDS_FAILED_ATTEMPT = frozenset({
    S.OUT_FOR_DELIVERY, S.AVAILABLE_FOR_PICKUP, S.DELIVERED, S.RETURN_TO_SENDER, S.RETURNED, S.CANCELLED,
})  # fmt: skip

# Scans of one instant are read in the order of a journey.
_JOURNEY = {status: rank for rank, status in enumerate((
    S.UNKNOWN, S.PENDING, S.CANCELLED, S.ACCEPTED, S.IN_TRANSIT, S.HELD, S.DAMAGED, S.OUT_FOR_DELIVERY,
    S.ATTEMPT_FAILED, S.AVAILABLE_FOR_PICKUP, S.LOST, S.DELIVERED, S.RETURN_TO_SENDER, S.RETURNED,
))}  # fmt: skip


class Timeline(NamedTuple):
    """Where one parcel stands. Milestones keep the instant at which they were first reached.

    A first attempt is the carrier's first try to hand over, whether or not it succeeded; ready at a pickup point counts.
    """

    status: TrackingStatus = S.PENDING
    substatus: str | None = None
    party: ResponsibleParty = ResponsibleParty.UNSET
    accepted_at: datetime | None = None
    first_attempt_at: datetime | None = None
    delivered_at: datetime | None = None
    last_scan_at: datetime | None = None
    attempt_failed: bool = False
    """The last attempt failed and no new one has begun."""
    damaged: bool = False
    entries: frozenset[str] = frozenset()
    """The scans that count: neither retracted nor retractions."""


_UNTOLD = Timeline()


def fold(scans: Iterable[Scan], meanings: StatusMap) -> Timeline:
    """Return the timeline of one parcel's scans.

    Depends on the set alone: order and repetition do not matter. A retracted scan counts as if it had never been made;
    a retraction says nothing itself and cannot be retracted.
    """
    every = {scan.scan_id: scan for scan in scans}
    if not every:
        return _UNTOLD
    retracted = {scan.retracts for scan in every.values()}
    read = [
        (scan, meanings.meaning(scan.carrier, scan.code))
        for scan in every.values()
        if scan.retracts is None and scan.scan_id not in retracted
    ]
    timeline, entries = _UNTOLD, frozenset([scan.scan_id for scan, _ in read])
    for scan, meaning in sorted(read, key=_moment):
        timeline = _step(timeline, scan.scanned_at, meaning, entries)
    return timeline


def _moment(entry: tuple[Scan, Meaning]) -> tuple[datetime, int, str]:
    scan, meaning = entry
    return scan.scanned_at, -1 if meaning.status is None else _JOURNEY[meaning.status], scan.scan_id


def _step(timeline: Timeline, at: datetime, meaning: Meaning, entries: frozenset[str]) -> Timeline:
    """Return the timeline after its next scan in time; `entries` are all that count."""
    status = _next_status(timeline.status, meaning.status)
    moved = status == meaning.status
    handed_over = meaning.status is not None and meaning.status not in _NOT_HANDED_OVER
    return Timeline(
        status=status,
        substatus=meaning.substatus if moved else timeline.substatus,
        party=meaning.party if moved else timeline.party,
        accepted_at=timeline.accepted_at or (at if handed_over else None),
        first_attempt_at=timeline.first_attempt_at or (at if moved and status in _ATTEMPTS else None),
        delivered_at=timeline.delivered_at or (at if moved and status is S.DELIVERED else None),
        last_scan_at=at,
        attempt_failed=(timeline.attempt_failed or status is S.ATTEMPT_FAILED) and status not in _ENDS_FAILED_ATTEMPT,
        damaged=(timeline.damaged or meaning.status is S.DAMAGED) and status not in TERMINAL,
        entries=entries,
    )


def _next_status(current: TrackingStatus, said: TrackingStatus | None) -> TrackingStatus:
    """Return the status after a scan that says `said`. Listed here is every transition out of a sticky status."""
    if said is None:
        return current
    if said in {S.UNKNOWN, S.PENDING}:
        return said if current in {S.UNKNOWN, S.PENDING} else current
    if current is S.RETURNED:
        return current
    if current is S.DELIVERED:
        return said if said in {S.RETURN_TO_SENDER, S.RETURNED} else current
    if current is S.RETURN_TO_SENDER:
        return S.RETURNED if said in {S.DELIVERED, S.RETURNED} else current
    if said is S.ACCEPTED and current not in _NOT_HANDED_OVER:
        return current
    return said
