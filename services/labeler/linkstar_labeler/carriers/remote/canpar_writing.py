"""How a shipment is written for Canpar's CanshipBusinessService.

Source of operations, names and types: the service's WSDL (canship.canpar.com/canshipws/services/CanshipBusinessService),
which could not be read itself; its content as public generated code shows it (github.com/MarkusPayne/php-canpar-api-wrapper,
and Karrio's Canpar connector for namespaces and the form of an answer).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linkstar_carriers.soap import envelope
from linkstar_contracts.values import Consignee, Parcel
from linkstar_labeler.carriers.remote.outcomes import NotSellable
from linkstar_labeler.carriers.remote.writing import local_phone, sides_in, street_lines, truncated, weight_in
from linkstar_labeler.domain.connector import LabelRequest

__all__ = ["SERVICES", "asked", "shipment"]

SERVICES = {"ground": "1"}
"""Our service to Canpar's `service_type`."""
_NAMESPACES = {
    "ws": "http://ws.business.canshipws.canpar.com",
    "rq": "http://ws.dto.canshipws.canpar.com/xsd",
    "dto": "http://dto.canshipws.canpar.com/xsd",
}
_MOST_LB = 150


def asked(operation: str, fields: Mapping[str, Any]) -> bytes:
    """Return the envelope of an operation. The service's sequences are alphabetical, so the fields are sorted."""
    request = {f"rq:{name}": _prefixed(fields[name]) for name in sorted(fields)}
    return envelope(f"ws:{operation}", _NAMESPACES, {"ws:request": request})


def _prefixed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {f"dto:{name}": _prefixed(value[name]) for name in sorted(value)}
    return [_prefixed(item) for item in value] if isinstance(value, list) else value


def shipment(request: LabelRequest, shipper: str) -> dict[str, Any]:
    """Return the shipment of `processShipment`: pounds and inches, our reference on every package."""
    return {
        "shipper_num": shipper,
        "service_type": SERVICES[request.service],
        "shipping_date": f"{request.ship_on.isoformat()}T00:00:00.000Z",
        "reported_weight_unit": "L",
        "dimention_unit": "I",
        "nsr": not request.options.signature,
        "pickup_address": _address(request.sender),
        "delivery_address": _address(request.receiver),
        "packages": [_package(parcel, request.reference) for parcel in request.parcels],
    }


def _package(parcel: Parcel, reference: str) -> dict[str, Any]:
    pounds = weight_in(parcel.weight, "lb", 1)
    if pounds > _MOST_LB:
        raise NotSellable("too_heavy", "Canpar carries parcels of up to 150 lb")
    length, width, height = sides_in(parcel.dimensions, "in", 1)
    return {"reference": reference, "reported_weight": pounds, "length": length, "width": width, "height": height}


def _address(person: Consignee) -> dict[str, Any]:
    if person.country != "CA" or len(person.region.strip()) != 2:
        raise NotSellable(
            "destination_not_served", "Canpar Ground carries within Canada; a two-letter province is required"
        )
    street, *more = street_lines(person, 40, 3)
    phone = local_phone(person.phone, 15, 10)
    return {
        "name": truncated(person.company or person.name, 40),
        "attention": truncated(person.name, 40),
        "address_line_1": street,
        **{f"address_line_{at}": line for at, line in enumerate(more, 2)},
        "city": truncated(person.city, 40),
        "province": person.region.strip().upper(),
        "postal_code": person.postcode.replace(" ", "").upper(),
        "country": "CA",
        "residential": not person.company,
        **({"phone": phone} if phone else {}),
    }
