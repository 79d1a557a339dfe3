"""The day that was promised, and what it means that it has passed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache

from linkstar_contracts.events import ExceptionCode, TrackingStatus
from linkstar_tracker.domain.calendars import calendar_of
from linkstar_tracker.domain.label import TrackedLabel
from linkstar_tracker.domain.timeline import TERMINAL, Timeline
from linkstar_tracker.domain.watch import Watched

__all__ = ["missed", "promised_until"]

_NOT_AWAITED = TERMINAL | {TrackingStatus.RETURN_TO_SENDER, TrackingStatus.LOST}


def promised_until(label: TrackedLabel) -> datetime | None:
    """Return by when the order ought to have arrived: the shop's `deliver_by`, else the end of the day promised with 90 %.

    Nobody is promised when a return arrives.
    """
    if label.kind != "order":
        return None
    if label.deliver_by is not None or label.promise is None:
        return label.deliver_by
    return _end_of(label.carrier, label.promise.p90_on)


@lru_cache(maxsize=10_000)
def _end_of(carrier: str, day: str) -> datetime:
    return calendar_of(carrier).end_of(date.fromisoformat(day))


def missed(label: TrackedLabel, parcels: Mapping[int, Timeline]) -> tuple[Watched, ...]:
    """Return when the promise will be broken, if a parcel that is still awaited does not arrive before."""
    until = promised_until(label)
    if until is None:
        return ()
    for number, timeline in parcels.items():
        if timeline.status not in _NOT_AWAITED:
            return (Watched(until, ExceptionCode.PROMISE_MISSED, number, until, 0.0),)
    return ()
