"""Carriers' own messages, as their documents print them, become scans; the hub's clock and UTC agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from linkstar_tracker.domain import webhook_bodies as bodies
from linkstar_tracker.domain.meanings import StatusMap
from linkstar_tracker.domain.reports import ScanReport
from linkstar_tracker.domain.scans import Scan

MAP = StatusMap.shipped()
UPS = {
    "trackingNumber": "1Z204W4R0308071865", "localActivityDate": "20240423", "localActivityTime": "095004",
    "activityLocation": {"city": "CHARLOTTE", "stateProvince": "NC", "postalCode": "28209", "country": "US"},
    "activityStatus": {"type": "D", "code": "FS", "description": "Delivered", "descriptionCode": "011"},
    "scheduledDeliveryDate": "", "actualDeliveryDate": "20240423", "actualDeliveryTime": "095004",
    "gmtActivityDate": "20240423", "gmtActivityTime": "135004", "deliveryStartTime": "", "deliveryEndTime": "",
}  # fmt: skip
USPS = {
    "trackingNumber": "9400100000000000000001",
    "trackingEvents": [
        {"eventType": "Out for Delivery", "eventTimestamp": "2026-06-09T07:10:00", "eventCode": "OF",
         "eventCity": "RENO", "eventState": "NV", "eventZIP": "89501", "eventCountry": None},
        {"eventType": "Accepted", "eventTimestamp": "2026-06-08T16:00:00Z", "eventCode": "03", "eventCity": "LOS ANGELES",
         "eventState": "CA", "eventZIP": "90058"},
    ],
}  # fmt: skip
FEDEX = {
    "output": {"completeTrackResults": [{"trackingNumber": "449044304137821", "trackResults": [{
        "trackingNumberInfo": {"trackingNumber": "449044304137821", "carrierCode": "FDXE"},
        "scanEvents": [{
            "date": "2026-06-09T11:20:00-04:00", "eventType": "DL", "eventDescription": "Delivered",
            "scanLocation": {"city": "NEW YORK", "stateOrProvinceCode": "NY", "postalCode": "10001", "countryCode": "US"},
        }],
    }]}]}
}  # fmt: skip
DHL = {
    "shipments": [{
        "id": "00340434292135100186", "service": "parcel-de",
        "events": [{
            "timestamp": "2026-06-09T09:02:00+02:00", "statusCode": "transit", "status": "Arrived",
            "location": {"address": {"addressLocality": "Hannover", "countryCode": "DE"}},
        }],
    }]
}  # fmt: skip
DPD = {
    "pushid": "7",
    "pnr": "01234567890123",
    "depot": "0163",
    "status": "delivery_carload",
    "statusdate": "09062026081500",
}


def scans(reports: Iterator[dict[str, Any]]) -> list[Scan]:
    return [ScanReport.model_validate(report, extra="forbid").scan() for report in reports]


def facts(scan: Scan) -> tuple[str, ...]:
    status = MAP.meaning(scan.carrier, scan.code).status
    return scan.tracking_number, status.value if status else "", scan.scanned_at.isoformat(), scan.scanned_local


@pytest.mark.parametrize(
    ("read", "body", "known"),
    [
        (bodies.ups, UPS, [("1Z204W4R0308071865", "delivered", "2024-04-23T13:50:04+00:00", "2024-04-23T09:50:04-04:00")]),
        (
            bodies.usps, USPS,
            [
                ("9400100000000000000001", "out_for_delivery", "2026-06-09T14:10:00+00:00", "2026-06-09T07:10:00"),
                ("9400100000000000000001", "accepted", "2026-06-08T16:00:00+00:00", ""),
            ],
        ),
        (
            bodies.fedex, FEDEX,
            [("449044304137821", "delivered", "2026-06-09T15:20:00+00:00", "2026-06-09T11:20:00-04:00")],
        ),
        (
            bodies.dhl, DHL,
            [("00340434292135100186", "in_transit", "2026-06-09T07:02:00+00:00", "2026-06-09T09:02:00+02:00")],
        ),
        (
            bodies.dpd, DPD,
            [("01234567890123", "out_for_delivery", "2026-06-09T06:15:00+00:00", "2026-06-09T08:15:00")],
        ),
    ],
)  # fmt: skip
def test_a_carriers_message_is_read(read: Any, body: Any, known: list[tuple[str, ...]]) -> None:
    assert [facts(scan) for scan in scans(read(body))] == known


def test_what_the_webhook_and_the_track_call_tell_of_one_event_is_one_scan() -> None:
    [pushed] = scans(bodies.fedex(FEDEX))
    [bare] = scans(bodies.fedex(FEDEX["output"]))
    assert pushed == bare
    place = {"city": "CHARLOTTE", "region": "NC", "postcode": "28209", "country": "US"}
    polled = {"carrier": "ups", "tracking_number": "1Z204W4R0308071865", "code": "FS", "place": place}
    asked = ScanReport.model_validate(polled | {"scanned_at": "2024-04-23T09:50:04-04:00"}).scan("poll")
    assert [each.scan_id for each in scans(bodies.ups(UPS))] == [asked.scan_id]


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (bodies.ups, {}), (bodies.ups, []), (bodies.ups, {**UPS, "activityStatus": {"type": "D"}}),
        (bodies.usps, {"trackingNumber": "1"}), (bodies.fedex, {"output": 3}), (bodies.fedex, None),
        (bodies.dhl, {"shipments": [{"events": []}]}), (bodies.dpd, {**DPD, "statusdate": "today"}),
        (bodies.generic, {"scans": []}), (bodies.generic, {"scans": [{}], "more": 1}),
    ],
)  # fmt: skip
def test_what_no_document_shows_is_refused(read: Any, body: Any) -> None:
    with pytest.raises(ValidationError):
        list(read(body))


def test_a_day_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unconverted|does not match|out of range"):
        list(bodies.ups({**UPS, "gmtActivityDate": "20241399"}))


def test_numbers_are_found_in_bodies_of_unknown_shape() -> None:
    body = {"event": {"Barcode": "H001234567890123", "parcels": [{"trackingNumber": 15501234567890}, {"id": "x"}]}}
    assert sorted(bodies.hinted(body)) == ["15501234567890", "H001234567890123"]
    assert bodies.hinted({"weather": "rain"}) == bodies.hinted([1, "2"]) == []
