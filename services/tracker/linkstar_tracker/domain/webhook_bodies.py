"""What carriers write in their webhooks, read as reports of scans. Unknown fields are passed over, missing ones are empty.

Sources: UPS `UPSTrackAlert.yaml`; USPS "Subscriptions - Tracking" 3 (the events of Tracking 3); FedEx Advanced Integrated
Visibility (the Track API's reply); DHL "Shipment Tracking - Unified" push; DPD tracking push (its query).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

__all__ = ["Report", "dhl", "dpd", "fedex", "generic", "hinted", "ups", "usps"]

Report: TypeAlias = dict[str, Any]
"""One scan as `ScanReport` reads it."""
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]

_NUMBER_NAMES = frozenset({"trackingnumber", "tracking_number", "barcode", "parcelnumber", "pnr", "shipmentid", "id"})
_MOST_NUMBERS = 500
_UPS_PLAIN = frozenset({"", "I", "D"})


class _Told(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, coerce_numbers_to_str=True)


class _UpsPlace(_Told):
    city: Text = ""
    state_province: Text = ""
    postal_code: Text = ""
    country: Text = ""


class _UpsStatus(_Told):
    type: Text = ""
    code: str
    description: Text = ""


class _UpsEvent(_Told):
    tracking_number: str
    local_activity_date: Text = ""
    local_activity_time: Text = ""
    gmt_activity_date: str
    gmt_activity_time: str
    activity_location: _UpsPlace = _UpsPlace()
    activity_status: _UpsStatus


def ups(body: Any) -> Iterator[Report]:
    """Read one Track Alert message: the instant in GMT, the clock on the spot with the offset between both."""
    event = _UpsEvent.model_validate(body)
    at = _compact(event.gmt_activity_date, event.gmt_activity_time)
    place, local = event.activity_location, ""
    if event.local_activity_date and event.local_activity_time:
        there = _compact(event.local_activity_date, event.local_activity_time)
        local = there.isoformat()[:19] + _offset(there, at)
    yield _report(
        "ups", event.tracking_number, _ups_code(event.activity_status), event.activity_status.description,
        _place(place.city, place.state_province, place.postal_code, place.country),
        scanned_at=at.isoformat(), scanned_local=local,
    )  # fmt: skip


def _ups_code(status: _UpsStatus) -> str:
    """Codes are unique within a type only (`OT`: out for delivery, or customs asks the sender): all but those of parcels
    on their way and delivered are written `TYPE/CODE`.
    """
    return status.code if status.type in _UPS_PLAIN else f"{status.type}/{status.code}"


class _UspsEvent(_Told):
    event_code: str
    event_type: Text = ""
    event_timestamp: str
    event_city: Text = ""
    event_state: Text = ""
    event_zip: Text = Field("", validation_alias=AliasChoices("eventZIP", "eventZip", "eventZIPCode"))
    event_country: Text = ""


class _UspsParcel(_Told):
    tracking_number: str
    tracking_events: Annotated[list[_UspsEvent], Field(max_length=500)]


def usps(body: Any) -> Iterator[Report]:
    """Read a notification: its times are local, of the place of the event, where they bear no offset."""
    parcel = _UspsParcel.model_validate(body)
    for event in parcel.tracking_events:
        place = _place(event.event_city, event.event_state, event.event_zip, event.event_country or "US")
        yield _report(
            "usps", parcel.tracking_number, event.event_code, event.event_type, place, **_moment(event.event_timestamp)
        )


class _FedexPlace(_Told):
    city: Text = ""
    state_or_province_code: Text = ""
    postal_code: Text = ""
    country_code: Text = ""


class _FedexEvent(_Told):
    date: str
    event_type: str
    event_description: Text = ""
    scan_location: _FedexPlace = _FedexPlace()


class _FedexNumber(_Told):
    tracking_number: str


class _FedexResult(_Told):
    tracking_number_info: _FedexNumber
    scan_events: Annotated[list[_FedexEvent], Field(max_length=500)] = []


class _FedexResults(_Told):
    track_results: Annotated[list[_FedexResult], Field(max_length=100)]


class _FedexOutput(_Told):
    complete_track_results: Annotated[list[_FedexResults], Field(max_length=100)]


def fedex(body: Any) -> Iterator[Report]:
    """Read a notification: the reply of the Track API, with or without its `output` around it."""
    told = body.get("output", body) if isinstance(body, dict) else body
    for results in _FedexOutput.model_validate(told).complete_track_results:
        for result in results.track_results:
            for event in result.scan_events:
                spot = event.scan_location
                place = _place(spot.city, spot.state_or_province_code, spot.postal_code, spot.country_code)
                yield _report(
                    "fedex", result.tracking_number_info.tracking_number, event.event_type, event.event_description,
                    place, **_moment(event.date),
                )  # fmt: skip


class _DhlAddress(_Told):
    address_locality: Text = ""
    postal_code: Text = ""
    country_code: Text = ""


class _DhlPlace(_Told):
    address: _DhlAddress = _DhlAddress()


class _DhlEvent(_Told):
    timestamp: str
    status_code: str
    description: Text = Field("", validation_alias=AliasChoices("description", "status"))
    location: _DhlPlace = _DhlPlace()


class _DhlShipment(_Told):
    id: str
    events: Annotated[list[_DhlEvent], Field(max_length=500)] = []


class _DhlPush(_Told):
    shipments: Annotated[list[_DhlShipment], Field(max_length=100)]


def dhl(body: Any) -> Iterator[Report]:
    """Read a unified push: statuses common to all of DHL, coarser than the events of its parcel service."""
    for shipment in _DhlPush.model_validate(body).shipments:
        for event in shipment.events:
            spot = event.location.address
            place = _place(spot.address_locality, "", spot.postal_code, spot.country_code or "DE")
            yield _report(
                "dhl-de", shipment.id, event.status_code, event.description, place, **_moment(event.timestamp)
            )


class _DpdPush(BaseModel):
    pnr: str
    status: str
    statusdate: Annotated[str, Field(pattern=r"^\d{14}$")]
    depot: str = ""


def dpd(query: Any) -> Iterator[Report]:
    """Read a push: all of it stands in the query, day first, on German clocks."""
    push = _DpdPush.model_validate(query)
    day, clock = push.statusdate[:8], push.statusdate[8:]
    local = f"{day[4:]}-{day[2:4]}-{day[:2]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}"
    text = f"depot {push.depot}" if push.depot else ""
    place = _place("", "", "", "DE")
    yield _report("dpd-de", push.pnr, push.status, text, place, scanned_local=local, timezone="Europe/Berlin")


class _Batch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    scans: Annotated[list[Any], Field(min_length=1, max_length=500)]


def generic(body: Any) -> Iterator[Report]:
    """Read the body of `POST /v1/scans`."""
    yield from _Batch.model_validate(body).scans


def hinted(told: Any) -> list[str]:
    """Return what may be tracking numbers in a body of unknown shape: the values of fields that are called so."""
    found: dict[str, None] = {}
    waiting = [told]
    while waiting and len(found) < _MOST_NUMBERS:
        each = waiting.pop()
        if isinstance(each, dict):
            found |= {str(value): None for name, value in each.items() if _names_number(name, value)}
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return list(found)


def _names_number(name: str, value: object) -> bool:
    return name.lower() in _NUMBER_NAMES and isinstance(value, str | int) and 6 <= len(str(value).strip()) <= 40


def _report(carrier: str, number: str, code: str, text: str, place: Report, **moment: str) -> Report:
    return {
        "carrier": carrier, "tracking_number": number, "code": code, "text": " ".join(text.split())[:200],
        "place": place, **moment,
    }  # fmt: skip


def _place(city: str, region: str, postcode: str, country: str) -> Report:
    return {"city": city, "region": region, "postcode": postcode, "country": country.upper()}


def _moment(written: str) -> Report:
    """A time with an offset tells the instant; one without is the clock on the spot."""
    try:
        bears_offset = datetime.fromisoformat(written).tzinfo is not None
    except ValueError:
        bears_offset = True
    return {"scanned_at": written} if bears_offset else {"scanned_local": written}


def _compact(day: str, clock: str) -> datetime:
    return datetime.strptime(day + clock.rjust(6, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _offset(there: datetime, at: datetime) -> str:
    minutes = round((there - at).total_seconds() / 60)
    if abs(minutes) >= 24 * 60:
        return "+00:00"
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
