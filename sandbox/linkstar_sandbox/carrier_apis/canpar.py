"""A simulated Canpar: the SOAP operations LinkStar uses of CanshipBusinessService.

A documented simulator: names and types are those that public generated code of the service's WSDL shows
(github.com/MarkusPayne/php-canpar-api-wrapper); a name that is not among them is refused. Sentences and prices are this
simulator's own. A shipment processed twice is charged twice.
"""

from __future__ import annotations

import base64
import re
from datetime import datetime
from typing import Annotated, Any, Literal
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from linkstar_sandbox.carrier_apis.carrier import simulated
from linkstar_sandbox.carrier_apis.faults import FaultKind
from linkstar_sandbox.carrier_apis.faulty import FaultyRoute, flaw_of
from linkstar_sandbox.carrier_apis.ledger import Sale
from linkstar_sandbox.carrier_apis.magic import refusal_of, spoilt_by
from linkstar_sandbox.carrier_apis.printing import printed_label
from linkstar_sandbox.carrier_apis.world import CarrierError, World, world_of

__all__ = ["canpar"]

_PAGE = 10
_REFUSALS = {
    "undeliverable": "Delivery address is not valid",
    "no_service": "Service is not available for the postal code",
    "no_funds": "Shipper account is on credit hold",
}
_OPERATIONS = {
    "processShipment": "buy", "getLabels": "labels", "voidShipment": "void", "endOfDay": "manifest", "getManifest": "sheet",
    "searchShipmentsByReference": "recover", "searchShipmentsByShippingDate": "list",
}  # fmt: skip


class _Documented(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Address(_Documented):
    name: Annotated[str, Field(min_length=1, max_length=40)]
    attention: str = ""
    address_line_1: Annotated[str, Field(min_length=1, max_length=40)]
    address_line_2: Annotated[str, Field(max_length=40)] = ""
    address_line_3: Annotated[str, Field(max_length=40)] = ""
    city: Annotated[str, Field(min_length=1, max_length=40)]
    province: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    postal_code: Annotated[str, Field(pattern=r"^[A-Z]\d[A-Z]\d[A-Z]\d$")]
    country: Literal["CA"]
    residential: bool = False
    phone: str = ""


class _Package(_Documented):
    reference: str = ""
    reported_weight: Annotated[float, Field(gt=0, le=150)]
    length: Annotated[float, Field(gt=0)]
    width: Annotated[float, Field(gt=0)]
    height: Annotated[float, Field(gt=0)]


class _Shipment(_Documented):
    shipper_num: str
    service_type: Literal["1", "2", "3", "4", "5"]
    shipping_date: datetime
    reported_weight_unit: Literal["L", "K"]
    dimention_unit: Literal["I", "C"]
    nsr: bool = False
    pickup_address: _Address
    delivery_address: _Address
    packages: Annotated[list[_Package], Field(min_length=1)]


class _Signed(_Documented):
    user_id: str
    password: str


class _Process(_Signed):
    shipment: _Shipment


class _ById(_Signed):
    id: Annotated[str, Field(pattern=r"^\d+$")]
    thermal: bool = False


class _EndOfDay(_Signed):
    date: datetime
    shipper_num: str


class _GetManifest(_Signed):
    manifest_num: str
    shipper_num: str
    type: str = "F"


class _Search(_Signed):
    from_shipping_date: datetime
    to_shipping_date: datetime
    page_num: Annotated[int, Field(ge=1)]
    shipper_num: str
    reference: str = ""


_FORMS: dict[str, type[_Signed]] = {
    "processShipment": _Process, "getLabels": _ById, "voidShipment": _ById, "endOfDay": _EndOfDay,
    "getManifest": _GetManifest, "searchShipmentsByReference": _Search, "searchShipmentsByShippingDate": _Search,
}  # fmt: skip


class CanparRoute(FaultyRoute):
    """One address for all operations: what is asked for stands in the action of the content type, who asks in the body."""

    async def call_of(self, request: Request) -> tuple[str, str]:
        action = re.search(r"urn:(\w+)", request.headers.get("content-type", ""))
        user = re.search(rb"user_id>([^<]+)<", await request.body())
        return _OPERATIONS.get(action[1] if action else "", "unknown"), user[1].decode() if user else ""


router = APIRouter(route_class=CanparRoute)


def canpar(world: World) -> FastAPI:
    """Return the simulated carrier."""
    return simulated("canpar", router, world, lambda fault: {"error": fault.detail}, "invalid")


@router.post("/CanshipBusinessService.CanshipBusinessServiceHttpSoap12Endpoint/", name="soap")
async def service(request: Request) -> Response:
    operation, fields = _read(await request.body())
    world = world_of(request)
    try:
        asked = _FORMS[operation].model_validate(fields)
    except ValidationError as invalid:
        return _envelope(operation, {"error": f"The request is not valid: {invalid.errors(include_input=False)[0]}"})
    if asked.password != f"secret-{asked.user_id}":
        return _envelope(operation, {"error": "Invalid user id or password"})
    try:
        return _envelope(operation, {"error": None, **_carry_out(world, operation, asked, flaw_of(request))})
    except CarrierError as refused:
        return _envelope(operation, {"error": refused.detail})


def _carry_out(world: World, operation: str, asked: Any, flaw: FaultKind | None) -> dict[str, Any]:
    match operation:
        case "processShipment":
            return _process(world, asked, flaw)
        case "getLabels":
            sale = _known(world, asked)
            return {"labels": [_label(number, sale, flaw) for number in sale.tracking_numbers]}
        case "voidShipment":
            return _void(world, asked)
        case "endOfDay":
            return _close(world, asked)
        case "getManifest":
            return {"manifest": printed_label("pdf", f"Manifest {asked.manifest_num}")}
        case _:
            return _search(world, asked)


def _process(world: World, asked: _Process, flaw: FaultKind | None) -> dict[str, Any]:
    wanted = asked.shipment
    street = wanted.delivery_address.address_line_1
    if sentence := _REFUSALS.get(refusal_of(street)):
        return {"processShipmentResult": {"errors": [sentence]}}
    spoilt = spoilt_by(street, flaw)
    numbers = [f"D{world.ledger.serial():021d}" for _ in wanted.packages]
    charged = 1042 * len(numbers) + (333 if spoilt == FaultKind.PRICE_CHANGE else 0)
    sale = Sale(
        "canpar", asked.user_id, str(10_000_000 + world.ledger.serial()), numbers, charged, "CAD", world.clock.now(),
        wanted.service_type, reference=wanted.packages[0].reference, ship_on=wanted.shipping_date.date().isoformat(),
        facts={"flaw": spoilt},
    )  # fmt: skip
    return {"processShipmentResult": {"shipment": _shown(world.ledger.add(sale), spoilt)}}


def _void(world: World, asked: _ById) -> dict[str, Any]:
    sale = _known(world, asked)
    if sale.voided_at is not None or sale.manifest:
        raise CarrierError(400, "", "Shipment has been voided or manifested")
    sale.voided_at = world.clock.now()
    return {}


def _close(world: World, asked: _EndOfDay) -> dict[str, Any]:
    day = asked.date.date().isoformat()
    open_sales = [
        sale
        for sale in world.ledger.of("canpar", asked.user_id)
        if sale.ship_on == day and sale.voided_at is None and not sale.manifest
    ]
    if not open_sales:
        raise CarrierError(400, "", "No shipments to manifest")
    number = str(world.ledger.serial())
    for sale in open_sales:
        sale.manifest = number
    return {"manifest_num": number}


def _search(world: World, asked: _Search) -> dict[str, Any]:
    first, last = asked.from_shipping_date.date().isoformat(), asked.to_shipping_date.date().isoformat()
    found = [
        sale
        for sale in world.ledger.of("canpar", asked.user_id)
        if first <= sale.ship_on <= last and asked.reference in ("", sale.reference)
    ]
    page = found[(asked.page_num - 1) * _PAGE : asked.page_num * _PAGE]
    return {"shipment": [_shown(sale, None) for sale in page]}


def _known(world: World, asked: _ById) -> Sale:
    sale = world.ledger.by_number("canpar", asked.user_id, asked.id)
    if sale is None:
        raise CarrierError(400, "", "Shipment not found")
    return sale


def _label(number: str, sale: Sale, flaw: FaultKind | None) -> str:
    kind = flaw or sale.facts["flaw"]
    sale.facts["flaw"] = None
    label = printed_label(
        "png", number, huge=kind == FaultKind.HUGE_LABEL, wrong=kind == FaultKind.WRONG_LABEL
    )  # fmt: skip
    return label if kind else base64.b64encode(base64.b64decode(label) + number.encode()).decode()


def _shown(sale: Sale, flaw: FaultKind | None) -> dict[str, Any]:
    return {
        "id": sale.carrier_id,
        "manifest_num": sale.manifest or None,
        "packages": [{"barcode": number, "reference": sale.reference} for number in sale.tracking_numbers],
        "shipping_date": f"{sale.ship_on}T00:00:00.000Z",
        "total": "a lot" if flaw == FaultKind.WRONG_CURRENCY else f"{sale.charged_minor / 100:.2f}",
        "voided": "true" if sale.voided_at else "false",
    }


def _read(body: bytes) -> tuple[str, dict[str, Any]]:
    """Return the operation and its fields by local names."""
    root = ElementTree.fromstring(body)  # noqa: S314 - a simulator reads its own caller
    operation = root[-1][0]
    return _local(operation), _fields(operation[0])


def _fields(element: ElementTree.Element) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for child in element:
        name, value = _local(child), _fields(child) if len(child) else (child.text or "")
        if name == "packages":
            fields.setdefault(name, []).append(value)
        else:
            fields[name] = value
    return fields


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _envelope(operation: str, answer: dict[str, Any]) -> Response:
    content = "".join(_element(name, value) for name, value in answer.items())
    xml = (
        '<soapenv:Envelope xmlns:soapenv="http://www.w3.org/2003/05/soap-envelope"><soapenv:Body>'
        f'<ns:{operation}Response xmlns:ns="http://ws.business.canshipws.canpar.com">'
        f'<ns:return xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{content}</ns:return>'
        f"</ns:{operation}Response></soapenv:Body></soapenv:Envelope>"
    )
    return Response(xml, media_type="application/soap+xml")


def _element(name: str, value: Any) -> str:
    if value is None:
        return f'<ax:{name} xmlns:ax="http://dto.canshipws.canpar.com/xsd" xsi:nil="true"/>'
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    inner = "".join(_element(*item) for item in value.items()) if isinstance(value, dict) else escape(str(value))
    return f'<ax:{name} xmlns:ax="http://dto.canshipws.canpar.com/xsd">{inner}</ax:{name}>'
