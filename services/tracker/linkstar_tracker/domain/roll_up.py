"""From parcels to their shipment: what needs attention shows first, else the parcel that is furthest behind."""

from __future__ import annotations

from collections.abc import Iterable

from linkstar_contracts.events import TrackingStatus
from linkstar_tracker.domain.timeline import Timeline

__all__ = ["roll_up"]

S = TrackingStatus

_FIRST_TO_SHOW = (
    S.LOST, S.DAMAGED, S.RETURN_TO_SENDER, S.ATTEMPT_FAILED, S.HELD, S.PENDING, S.UNKNOWN, S.ACCEPTED, S.IN_TRANSIT,
    S.OUT_FOR_DELIVERY, S.AVAILABLE_FOR_PICKUP, S.RETURNED, S.DELIVERED, S.CANCELLED,
)  # fmt: skip
_RANK = {status: rank for rank, status in enumerate(_FIRST_TO_SHOW)}


def roll_up(parcels: Iterable[Timeline]) -> Timeline:
    """Return the timeline of a shipment.

    It is accepted with its first parcel (from then on it cannot be cancelled), attempted and delivered with its last.
    """
    every = tuple(parcels)
    if len(every) == 1:
        return every[0]
    shown = min(every, key=lambda parcel: _RANK[parcel.status])
    return Timeline(
        status=shown.status,
        substatus=shown.substatus,
        party=shown.party,
        accepted_at=min((p.accepted_at for p in every if p.accepted_at), default=None),
        first_attempt_at=None if any(p.first_attempt_at is None for p in every)
        else max(p.first_attempt_at for p in every if p.first_attempt_at),
        delivered_at=None if any(p.delivered_at is None for p in every)
        else max(p.delivered_at for p in every if p.delivered_at),
        last_scan_at=max((p.last_scan_at for p in every if p.last_scan_at), default=None),
        failed=max((p.failed for p in every if p.failed is not None), default=None),
        damaged=any(p.damaged for p in every),
        entries=frozenset().union(*(p.entries for p in every)),
        stay=max((p.stay for p in every if p.stay), key=lambda stay: (stay.since, stay.spot), default=None),
    )  # fmt: skip
