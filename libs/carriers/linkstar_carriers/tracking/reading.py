"""Reading the scans of a parcel from the replies of USPS, UPS and FedEx.

Source of names: USPS "Tracking" 3.x of developers.usps.com; `Tracking.yaml` of github.com/UPS-API/api-documentation; FedEx
"Track API" 1.0.0 of developer.fedex.com. A field that is missing is empty; a time that is none makes the reply unreadable.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from linkstar_carriers.replies import Node, Unreadable
from linkstar_carriers.scans import ToldScan

__all__ = ["fedex_scans", "ups_scans", "usps_scans"]


def usps_scans(root: Node, number: str) -> tuple[ToldScan, ...]:
    """Read the events of the number that was asked for."""
    _about(number, root["trackingNumber"])
    return _ordered(
        ToldScan(
            _text(event["eventCode"], 40), _text(event["eventType"]), _time(event["eventTimestamp"]),
            _text(event["eventCity"], 80), _text(event["eventState"], 40), _text(event["eventZIP"], 16),
            _text(event["eventCountry"], 2) or "US",
        )
        for event in root["trackingEvents"]
    )  # fmt: skip


def ups_scans(root: Node, number: str) -> tuple[ToldScan, ...]:
    """Read the activities of the package that was asked for: the reply may hold the others of its shipment."""
    packages = [one for each in root["trackResponse"]["shipment"] for one in each["package"]]
    wanted = [one for one in packages if _same(number, one["trackingNumber"])]
    package = wanted[0] if wanted else Node(None, "reply.package")
    _about(number, package["trackingNumber"])
    return _ordered(_ups_scan(activity) for activity in package["activity"])


def fedex_scans(result: Node, number: str) -> tuple[ToldScan, ...]:
    """Read the scan events of one track result."""
    _about(number, result["trackingNumberInfo"]["trackingNumber"])
    return _ordered(
        ToldScan(
            _text(event["eventType"], 40), _text(event["eventDescription"]), _time(event["date"]),
            *_fedex_place(event["scanLocation"]),
        )
        for event in result["scanEvents"]
    )  # fmt: skip


def _ups_scan(activity: Node) -> ToldScan:
    status, place = activity["status"], activity["location"]["address"]
    day, clock, offset = activity["date"].text(8), activity["time"].text(6), activity["gmtOffset"].text_or("")
    written = f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}{offset}"
    return ToldScan(
        _ups_code(status), _text(status["description"]), _time(Node(written, activity.path)),
        _text(place["city"], 80), _text(place["stateProvince"], 40), _text(place["postalCode"], 16),
        _text(place["countryCode"], 2),
    )  # fmt: skip


def _ups_code(status: Node) -> str:
    """Codes are unique within a type only: all but those of parcels on their way and delivered are written `TYPE/CODE`."""
    code, kind = _text(status["code"], 30), _text(status["type"], 8)
    return code if kind in {"", "I", "D"} else f"{kind}/{code}"


def _fedex_place(place: Node) -> tuple[str, str, str, str]:
    return (
        _text(place["city"], 80), _text(place["stateOrProvinceCode"], 40), _text(place["postalCode"], 16),
        _text(place["countryCode"], 2),
    )  # fmt: skip


def _about(number: str, told: Node) -> None:
    """Raise unless the reply is about this number: another parcel's scans are never taken for its own."""
    told.text(40)
    if not _same(number, told):
        raise Unreadable("wrong_parcel", told.path)


def _same(number: str, told: Node) -> bool:
    return "".join(told.text_or("").split()).upper() == number


def _text(place: Node, most: int = 200) -> str:
    return place.text_or("")[:most]


def _time(place: Node) -> str:
    written = place.text(40)
    try:
        datetime.fromisoformat(written)
    except ValueError:
        raise Unreadable("bad_time", place.path) from None
    return written


def _ordered(scans: Iterable[ToldScan]) -> tuple[ToldScan, ...]:
    """Carriers tell the newest first."""
    return tuple(scans)[::-1]
