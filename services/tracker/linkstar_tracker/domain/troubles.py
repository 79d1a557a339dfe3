"""What is wrong with a shipment at present: by its scans, by the days promised, by the time that has passed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from linkstar_contracts.events import ExceptionCode, ResponsibleParty, TrackingStatus
from linkstar_contracts.values import Promise
from linkstar_tracker.domain.timeline import TERMINAL, Timeline
from linkstar_tracker.domain.vocabulary import Vocabulary, text_code
from linkstar_tracker.domain.watch import Watched

__all__ = ["Trouble", "seen_in", "slip", "struck"]

Code = ExceptionCode


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why an exception ought to be open. `stage` is that of the watch which found it."""

    code: ExceptionCode
    party: ResponsibleParty
    detail: str
    parcel: int = 0
    stage: str = ""
    evidence: tuple[str, ...] = ()


_CAUSES = {
    "address_problem": Code.ADDRESS_PROBLEM,
    "moved": Code.ADDRESS_PROBLEM,
    "refused": Code.REFUSED,
    "customs": Code.CUSTOMS,
    "seized": Code.CUSTOMS,
    "customs_refused": Code.CUSTOMS,
}
"""Sub-statuses that call for something else than their status does."""


_TROUBLED = frozenset({TrackingStatus.HELD, TrackingStatus.RETURN_TO_SENDER, TrackingStatus.LOST})
"""Statuses that are troubles themselves."""


def seen_in(parcels: Mapping[int, Timeline]) -> tuple[Trouble, ...]:
    """Return the troubles that scans tell of; a parcel that has arrived has none."""
    troubles: dict[ExceptionCode, Trouble] = {}
    for number, timeline in sorted(parcels.items()):
        told = timeline.failed is not None or timeline.damaged
        if timeline.status in _TROUBLED or (told and timeline.status not in TERMINAL):
            for trouble in _troubles(number, timeline):
                troubles.setdefault(trouble.code, trouble)
    return tuple(troubles.values())


def _troubles(number: int, timeline: Timeline) -> Iterable[Trouble]:
    status, substatus = timeline.status, timeline.substatus
    if timeline.failed is not None:
        yield _attempt(number, timeline.failed)
    detail = f"Parcel {number}: {substatus or status.value}"
    if timeline.damaged:
        yield Trouble(Code.DAMAGED, timeline.party, detail, number)
    if status is TrackingStatus.HELD:
        yield Trouble(_CAUSES.get(substatus or "", Code.HELD), timeline.party, detail, number)
    if status is TrackingStatus.RETURN_TO_SENDER:
        yield Trouble(Code.RETURN_TO_SENDER, timeline.party, detail, number)
        if substatus in _CAUSES:
            yield Trouble(_CAUSES[substatus], timeline.party, detail, number)
    if status is TrackingStatus.LOST:
        yield Trouble(Code.LOST, timeline.party, detail, number)


def _attempt(number: int, reason: str) -> Trouble:
    """What a failed attempt is, whatever was scanned since."""
    status = TrackingStatus.ATTEMPT_FAILED
    party = Vocabulary.shipped().party(text_code(status, reason))
    code = _CAUSES.get(reason, Code.DELIVERY_FAILED)
    return Trouble(code, party, f"Parcel {number}: {reason or status.value}", number)


def slip(promised: Promise | None, forecast: Promise | None) -> tuple[Trouble, ...]:
    """Return the trouble that a parcel will rather arrive after its promised date than before."""
    if promised is None or forecast is None or forecast.p50_on <= promised.p90_on:
        return ()
    detail = f"Expected on {forecast.p50_on}, by {forecast.p90_on} with 90 %; promised by {promised.p90_on}"
    return (Trouble(Code.PROMISE_AT_RISK, ResponsibleParty.CARRIER, detail),)


def struck(watched: Iterable[Watched], now: datetime) -> tuple[Trouble, ...]:
    """Return the troubles that the passing of time has brought."""
    troubles: dict[ExceptionCode, Trouble] = {}
    for watch in sorted(watched, key=lambda each: each.at):
        if watch.at <= now:
            trouble = Trouble(
                watch.code, ResponsibleParty.CARRIER, _passing(watch), watch.parcel, watch.stage, watch.evidence
            )
            troubles.setdefault(watch.code, trouble)
    return tuple(troubles.values())


def _passing(watch: Watched) -> str:
    if watch.code is Code.PROMISE_MISSED:
        return f"Parcel {watch.parcel}: not delivered by {watch.since:%Y-%m-%d %H:%M} UTC as promised"
    what = f"at {watch.spot}" if watch.spot else "no scan"
    detail = f"Parcel {watch.parcel}: {what} since {watch.since:%Y-%m-%d %H:%M} UTC, limit {watch.hours:.4g} h"
    if watch.expected is None:
        return detail
    usual, lost = watch.expected.usual_hours, watch.expected.lost
    return f"{detail} of working days; 95 % on its lane are scanned within {usual:.0f} h, lost with {lost:.0%}"
