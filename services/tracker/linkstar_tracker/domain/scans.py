"""One scan of one parcel, with the identity that makes repeats no-ops."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from json.encoder import encode_basestring as _quoted
from typing import Literal, NamedTuple

import msgspec

from linkstar_contracts.events import CarrierScan, Place

__all__ = ["Brief", "Scan", "ScanSource", "briefs_of", "briefs_text", "place_text", "scan_id"]

ScanSource = Literal["webhook", "poll", "file", "kafka", "manual"]


def scan_id(
    carrier: str, tracking_number: str, code: str, scanned_at: datetime, place: Place, retracts: str | None = None
) -> str:  # fmt: skip
    """Return the natural identity of a scan: carrier, number, code, instant and place, hashed; of a retraction also what it
    takes back, since a driver may take back two scans in one second.
    """
    instant = scanned_at.astimezone(UTC).isoformat()
    taken_back = (retracts,) if retracts else ()
    fact = "|".join((carrier, tracking_number, code, instant, place.postcode, place.city, *taken_back))
    return blake2b(fact.encode(), digest_size=16).hexdigest()


class Brief(NamedTuple):
    """What the fold asks of a scan, and all that is read of those before a new one."""

    scan_id: str
    carrier: str
    tracking_number: str
    code: str
    scanned_at: datetime
    spot: str
    retracts: str | None = None


class Scan(NamedTuple):
    """A scan as the carrier reported it. `retracts` names the scan that this one takes back."""

    scan_id: str
    carrier: str
    tracking_number: str
    code: str
    scanned_at: datetime
    text: str = ""
    place: Place = Place()
    scanned_local: str = ""
    timezone: str = ""
    source: ScanSource = "webhook"
    retracts: str | None = None

    @property
    def spot(self) -> str:
        """Where it was made, in a line; empty where the carrier tells neither city nor postcode."""
        place = self.place
        town = place.city or place.postcode
        return ", ".join([each for each in (town, place.region, place.country) if each]) if town else ""

    @classmethod
    def of(cls, event: CarrierScan) -> Scan:
        """Return the scan an event records, its instant in UTC: times of one zone are compared five times sooner."""
        return cls(
            event.scan_id, event.carrier, event.tracking_number, event.code, event.occurred_at.astimezone(UTC), event.text,
            event.place, event.scanned_local, event.timezone, event.source, event.retracts,
        )  # fmt: skip

    def event(self, tenant: str, order_id: str, shipment_id: str) -> CarrierScan:
        """Return the event that records this scan of a shipment."""
        return CarrierScan(
            tenant=tenant,
            order_id=order_id,
            shipment_id=shipment_id,
            occurred_at=self.scanned_at,
            scan_id=self.scan_id,
            carrier=self.carrier,
            tracking_number=self.tracking_number,
            code=self.code,
            text=self.text,
            place=self.place,
            scanned_local=self.scanned_local,
            timezone=self.timezone,
            source=self.source,
            retracts=self.retracts,
        )


def place_text(place: Place) -> str:
    """Return a place as canonical JSON, ten times sooner than by its model."""
    return (
        f'{{"city":{_quoted(place.city)},"country":{_quoted(place.country)},"postcode":{_quoted(place.postcode)},'
        f'"region":{_quoted(place.region)}}}'
    )


def briefs_text(scans: Iterable[Scan | Brief]) -> str:
    """Return scans in brief as lines of JSON; the text of some and that of others, together, is the text of all."""
    return _encode_lines([
        Brief(
            scan.scan_id, scan.carrier, scan.tracking_number, scan.code, scan.scanned_at, scan.spot, scan.retracts
        )
        for scan in scans
    ]).decode()  # fmt: skip


def briefs_of(text: str) -> dict[str, Scan | Brief]:
    """Return the scans of a text that `briefs_text` wrote, by id."""
    return {brief.scan_id: brief for brief in _decode_lines(text)} if text else {}


_encode_lines = msgspec.json.Encoder().encode_lines
_decode_lines = msgspec.json.Decoder(Brief).decode_lines
