"""How a shipment is written for USPS Labels v3.

Source of names, limits and codes: the OpenAPI documents of developers.usps.com, Labels 3.9.13, SCAN Forms 3.1.14,
Carrier Pickup 3.1.8 (read 2026-06), and the "API Error Consolidated List" of github.com/USPS/api-examples.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from linkstar_contracts.values import Consignee, Parcel
from linkstar_labeler.carriers.remote.outcomes import NotSellable
from linkstar_labeler.carriers.remote.writing import (
    json_number,
    local_phone,
    sides_in,
    street_lines,
    truncated,
    weight_in,
)
from linkstar_labeler.domain.connector import LabelRequest, PickupRequest

__all__ = ["MAIL_CLASSES", "address", "label_body", "pickup_body", "scan_form_body"]

MAIL_CLASSES = {
    "ground_advantage": ("USPS_GROUND_ADVANTAGE", "SP"),
    "ground_advantage_cubic": ("USPS_GROUND_ADVANTAGE", "CP"),
    "priority_mail": ("PRIORITY_MAIL", "SP"),
    "priority_mail_cubic": ("PRIORITY_MAIL", "CP"),
}
"""Our service to `mailClass` and `rateIndicator`."""
_STATE_CODES = (
    "AA AE AL AK AP AS AZ AR CA CO CT DE DC FM FL GA GU HI ID IL IN IA KS KY LA ME MH MD MA MI MN MS MO MP MT NE NV NH "
    "NJ NM NY NC ND OH OK OR PW PA PR RI SC SD TN TX UT VT VI VA WA WV WI WY"
)
_STATES = frozenset(_STATE_CODES.split())
_TERRITORIES = frozenset({"US", "PR", "GU", "VI", "AS", "MP", "FM", "MH", "PW"})
_ZIP = re.compile(r"^(\d{5})(?:-?(\d{4}))?$")
_EMAIL = re.compile(r"^[a-zA-Z0-9_+&*-]+(?:\.[a-zA-Z0-9_+&*-]+)*@(?:[a-zA-Z0-9-]+\.)+[a-zA-Z]{2,}$")
_MOST_LB, _MOST_GIRTH_IN = Decimal(70), Decimal(130)
_MACHINABLE_LB, _MACHINABLE_IN = Decimal(25), (Decimal(22), Decimal(18), Decimal(15))
_SIGNATURE = 921


def label_body(request: LabelRequest, image_type: str) -> dict[str, Any]:
    """Return the body of `POST /label` and `/return-label`.

    It depends on the purchase and not on the attempt, because USPS gives back the first label only for a key that comes
    with an identical body.
    """
    mail_class, indicator = MAIL_CLASSES[request.service]
    return {
        "imageInfo": {"imageType": image_type, "labelType": "4X6LABEL", "receiptOption": "NONE"},
        "toAddress": address(request.receiver),
        "fromAddress": address(request.sender),
        "packageDescription": {
            "mailClass": mail_class,
            "rateIndicator": indicator,
            **_package(request.parcels[0]),
            "destinationEntryFacilityType": "NONE",
            "mailingDate": request.ship_on.isoformat(),
            "customerReference": [{"referenceNumber": request.purchase_key[:30].upper()}],
            "extraServices": [_SIGNATURE] if request.options.signature else [],
        },
    }


def _package(parcel: Parcel) -> dict[str, Any]:
    pounds = weight_in(parcel.weight, "lb", 4)
    length, width, height = sides_in(parcel.dimensions, "in", 2)
    if pounds > _MOST_LB:
        raise NotSellable("too_heavy", "USPS carries up to 70 lb")
    if length + 2 * (width + height) > _MOST_GIRTH_IN:
        raise NotSellable("too_large", "USPS carries up to 130 in of length and girth")
    fits = all(side <= most for side, most in zip((length, width, height), _MACHINABLE_IN, strict=True))
    return {
        "weightUOM": "lb", "weight": json_number(pounds),
        "dimensionsUOM": "in", "length": json_number(length), "width": json_number(width), "height": json_number(height),
        "processingCategory": "MACHINABLE" if fits and pounds <= _MACHINABLE_LB else "NONSTANDARD",
    }  # fmt: skip


def address(person: Consignee) -> dict[str, Any]:
    """Return an address with its addressee: first and last name, or the firm, are always required."""
    phone = local_phone(person.phone)
    email = person.email if len(person.email) <= 50 and _EMAIL.match(person.email) else ""
    return {
        **_place(person),
        **_addressee(person),
        **({"phone": phone} if phone else {}),
        **({"email": email} if email else {}),
    }


def _place(person: Consignee) -> dict[str, Any]:
    zip_code = _ZIP.match(person.postcode.strip())
    state = person.region.strip().upper() if person.country == "US" else person.country
    if person.country not in _TERRITORIES:
        raise NotSellable("destination_not_served", f"no domestic USPS service to {person.country}")
    if zip_code is None or state not in _STATES:
        raise NotSellable("bad_address", "a ZIP code and a two-letter state are required")
    lines = street_lines(person, 50, 2)
    return {
        "streetAddress": lines[0],
        **({"secondaryAddress": lines[1]} if len(lines) > 1 else {}),
        "city": truncated(person.city, 28),
        "state": state,
        "ZIPCode": zip_code[1],
        **({"ZIPPlus4": zip_code[2]} if zip_code[2] else {}),
    }


def _addressee(person: Consignee) -> dict[str, str]:
    first, _, last = truncated(person.name, 101).rpartition(" ")
    if not first:
        return {"firm": truncated(person.company or person.name, 50)}
    firm = {"firm": truncated(person.company, 50)} if person.company else {}
    return {"firstName": truncated(first, 50), "lastName": truncated(last, 50), **firm}


def scan_form_body(origin: Consignee, numbers: list[str], day: str) -> dict[str, Any]:
    """Return the body of `POST /scan-form` for these tracking numbers."""
    place = {**_place(origin), **_addressee(origin)}
    return {
        "imageInfo": {"imageType": "PDF", "labelType": "8.5X11LABEL"},
        "mailingDate": day,
        "overwriteMailingDate": True,
        "entryFacilityZIPCode": place["ZIPCode"],
        "destinationEntryFacilityType": "NONE",
        "shipment": {"trackingNumbers": numbers},
        "fromAddress": place,
    }


def pickup_body(request: PickupRequest, location: str) -> dict[str, Any]:
    """Return the body of `POST /carrier-pickup`: the weight in whole pounds, the first and last name always there."""
    who = _addressee(request.address)
    first, last = who.get("firstName", who.get("firm", "")), who.get("lastName", "Shipping")
    pounds = -(-request.weight_g * 100_000 // 45_359_237)
    return {
        "pickupDate": request.ready_at.date().isoformat(),
        "pickupAddress": {"firstName": first, "lastName": last, "address": _place(request.address)},
        "packages": [{"packageType": "USPS_GROUND_ADVANTAGE", "packageCount": request.parcels}],
        "estimatedWeight": max(pounds, 1),
        "pickupLocation": {"packageLocation": location},
    }
