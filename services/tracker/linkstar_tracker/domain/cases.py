"""A case: the time for which a shipment's added evidence is kept readable, from trouble until nothing can be claimed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from linkstar_contracts.events import ExceptionCode
from linkstar_tracker.domain.alarms import Alarm
from linkstar_tracker.domain.claim_windows import longest_window
from linkstar_tracker.domain.label import TrackedLabel
from linkstar_tracker.domain.promises import promised_until
from linkstar_tracker.domain.shipment import Shipment

__all__ = ["Case", "CaseOpening", "case_name", "keep_until", "openings"]

SETTLING = timedelta(days=30)
"""A claim filed on the last day is answered within this time."""
_FURTHEST = timedelta(days=365)
_CLAIMABLE = {ExceptionCode.LOST, ExceptionCode.DAMAGED, ExceptionCode.DELIVERY_DISPUTED}


class Case(NamedTuple):
    """A case as it is kept; closed it has no key, and without a paper it never had one."""

    tenant: str
    shipment_id: str
    number: int
    opened_by: str
    opened_at: datetime
    keep_until: datetime
    closed_at: datetime | None
    closed_by: str | None
    key: bytes | None
    papers: int
    size: int


class CaseOpening(NamedTuple):
    """A case that ought to be open, by whom it is, and until when."""

    tenant: str
    shipment_id: str
    shard: int
    opened_by: str
    keep_until: datetime


def case_name(shipment_id: str, number: int) -> str:
    """Return the name under which the key of a case is sealed."""
    return f"case|{shipment_id}|{number}"


def keep_until(label: TrackedLabel | None, now: datetime) -> datetime:
    """Return until when a case that is wanted now is kept: the carrier's longest claim window, counted from the latest
    moment it may be counted from, and the time an answer takes.
    """
    promised = (promised_until(label) if label else None) or now
    return max(now, min(promised, now + _FURTHEST)) + longest_window(label.carrier if label else "*") + SETTLING


def openings(changed: Iterable[tuple[Shipment, Alarm]], now: datetime) -> list[CaseOpening]:
    """Return the cases that exceptions open: what can be claimed needs evidence."""
    return sorted({
        CaseOpening(s.tenant, s.shipment_id, s.shard, alarm.code.value, keep_until(s.label, now))
        for s, alarm in changed
        if alarm.open and alarm.code in _CLAIMABLE
    })  # fmt: skip
