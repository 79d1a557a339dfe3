"""The fold: a set of scans becomes one parcel's timeline, whatever the order and repetition they arrived in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from linkstar_contracts.events import ResponsibleParty, TrackingStatus
from linkstar_tracker.domain.meanings import Meaning, StatusMap
from linkstar_tracker.domain.scans import Brief, Scan

__all__ = ["TERMINAL", "Stay", "Timeline", "fold", "followed"]

S = TrackingStatus

TERMINAL = frozenset({S.DELIVERED, S.RETURNED, S.CANCELLED})
"""Statuses in which nobody waits for another scan."""

_ATTEMPTS = frozenset({S.ATTEMPT_FAILED, S.AVAILABLE_FOR_PICKUP, S.DELIVERED})
_NOT_HANDED_OVER = frozenset({S.PENDING, S.CANCELLED, S.UNKNOWN})
_ENDS_FAILED_ATTEMPT = frozenset({
    S.OUT_FOR_DELIVERY, S.AVAILABLE_FOR_PICKUP, S.DELIVERED, S.RETURN_TO_SENDER, S.RETURNED, S.CANCELLED,
})  # fmt: skip

_STAYS = frozenset({S.ACCEPTED, S.IN_TRANSIT, S.HELD, S.DAMAGED, None})
_DEPARTED = "departed"

# Scans of one instant are read in the order of a journey.
_JOURNEY = {status: rank for rank, status in enumerate((
    S.UNKNOWN, S.PENDING, S.CANCELLED, S.ACCEPTED, S.IN_TRANSIT, S.HELD, S.DAMAGED, S.OUT_FOR_DELIVERY,
    S.ATTEMPT_FAILED, S.AVAILABLE_FOR_PICKUP, S.LOST, S.DELIVERED, S.RETURN_TO_SENDER, S.RETURNED,
))}  # fmt: skip


class Stay(NamedTuple):
    """Where the carrier last saw a parcel, and since when it has been seen nowhere else and not leaving."""

    spot: str
    since: datetime
    leaving: bool
    """It was last seen as it departed: on the road to another place."""
    lasting: bool
    """It was not last seen departing, out or arrived: another scan there prolongs the stay."""

    @property
    def waiting_at(self) -> str:
        """The place whose next scan is awaited; empty on the road, where nobody tells which that is."""
        return "" if self.leaving else self.spot


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
    failed: str | None = None
    """Why the last attempt failed, while no new one has begun; empty where the carrier gives no reason."""
    damaged: bool = False
    entries: frozenset[str] = frozenset()
    """The scans that count: neither retracted nor retractions."""
    stay: Stay | None = None


_UNTOLD = Timeline()


def fold(scans: Iterable[Scan | Brief], meanings: StatusMap) -> Timeline:
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
    if len(read) > 1:
        read.sort(key=_moment)
    return _along(_UNTOLD, read, frozenset([scan.scan_id for scan, _ in read]))


def followed(timeline: Timeline, scan: Scan, meanings: StatusMap) -> Timeline | None:
    """Return the timeline with one scan more, as `fold` would, if the scan is later than all it counts; else None.

    For a scan that is no retraction and that none takes back.
    """
    if timeline.last_scan_at is not None and scan.scanned_at <= timeline.last_scan_at:
        return None
    read = ((scan, meanings.meaning(scan.carrier, scan.code)),)
    return _along(timeline, read, timeline.entries | {scan.scan_id})


def _moment(entry: tuple[Scan | Brief, Meaning]) -> tuple[datetime, int, str]:
    scan, meaning = entry
    return scan.scanned_at, -1 if meaning.status is None else _JOURNEY[meaning.status], scan.scan_id


def _along(
    timeline: Timeline, read: Iterable[tuple[Scan | Brief, Meaning]], entries: frozenset[str]
) -> Timeline:  # fmt: skip
    """Return the timeline after its next scans, in the order of time; `entries` are all that count."""
    status, substatus, party, accepted_at, attempted_at, delivered_at, at, failed, damaged, _, stay = timeline
    for scan, (said, why, whose) in read:
        at, status = scan.scanned_at, _NEXT[status, said]
        if status is said:
            substatus, party = why, whose
            failed = (why or "") if said is S.ATTEMPT_FAILED else failed
            attempted_at = attempted_at or (at if said in _ATTEMPTS else None)
            delivered_at = delivered_at or (at if said is S.DELIVERED else None)
        accepted_at = accepted_at or (at if said is not None and said not in _NOT_HANDED_OVER else None)
        failed = None if status in _ENDS_FAILED_ATTEMPT else failed
        damaged = (damaged or said is S.DAMAGED) and status not in TERMINAL
        stay = _stay(stay, scan, said, why)
    return Timeline(
        status, substatus, party, accepted_at, attempted_at, delivered_at, at, failed, damaged, entries, stay
    )  # fmt: skip


def _stay(before: Stay | None, scan: Scan | Brief, said: TrackingStatus | None, why: str | None) -> Stay | None:
    """Return where a scan was made; None where it does not tell. Who departs or is out has left a place."""
    spot = scan.spot
    if not spot:
        return None
    leaving = why == _DEPARTED
    lasting = said in _STAYS and not leaving
    stayed = lasting and before is not None and before.lasting and before.spot == spot
    return Stay(spot, before.since if stayed and before else scan.scanned_at, leaving, lasting)


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


_NEXT = {(current, said): _next_status(current, said) for current in S for said in (*S, None)}
