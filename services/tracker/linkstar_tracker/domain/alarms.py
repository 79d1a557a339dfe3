"""Exceptions of one shipment: which ought to be open, how each is worded, and the dense versions of their states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from linkstar_contracts.events import ExceptionCode, ExceptionState, ResponsibleParty, Severity, TrackingStatus
from linkstar_contracts.values import Promise
from linkstar_tracker.domain.timeline import TERMINAL, Timeline
from linkstar_tracker.domain.watch import Watched

__all__ = ["Alarm", "Trouble", "reconcile", "seen_in", "silences", "slip"]

Code = ExceptionCode


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why an exception ought to be open."""

    code: ExceptionCode
    party: ResponsibleParty
    detail: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """An exception and its newest state. `version` counts its states."""

    exception_id: str
    code: ExceptionCode
    severity: Severity
    party: ResponsibleParty
    detail: str
    action: str
    state: ExceptionState
    version: int
    opened_at: datetime
    changed_at: datetime

    @property
    def open(self) -> bool:
        return self.state is not ExceptionState.RESOLVED


_WORDING = {
    Code.NO_ACCEPTANCE: (Severity.WARNING, "Check that the parcel was handed over; ask the carrier to look for it."),
    Code.SILENT: (Severity.WARNING, "Ask the carrier where the parcel is."),
    Code.LOST: (Severity.CRITICAL, "File a claim with the carrier and offer the buyer a reship or a refund."),
    Code.PROMISE_AT_RISK: (Severity.WARNING, "Tell the buyer the new date before they ask."),
    Code.DELIVERY_FAILED: (Severity.WARNING, "Check address and phone with the buyer before the next attempt."),
    Code.DAMAGED: (Severity.CRITICAL, "Keep photos and packaging, and file a claim with the carrier."),
    Code.RETURN_TO_SENDER: (Severity.CRITICAL, "Contact the buyer; reship or refund when the parcel is back."),
    Code.HELD: (Severity.WARNING, "Find out from the carrier what it waits for."),
}


_SILENCES = {Code.NO_ACCEPTANCE, Code.SILENT, Code.LOST}


def seen_in(parcels: Mapping[int, Timeline]) -> tuple[Trouble, ...]:
    """Return the troubles that scans tell of; a parcel that has arrived has none."""
    troubles: dict[ExceptionCode, Trouble] = {}
    for number, timeline in sorted(parcels.items()):
        for code in _codes(timeline):
            detail = f"Parcel {number}: {timeline.substatus or timeline.status.value}"
            troubles.setdefault(code, Trouble(code, timeline.party, detail))
    return tuple(troubles.values())


def _codes(timeline: Timeline) -> Iterable[ExceptionCode]:
    if timeline.status in TERMINAL:
        return
    if timeline.attempt_failed:
        yield Code.DELIVERY_FAILED
    if timeline.damaged:
        yield Code.DAMAGED
    if timeline.status is TrackingStatus.HELD:
        yield Code.HELD
    if timeline.status is TrackingStatus.RETURN_TO_SENDER:
        yield Code.RETURN_TO_SENDER
    if timeline.status is TrackingStatus.LOST:
        yield Code.LOST


def slip(promised: Promise | None, forecast: Promise | None) -> tuple[Trouble, ...]:
    """Return the trouble that a parcel will rather arrive after its promised date than before."""
    if promised is None or forecast is None or forecast.p50_on <= promised.p90_on:
        return ()
    detail = f"Expected on {forecast.p50_on}, by {forecast.p90_on} with 90 %; promised by {promised.p90_on}"
    return (Trouble(Code.PROMISE_AT_RISK, ResponsibleParty.CARRIER, detail),)


def silences(watched: Iterable[Watched], now: datetime) -> tuple[Trouble, ...]:
    """Return the troubles that the passing of time has brought."""
    troubles: dict[ExceptionCode, Trouble] = {}
    for watch in sorted(watched, key=lambda each: each.at):
        if watch.at <= now:
            troubles.setdefault(watch.code, Trouble(watch.code, ResponsibleParty.CARRIER, _silence(watch)))
    return tuple(troubles.values())


def _silence(watch: Watched) -> str:
    detail = f"Parcel {watch.parcel}: no scan since {watch.since:%Y-%m-%d %H:%M} UTC, limit {watch.hours:.4g} h"
    if watch.expected is None:
        return detail
    usual, lost = watch.expected.usual_hours, watch.expected.lost
    return f"{detail} of working days; 95 % on its lane are scanned within {usual:.0f} h, lost with {lost:.0%}"


def reconcile(
    shipment_id: str, alarms: Mapping[str, Alarm], seen: Iterable[Trouble], silent: Iterable[Trouble], now: datetime,
    *, may_open_silences: bool,
) -> tuple[Alarm, ...]:  # fmt: skip
    """Return the alarms that change: opened because their trouble is there, resolved because it is gone.

    Silence is opened by the watch timer alone, so that scans caught up in a backlog raise no false alarm, and answered by
    scans alone: a limit that has become longer since does not take back what was said.
    """
    wanted = {trouble.code: trouble for trouble in silent} | {trouble.code: trouble for trouble in seen}
    openable = set(wanted) if may_open_silences else {trouble.code for trouble in seen}
    is_open = {alarm.code for alarm in alarms.values() if alarm.open}
    staying = set(wanted) | (_SILENCES if may_open_silences else set())
    resolved = [_resolved(alarm, now) for alarm in alarms.values() if alarm.open and alarm.code not in staying]
    opened = [_opened(shipment_id, alarms, wanted[code], now) for code in wanted if code in openable - is_open]
    return (*resolved, *opened)


def _resolved(alarm: Alarm, now: datetime) -> Alarm:
    return replace(alarm, state=ExceptionState.RESOLVED, version=alarm.version + 1, changed_at=now)


def _opened(shipment_id: str, alarms: Mapping[str, Alarm], trouble: Trouble, now: datetime) -> Alarm:
    """The first of its kind is `<code>.<shipment>`; later ones end in `.2`, `.3` and so on."""
    recurrence = 1 + sum(alarm.code is trouble.code for alarm in alarms.values())
    exception_id = f"{trouble.code.value}.{shipment_id}" + (f".{recurrence}" if recurrence > 1 else "")
    severity, action = _WORDING[trouble.code]
    return Alarm(
        exception_id, trouble.code, severity, trouble.party, trouble.detail, action, ExceptionState.OPEN, 1, now, now
    )
