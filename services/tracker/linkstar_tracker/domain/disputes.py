"""Deliveries that somebody denies: the carrier says delivered, the buyer or the seller says it is not so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from linkstar_contracts.events import ExceptionCode, ResponsibleParty, TrackingStatus
from linkstar_contracts.text import Token
from linkstar_contracts.values import Value
from linkstar_tracker.domain.alarms import Alarm
from linkstar_tracker.domain.label import TrackedLabel
from linkstar_tracker.domain.meanings import StatusMap
from linkstar_tracker.domain.scans import Brief, Scan
from linkstar_tracker.domain.timeline import Timeline
from linkstar_tracker.domain.troubles import Trouble

__all__ = ["Denial", "denied", "dispute_of", "still_denied"]

S = TrackingStatus
_ELSEWHERE = {S.IN_TRANSIT, S.OUT_FOR_DELIVERY, S.ATTEMPT_FAILED, S.AVAILABLE_FOR_PICKUP, S.HELD, S.DELIVERED}


class Denial(Value):
    """What somebody says of a delivery. `reference` is their own: the same one again changes nothing."""

    model_config = ConfigDict(extra="forbid")

    reference: Token
    reason: Literal["not_received", "not_signed_by_buyer", "contents_missing"]
    reported_by: Literal["buyer", "seller"] = "buyer"
    parcel: Annotated[int, Field(ge=1, le=20)] | None = None
    """May be left out where one parcel was delivered."""

    @property
    def pointer(self) -> str:
        """How the exception points to it."""
        return f"dispute:{self.reference}"


def denied(denial: Denial, label: TrackedLabel, parcels: Mapping[int, Timeline]) -> Trouble | None:
    """Return the trouble that is told; None unless exactly one delivered parcel can be meant."""
    meant = [
        parcel for parcel in label.numbered
        if denial.parcel in {None, parcel.number} and parcels[parcel.number].status is S.DELIVERED
    ]  # fmt: skip
    if len(meant) != 1:
        return None
    [parcel] = meant
    at = parcels[parcel.number].delivered_at
    when = f"{at:%Y-%m-%d %H:%M} UTC" if at else "at an unknown time"
    said = denial.reason.replace("_", " ")
    return Trouble(
        ExceptionCode.DELIVERY_DISPUTED, ResponsibleParty.CARRIER,
        f"Parcel {parcel.number}: delivered {when}, {said} as the {denial.reported_by} says",
        parcel.number, evidence=(denial.pointer, f"tracking:{parcel.tracking_number}"),
    )  # fmt: skip


def dispute_of(alarms: Iterable[Alarm], reference: str) -> Alarm | None:
    """Return the exception that was raised for a denial of this reference."""
    return next((alarm for alarm in alarms if f"dispute:{reference}" in alarm.evidence), None)


def still_denied(
    alarms: Iterable[Alarm], label: TrackedLabel, parcels: Mapping[int, Timeline], scans: Iterable[Scan | Brief],
    meanings: StatusMap,
) -> tuple[Trouble, ...]:  # fmt: skip
    """Return the disputes no later scan has answered: the parcel still counts as delivered and was seen nowhere since."""
    return tuple([
        Trouble(alarm.code, alarm.party, alarm.detail)
        for alarm in alarms
        if alarm.open and alarm.code is ExceptionCode.DELIVERY_DISPUTED
        and _stands(alarm, label, parcels, scans, meanings)
    ])  # fmt: skip


def _stands(
    alarm: Alarm, label: TrackedLabel, parcels: Mapping[int, Timeline], scans: Iterable[Scan | Brief], meanings: StatusMap
) -> bool:  # fmt: skip
    number = next((each.removeprefix("tracking:") for each in alarm.evidence if each.startswith("tracking:")), "")
    parcel = label.parcel_of(number)
    if parcel is None or parcels[parcel].status is not S.DELIVERED:
        return False
    return not any(
        scan.scan_id in parcels[parcel].entries
        and scan.scanned_at > alarm.opened_at
        and meanings.meaning(scan.carrier, scan.code).status in _ELSEWHERE
        for scan in scans
    )
