"""A scan is the same scan whether the carrier calls with it or is asked for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from linkstar_carriers.replies import Node, Unreadable
from linkstar_carriers.scans import ToldScan
from linkstar_carriers.tracking.reading import fedex_scans, ups_scans, usps_scans
from linkstar_tracker.domain import webhook_bodies as bodies
from linkstar_tracker.jobs.intake import judge
from linkstar_tracker.jobs.polling import _report
from linkstar_tracker.store import DueParcel

NUMBER = "449044304137821"
LATEST = datetime(2030, 1, 1, tzinfo=UTC)

FEDEX_EVENT = {
    "date": "2026-06-09T11:20:00-04:00", "eventType": "DL", "eventDescription": "Delivered",
    "scanLocation": {"city": "New York", "stateOrProvinceCode": "NY", "postalCode": "10001", "countryCode": "US"},
}  # fmt: skip
FEDEX = {"trackingNumberInfo": {"trackingNumber": NUMBER}, "scanEvents": [FEDEX_EVENT]}
USPS = {
    "trackingNumber": NUMBER,
    "trackingEvents": [{
        "eventCode": "01", "eventType": "Delivered", "eventTimestamp": "2026-06-09T11:20:00", "eventCity": "NEW YORK",
        "eventState": "NY", "eventZIP": "10001", "eventCountry": None,
    }],
}  # fmt: skip
UPS_ALERT = {
    "trackingNumber": NUMBER, "localActivityDate": "20260609", "localActivityTime": "112000",
    "gmtActivityDate": "20260609", "gmtActivityTime": "152000",
    "activityLocation": {"city": "New York", "stateProvince": "NY", "postalCode": "10001", "country": "US"},
    "activityStatus": {"type": "X", "code": "48", "description": "Not in"},
}  # fmt: skip
UPS_ACTIVITY = {
    "date": "20260609", "time": "112000", "gmtOffset": "-04:00",
    "location": {"address": {
        "city": "New York", "stateProvince": "NY", "postalCode": "10001", "countryCode": "US",
    }},
    "status": {"type": "X", "code": "48", "description": "Not in"},
}  # fmt: skip


def ups(*packages: tuple[str, list[dict[str, Any]]]) -> dict[str, Any]:
    told = [{"trackingNumber": number, "activity": activities} for number, activities in packages]
    return {"trackResponse": {"shipment": [{"package": told}]}}


CALLED: dict[
    str, tuple[Callable[[Any], Iterator[bodies.Report]], Any, Callable[[Node, str], tuple[ToldScan, ...]], Any]
] = {
    "fedex": (bodies.fedex, {"completeTrackResults": [{"trackResults": [FEDEX]}]}, fedex_scans, FEDEX),
    "usps": (bodies.usps, USPS, usps_scans, USPS),
    "ups": (bodies.ups, UPS_ALERT, ups_scans, ups(("1ZOTHER", []), (NUMBER, [UPS_ACTIVITY]))),
}


@pytest.mark.parametrize("carrier", CALLED)
def test_called_or_asked_it_is_one_scan(carrier: str) -> None:
    called, body, asked, reply = CALLED[carrier]
    parcel = DueParcel(carrier, NUMBER, "demo", "s-1", None, 0, "", True, None)
    [by_call] = judge(called(body), LATEST).scans
    [by_poll] = judge([_report(parcel, told) for told in asked(Node(reply), NUMBER)], LATEST, "poll").scans
    assert by_poll.scan_id == by_call.scan_id
    assert by_poll.scanned_at == datetime(2026, 6, 9, 15, 20, tzinfo=UTC)
    assert (by_poll.source, by_call.source) == ("poll", "webhook")


@pytest.mark.parametrize("carrier", CALLED)
def test_another_parcels_scans_are_never_taken(carrier: str) -> None:
    *_, asked, reply = CALLED[carrier]
    with pytest.raises(Unreadable) as fault:
        asked(Node(reply), "449044304199999")
    assert fault.value.code in {"wrong_parcel", "field_missing"}
