"""A scan as a carrier reports it at the door, before it is known whose parcel it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator

from linkstar_contracts.events import Place
from linkstar_contracts.fields import TrackingNumber
from linkstar_contracts.text import SafeStr, Token
from linkstar_contracts.values import Instant, Value
from linkstar_tracker.domain.local_time import LocalTimeError, to_utc
from linkstar_tracker.domain.place_zones import zone_of
from linkstar_tracker.domain.scans import Scan, ScanSource, scan_id

__all__ = ["NextNumber", "NumberChange", "ReportedRetraction", "ScanReport", "as_printed"]


def as_printed(number: str) -> str:
    """Return a tracking number without the spaces carriers print it with, in capitals."""
    return "".join(number.split()).upper()


def _cleaned(number: object) -> object:
    return as_printed(number) if isinstance(number, str) else number


class ReportedRetraction(Value):
    """Names the scan that is taken back. Without a place it is the place of the report."""

    code: Annotated[str, SafeStr(40, 1)]
    scanned_at: Instant
    place: Place | None = None


class NextNumber(Value):
    """The number and the carrier that the parcel travels on under."""

    carrier: Token
    tracking_number: Annotated[TrackingNumber, BeforeValidator(_cleaned)]


class NumberChange(NamedTuple):
    """A parcel that was known by one number travels on under another, with the same carrier or the next."""

    carrier: str
    tracking_number: str
    next_carrier: str
    next_number: str


class ScanReport(Value):
    """One scan. The time is `scanned_at` with an offset, or `scanned_local` beside an IANA `timezone`, which may be left out
    where the place tells it.
    """

    carrier: Token
    tracking_number: Annotated[TrackingNumber, BeforeValidator(_cleaned)]
    code: Annotated[str, SafeStr(40, 1)]
    text: Annotated[str, SafeStr(200)] = ""
    scanned_at: Instant | None = None
    scanned_local: Annotated[str, SafeStr(40)] = ""
    timezone: Annotated[str, SafeStr(64)] = ""
    place: Place = Place()
    retracts: ReportedRetraction | None = None
    travels_on_as: NextNumber | None = None

    @property
    def change(self) -> NumberChange | None:
        """The change of number that the scan tells of."""
        onward = self.travels_on_as
        if onward is None:
            return None
        return NumberChange(self.carrier, self.tracking_number, onward.carrier, onward.tracking_number)

    def scan(self, source: ScanSource = "webhook") -> Scan:
        """Return the scan this report tells of; raises LocalTimeError when its time cannot be known."""
        scanned_at, local, zone = self._moment()
        utc = scanned_at.astimezone(UTC)  # so that a scan reported again, or kept and told later, has the same bytes
        retracted = self._retracted()
        return Scan(
            scan_id(self.carrier, self.tracking_number, self.code, utc, self.place, retracted),
            self.carrier, self.tracking_number, self.code, utc, self.text, self.place, local, zone, source, retracted,
        )  # fmt: skip

    def _moment(self) -> tuple[datetime, str, str]:
        """Return the instant, what the clock on the spot showed, and its zone, as far as either is told."""
        if self.scanned_at is not None:
            there = self.scanned_at.isoformat() if self.scanned_at.utcoffset() else ""
            return self.scanned_at, self.scanned_local or there, self.timezone
        zone = self.timezone or zone_of(self.place)
        if not (self.scanned_local and zone):
            raise LocalTimeError(
                "scan_time_missing",
                "send scanned_at with an offset, or scanned_local and timezone or a place that tells it",
            )
        return to_utc(self.scanned_local, zone), self.scanned_local, zone

    def _retracted(self) -> str | None:
        if self.retracts is None:
            return None
        place = self.retracts.place or self.place
        return scan_id(self.carrier, self.tracking_number, self.retracts.code, self.retracts.scanned_at, place)
