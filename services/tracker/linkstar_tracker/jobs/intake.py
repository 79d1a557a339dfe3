"""What every door does with reports of scans: judge them, find whose parcels they are, and store them durably."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ValidationError

from linkstar_contracts.event import Event
from linkstar_runtime.handling import Transaction
from linkstar_runtime.problems import field_errors
from linkstar_tracker import store
from linkstar_tracker.domain.local_time import LocalTimeError
from linkstar_tracker.domain.reports import NumberChange, ScanReport
from linkstar_tracker.domain.scans import Scan, ScanSource

__all__ = ["CHANGES_KEPT", "Judged", "Rejection", "ScanReceipt", "Taken", "judge", "known_events", "take"]

ANY_TENANT = "*"
CHANGES_KEPT = timedelta(days=120)


class Rejection(BaseModel):
    """Why one scan was not taken, and how to fix it."""

    index: int
    code: str
    field: str = ""
    detail: str
    fix: str


class ScanReceipt(BaseModel):
    """What became of a batch: accepted and unmatched scans are stored durably, rejected ones are not stored."""

    accepted: int
    unmatched: int
    rejected: list[Rejection]


@dataclass(slots=True)
class Judged:
    """Reports parted into scans and coded rejections."""

    scans: list[Scan] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    ahead: list[Scan] = field(default_factory=list)
    """Scans that are rejected because they lie ahead of the clock: they are set apart."""
    changes: list[NumberChange] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Taken:
    """Scans stored: the events of known parcels, and how many wait for theirs."""

    events: Sequence[Event] = ()
    unmatched: int = 0

    @property
    def accepted(self) -> int:
        return len(self.events)


async def take(tx: Transaction, judged: Judged, reporter: str, keep: timedelta) -> Taken:
    """Part scans into events of known parcels and scans of unknown numbers, which are kept, as those ahead of the clock are
    apart from them. What the events say is stored with the transaction that emits them.
    """
    if judged.ahead:
        await store.quarantine_scans(tx, _waiting(judged.ahead, reporter, tx.now, keep))
    if not judged.scans:
        return Taken()
    if judged.changes:
        await store.keep_changes(tx, judged.changes, reporter, tx.now + CHANGES_KEPT)
    events, unknown = await _resolve(tx, judged.scans, reporter)
    if unknown:
        await store.keep_unmatched(tx, _waiting(unknown, reporter, tx.now, keep))
    return Taken(events, len(unknown))


async def known_events(tx: Transaction, judged: Judged, reporter: str) -> list[Event] | None:
    """Return the events of scans that are all of known parcels; None where `take` has anything else to store."""
    if judged.ahead or judged.changes:
        return None
    events, unknown = await _resolve(tx, judged.scans, reporter)
    return None if unknown else events


def judge(reports: Iterable[Any], latest: datetime, source: ScanSource = "webhook") -> Judged:
    """Part the reports into scans and coded rejections."""
    judged = Judged()
    for index, report in enumerate(reports):
        try:
            told = ScanReport.model_validate(report, extra="forbid")
            scan = told.scan(source)
        except ValidationError as error:
            first = field_errors(error.errors(include_url=False, include_context=False, include_input=False))[0]
            judged.rejected.append(Rejection(index=index, **first))
        except LocalTimeError as error:
            judged.rejected.append(
                Rejection(
                    index=index, code=error.code, field="scanned_local", detail="the time is unclear", fix=str(error)
                )
            )
        else:
            if scan.scanned_at > latest:
                judged.ahead.append(scan)
                judged.rejected.append(_too_far_ahead(index))
            else:
                judged.scans.append(scan)
                if told.change:
                    judged.changes.append(told.change)
    return judged


def _too_far_ahead(index: int) -> Rejection:
    return Rejection(
        index=index, code="scan_in_future", field="scanned_at", detail="the scan lies ahead of the clock",
        fix="Check the offset or the time zone; GET /v1/quarantine shows the scan.",
    )  # fmt: skip


async def _resolve(tx: Transaction, scans: Sequence[Scan], reporter: str) -> tuple[list[Event], list[Scan]]:
    """Part the scans into events of known shipments and scans of unknown numbers. Nobody can scan another's parcel."""
    if not scans:
        return [], []
    owners = await store.owners_of(tx, ((scan.carrier, scan.tracking_number) for scan in scans))
    events: list[Event] = []
    unknown = []
    for scan in scans:
        owner = owners.get((scan.carrier, scan.tracking_number))
        if owner and reporter in {ANY_TENANT, owner.tenant}:
            events.append(owner.event(scan))
        else:
            unknown.append(scan)
    return events, unknown


def _waiting(scans: Sequence[Scan], reporter: str, now: datetime, keep: timedelta) -> list[store.UnmatchedScan]:
    return [store.UnmatchedScan(scan, reporter, now, now + keep) for scan in scans]
