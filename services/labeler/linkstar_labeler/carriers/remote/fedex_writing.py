"""How a shipment is written for the FedEx Ship API.

Source of names, limits and codes: FedEx's OpenAPI document "Ship API" 1.0.0 of developer.fedex.com (a copy read 2026-06).
"""

from __future__ import annotations

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
from linkstar_labeler.domain.connector import LabelRequest

__all__ = ["ECONOMY", "SERVICES", "ship_body"]

SERVICES = {
    "ground": "FEDEX_GROUND", "home_delivery": "GROUND_HOME_DELIVERY", "ground_economy": "SMART_POST",
    "2day": "FEDEX_2_DAY", "2day_am": "FEDEX_2_DAY_AM", "express_saver": "FEDEX_EXPRESS_SAVER",
    "standard_overnight": "STANDARD_OVERNIGHT", "priority_overnight": "PRIORITY_OVERNIGHT",
}  # fmt: skip
"""Our service to FedEx's."""
ECONOMY = "ground_economy"
_MOST_LB, _SYNCHRONOUS = Decimal(150), 40


def ship_body(request: LabelRequest, number: str, image: str, hub: str) -> dict[str, Any]:
    """Return the body of `POST /ship/v1/shipments`; more than 40 parcels are made by a job that is asked for later."""
    packages = [_package(parcel, request) for parcel in request.parcels]
    account = {"value": number}
    shipment: dict[str, Any] = {
        "shipDatestamp": request.ship_on.isoformat(),
        "shipper": _party(request.sender, request.receiver.phone),
        "recipients": [_party(request.receiver, request.sender.phone)],
        "pickupType": "USE_SCHEDULED_PICKUP",
        "serviceType": SERVICES[request.service],
        "packagingType": "YOUR_PACKAGING",
        "totalWeight": json_number(sum((weight_in(parcel.weight, "lb", 2) for parcel in request.parcels), Decimal(0))),
        "totalPackageCount": len(packages),
        "shippingChargesPayment": {"paymentType": "SENDER", "payor": {"responsibleParty": {"accountNumber": account}}},
        "labelSpecification": {
            "labelFormatType": "COMMON2D",
            "imageType": image,
            "labelStockType": "STOCK_4X6" if image == "ZPLII" else "PAPER_4X6",
        },
        "rateRequestType": ["ACCOUNT"],
        "requestedPackageLineItems": packages,
        **_special(request, hub),
    }
    return {
        "labelResponseOptions": "LABEL",
        "accountNumber": account,
        "processingOptionType": "ALLOW_ASYNCHRONOUS" if len(packages) > _SYNCHRONOUS else "SYNCHRONOUS_ONLY",
        "requestedShipment": shipment,
    }


def _special(request: LabelRequest, hub: str) -> dict[str, Any]:
    special: dict[str, Any] = {}
    if request.inbound:
        special["shipmentSpecialServices"] = {
            "specialServiceTypes": ["RETURN_SHIPMENT"],
            "returnShipmentDetail": {"returnType": "PRINT_RETURN_LABEL"},
        }
    if request.service == ECONOMY:
        if len(request.parcels) > 1:
            raise NotSellable("multi_parcel", "FedEx Ground Economy carries single parcels only")
        light = weight_in(request.parcels[0].weight, "lb", 4) < 1
        special["smartPostInfoDetail"] = {"hubId": hub, "indicia": "PRESORTED_STANDARD" if light else "PARCEL_SELECT"}
    return special


def _package(parcel: Parcel, request: LabelRequest) -> dict[str, Any]:
    pounds = weight_in(parcel.weight, "lb", 2)
    if pounds > _MOST_LB:
        raise NotSellable("too_heavy", "FedEx carries parcels of up to 150 lb")
    length, width, height = (int(side) for side in sides_in(parcel.dimensions, "in", 0))
    signed = {"packageSpecialServices": {"signatureOptionType": "DIRECT"}} if request.options.signature else {}
    return {
        "sequenceNumber": parcel.number,
        "weight": {"units": "LB", "value": json_number(pounds)},
        "dimensions": {"length": length, "width": width, "height": height, "units": "IN"},
        "customerReferences": [{"customerReferenceType": "CUSTOMER_REFERENCE", "value": request.reference}],
        **signed,
    }


def _party(person: Consignee, other_phone: str) -> dict[str, Any]:
    """Return one end of the shipment. FedEx wants a telephone number: without one, the other end's is given."""
    phone = local_phone(person.phone, 15, 10) or local_phone(other_phone, 15, 10)
    if not phone:
        raise NotSellable("phone_required", "FedEx wants a telephone number of at least ten digits")
    if person.country in ("US", "CA") and len(person.region.strip()) != 2:
        raise NotSellable("bad_address", "a two-letter state or province is required")
    company = {"companyName": truncated(person.company, 35)} if person.company else {}
    region = {"stateOrProvinceCode": person.region.strip().upper()} if person.country in ("US", "CA") else {}
    return {
        "address": {
            "streetLines": street_lines(person, 35, 3),
            "city": truncated(person.city, 35),
            **region,
            "postalCode": truncated(person.postcode, 10),
            "countryCode": person.country,
            "residential": not person.company,
        },
        "contact": {"personName": truncated(person.name, 70), "phoneNumber": phone, **company},
    }
