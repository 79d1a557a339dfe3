"""Reading the scans of a parcel from the replies of USPS, UPS and FedEx.

Source of names: USPS "Tracking" 3.x of developers.usps.com; `Tracking.yaml` of github.com/UPS-API/api-documentation; FedEx
"Track API" 1.0.0 of developer.fedex.com. A field that is missing is empty; a time that is none makes the reply unreadable.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from linkstar_labeler.carriers.remote.replies import Node, Unreadable
from linkstar_labeler.domain.scans import Scan

__all__ = ["fedex_scans", "ups_scans", "usps_scans"]


def usps_scans(root: Node) -> tuple[Scan, ...]:
    """Read the events of one number."""
    root["trackingNumber"].text(40)
    return _ordered(
        Scan(
            _text(event["eventCode"], 40), _text(event["eventType"]), _time(event["eventTimestamp"]),
            _text(event["eventCity"], 80), _text(event["eventState"], 40), _text(event["eventZIP"], 16),
            _text(event["eventCountry"], 2) or "US",
        )
        for event in root["trackingEvents"]
    )  # fmt: skip


def ups_scans(root: Node) -> tuple[Scan, ...]:
    """Read the activities of the first package: the one that was asked for."""
    package = root["trackResponse"]["shipment"].first()["package"].first()
    package["trackingNumber"].text(40)
    return _ordered(_ups_scan(activity) for activity in package["activity"])


def fedex_scans(result: Node) -> tuple[Scan, ...]:
    """Read the scan events of one track result."""
    return _ordered(
        Scan(
            _text(event["eventType"], 40), _text(event["eventDescription"]), _time(event["date"]),
            *_fedex_place(event["scanLocation"]),
        )
        for event in result["scanEvents"]
    )  # fmt: skip


def _ups_scan(activity: Node) -> Scan:
    status, place = activity["status"], activity["location"]["address"]
    day, clock, offset = activity["date"].text(8), activity["time"].text(6), activity["gmtOffset"].text_or("")
    written = f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}{offset}"
    return Scan(
        _text(status["code"], 40), _text(status["description"]), _time(Node(written, activity.path)),
        _text(place["city"], 80), _text(place["stateProvince"], 40), _text(place["postalCode"], 16),
        _text(place["countryCode"], 2),
    )  # fmt: skip


def _fedex_place(place: Node) -> tuple[str, str, str, str]:
    return (
        _text(place["city"], 80), _text(place["stateOrProvinceCode"], 40), _text(place["postalCode"], 16),
        _text(place["countryCode"], 2),
    )  # fmt: skip


def _text(place: Node, most: int = 200) -> str:
    return place.text_or("")[:most]


def _time(place: Node) -> str:
    written = place.text(40)
    try:
        datetime.fromisoformat(written)
    except ValueError:
        raise Unreadable("bad_time", place.path) from None
    return written


def _ordered(scans: Iterable[Scan]) -> tuple[Scan, ...]:
    """Carriers tell the newest first."""
    return tuple(scans)[::-1]
