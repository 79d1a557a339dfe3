"""How a shipment is written for the UPS Shipping API.

Source of names, limits and codes: Shipping.yaml of github.com/UPS-API/api-documentation (commit e6f36df, 2026-07). The
codes 92 and 93 of Ground Saver (formerly SurePost) stand in no published document of UPS that could be read; they are
those that several public integrations use.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from linkstar_contracts.values import Consignee, Parcel
from linkstar_labeler.carriers.remote.outcomes import NotSellable
from linkstar_labeler.carriers.remote.writing import local_phone, sides_in, street_lines, truncated, weight_in
from linkstar_labeler.domain.connector import LabelRequest

__all__ = ["SERVICES", "is_domestic", "recovery_body", "ship_body"]

SERVICES = {
    "ground": "03", "2nd_day_air": "02", "3_day_select": "12", "next_day_air": "01", "next_day_air_saver": "13",
    "ground_saver": "93",
}  # fmt: skip
"""Our service to UPS's."""
_GROUND_SAVER, _GROUND_SAVER_UNDER_1_LB = "93", "92"
_PRINT_RETURN_LABEL = "9"
_MOST_LB = Decimal(150)
_OUNCES = Decimal(16)


def is_domestic(request: LabelRequest) -> bool:
    """Both ends in the United States: then references stand on the packages, else on the shipment."""
    return {request.sender.country, request.receiver.country} <= {"US", "PR"}


def ship_body(request: LabelRequest, shipper_number: str, image: str) -> dict[str, Any]:
    """Return the body of `POST /shipments/{version}/ship`."""
    owner = request.receiver if request.inbound else request.sender
    service = _service(request)
    packages = [_package(parcel, request, service) for parcel in request.parcels]
    shipment: dict[str, Any] = {
        "Description": "Merchandise",
        "Shipper": {**_party(owner, owner.company or owner.name), "ShipperNumber": shipper_number},
        "ShipTo": _recipient(request.receiver),
        "ShipFrom": _party(request.sender, request.sender.company or request.sender.name),
        "PaymentInformation": {
            "ShipmentCharge": [{"Type": "01", "BillShipper": {"AccountNumber": shipper_number}}],
        },
        "ShipmentRatingOptions": {"NegotiatedRatesIndicator": "Y"},
        "Service": {"Code": service},
        "ShipmentDate": request.ship_on.strftime("%Y%m%d"),
        "Package": packages,
        **({"ReturnService": {"Code": _PRINT_RETURN_LABEL}} if request.inbound else {}),
        **({} if is_domestic(request) else {"ReferenceNumber": [{"Value": request.reference}]}),
    }  # fmt: skip
    return {
        "ShipmentRequest": {
            "Request": {"RequestOption": "nonvalidate", "TransactionReference": {"CustomerContext": request.reference}},
            "Shipment": shipment,
            "LabelSpecification": _label(image),
        }
    }


def recovery_body(reference: str, shipper_number: str, image: str) -> dict[str, Any]:
    """Return the body of `POST /labels/{version}/recovery`."""
    values = {"ReferenceNumber": {"Value": reference}, "ShipperNumber": shipper_number}
    return {"LabelRecoveryRequest": {"Request": {}, "LabelSpecification": _label(image), "ReferenceValues": values}}


def _label(image: str) -> dict[str, Any]:
    return {"LabelImageFormat": {"Code": image}, "LabelStockSize": {"Height": "6", "Width": "4"}}


def _service(request: LabelRequest) -> str:
    code = SERVICES[request.service]
    if code != _GROUND_SAVER:
        return code
    if len(request.parcels) > 1:
        raise NotSellable("multi_parcel", "UPS Ground Saver carries single parcels only")
    return _GROUND_SAVER_UNDER_1_LB if weight_in(request.parcels[0].weight, "lb", 4) < 1 else code


def _package(parcel: Parcel, request: LabelRequest, service: str) -> dict[str, Any]:
    pounds = weight_in(parcel.weight, "lb", 1)
    if pounds > _MOST_LB:
        raise NotSellable("too_heavy", "UPS carries up to 150 lb")
    unit, weight = ("LBS", pounds)
    if service == _GROUND_SAVER_UNDER_1_LB:
        unit, weight = "OZS", min(weight_in(parcel.weight, "oz", 1), _OUNCES)
    sides = [str(side) for side in sides_in(parcel.dimensions, "in", 0)]
    signed = {"PackageServiceOptions": {"DeliveryConfirmation": {"DCISType": "2"}}} if request.options.signature else {}
    return {
        "Description": "Merchandise",
        "Packaging": {"Code": "02"},
        "Dimensions": {"UnitOfMeasurement": {"Code": "IN"}, "Length": sides[0], "Width": sides[1], "Height": sides[2]},
        "PackageWeight": {"UnitOfMeasurement": {"Code": unit}, "Weight": str(weight)},
        **({"ReferenceNumber": [{"Value": request.reference}]} if is_domestic(request) else {}),
        **signed,
    }


def _recipient(person: Consignee) -> dict[str, Any]:
    party = _party(person, person.company or person.name)
    if not person.company:
        party["Address"]["ResidentialAddressIndicator"] = ""
    return party


def _party(person: Consignee, name: str) -> dict[str, Any]:
    if person.country in ("US", "CA", "PR") and len(person.region.strip()) != 2:
        raise NotSellable("bad_address", "a two-letter state or province is required")
    phone = local_phone(person.phone, 15, 10)
    return {
        "Name": truncated(name, 35),
        "AttentionName": truncated(person.name, 35),
        **({"Phone": {"Number": phone}} if phone else {}),
        "Address": {
            "AddressLine": street_lines(person, 35, 3),
            "City": truncated(person.city, 30),
            "StateProvinceCode": person.region.strip().upper()[:5],
            "PostalCode": "".join(character for character in person.postcode if character.isalnum())[:9],
            "CountryCode": person.country,
        },
    }
