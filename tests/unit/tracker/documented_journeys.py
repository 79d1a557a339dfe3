"""Journeys of parcels as carriers' documents tell them: `journeys/<carrier>.csv`, one row per scan.

A journey's first row names the journey, its source, the door its scans come through and the parcel's number, and how it was
made: `recorded` as a document shows a whole parcel, or `composed` of codes as the source explains them. `status`,
`substatus` and `party` are where the parcel stands after the scan when all told so far is told in order of time; `reached`
names the milestones that this scan reaches, or with a dash takes back. `retracts` names the scan that is taken back, by its
code and time.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from linkstar_tracker.domain.carrier_doors import DOORS
from linkstar_tracker.domain.reports import ScanReport
from linkstar_tracker.domain.scans import Scan

FOLDER = Path(__file__).parent / "journeys"
CARRIERS = sorted(path.stem for path in FOLDER.glob("*.csv"))
Row = Mapping[str, str]


@dataclass(frozen=True)
class Journey:
    """One parcel's way: what its carrier told, row by row, and what it must come to."""

    carrier: str
    name: str
    source: str
    door: str
    number: str
    rows: Sequence[Row]

    def __str__(self) -> str:
        return f"{self.carrier}: {self.name}"

    def scans(self) -> list[Scan]:
        """Every row as its carrier's own message, read by the carrier's door."""
        reads, written = DOORS[self.door].reads, MESSAGES[self.door]
        assert reads is not None
        return [ScanReport.model_validate(told).scan() for row in self.rows for told in reads(written(self, row))]


def journeys_of(carrier: str) -> Iterator[Journey]:
    """The journeys of one carrier's file."""
    with (FOLDER / f"{carrier}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    started = 0

    def ordinal(row: Row) -> int:
        nonlocal started
        started += bool(row["journey"])
        return started

    for _, told in groupby(rows, ordinal):
        first, *_ = steps = list(told)
        yield Journey(carrier, first["journey"], first["source"], first["door"], first["number"], steps)


def _ups(journey: Journey, row: Row) -> dict[str, Any]:
    kind, _, code = row["code"].partition("/")
    at = datetime.fromisoformat(row["at"])
    gmt = datetime.fromtimestamp(at.timestamp(), tz=at.tzinfo) - (at.utcoffset() or at - at)
    return {
        "trackingNumber": journey.number, "localActivityDate": f"{at:%Y%m%d}", "localActivityTime": f"{at:%H%M%S}",
        "activityLocation": {
            "city": row["city"], "stateProvince": row["region"], "postalCode": row["postcode"], "country": row["country"],
        },
        "activityStatus": {"type": kind, "code": code, "description": row["text"]},
        "gmtActivityDate": f"{gmt:%Y%m%d}", "gmtActivityTime": f"{gmt:%H%M%S}",
    }  # fmt: skip


def _usps(journey: Journey, row: Row) -> dict[str, Any]:
    event = {
        "eventCode": row["code"], "eventType": row["text"], "eventTimestamp": row["at"], "eventCity": row["city"],
        "eventState": row["region"], "eventZIP": row["postcode"], "eventCountry": row["country"] or None,
    }  # fmt: skip
    return {"trackingNumber": journey.number, "trackingEvents": [event]}


def _fedex(journey: Journey, row: Row) -> dict[str, Any]:
    event = {
        "date": row["at"], "eventType": row["code"], "eventDescription": row["text"],
        "scanLocation": {
            "city": row["city"], "stateOrProvinceCode": row["region"], "postalCode": row["postcode"],
            "countryCode": row["country"],
        },
    }  # fmt: skip
    result = {"trackingNumberInfo": {"trackingNumber": journey.number}, "scanEvents": [event]}
    return {"output": {"completeTrackResults": [{"trackResults": [result]}]}}


def _dhl(journey: Journey, row: Row) -> dict[str, Any]:
    address = {"addressLocality": row["city"], "postalCode": row["postcode"], "countryCode": row["country"]}
    event = {
        "timestamp": row["at"], "statusCode": row["code"], "description": row["text"], "location": {"address": address},
    }  # fmt: skip
    return {"shipments": [{"id": journey.number, "events": [event]}]}


def _dpd(journey: Journey, row: Row) -> dict[str, str]:
    at = datetime.fromisoformat(row["at"])
    return {"pushid": "1", "pnr": journey.number, "status": row["code"], "statusdate": f"{at:%d%m%Y%H%M%S}"}


def _generic(journey: Journey, row: Row) -> dict[str, Any]:
    place = {name: row[name] for name in ("city", "region", "postcode", "country")}
    scan = {
        "carrier": journey.carrier, "tracking_number": journey.number, "code": row["code"], "text": row["text"],
        "scanned_at": row["at"], "place": place,
    }  # fmt: skip
    if row["retracts"]:
        code, _, at = row["retracts"].partition(" ")
        scan["retracts"] = {"code": code, "scanned_at": at}
    return {"scans": [scan]}


MESSAGES: Mapping[str, Callable[[Journey, Row], dict[str, Any]]] = {
    "ups": _ups, "usps": _usps, "fedex": _fedex, "dhl-de": _dhl, "dpd-de": _dpd, "generic": _generic,
}  # fmt: skip
"""How a carrier writes one scan into a message of its webhook."""
