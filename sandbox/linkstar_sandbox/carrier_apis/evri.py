"""A simulated Evri: the Routing Web Service v4, as far as LinkStar uses it.

A documented simulator: names and limits are those that two public integrations agree on; a name that is not among them is
refused. Error codes are this simulator's own, prices are invented and never told. A parcel announced twice is charged twice.
"""

from __future__ import annotations

import base64
from datetime import date, datetime
from typing import Annotated, Any
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

__all__ = ["evri"]

_REFUSALS = {
    "undeliverable": ("61100", "The address is not recognised"),
    "no_service": ("61220", "The service is not available for the postcode"),
    "no_funds": ("61300", "The client is suspended"),
}


class _Documented(BaseModel):
    model_config = ConfigDict(extra="forbid")


_Line = Annotated[str, Field(min_length=1, max_length=32)]


class _Address(_Documented):
    firstName: _Line | None = None
    lastName: _Line
    streetName: _Line
    addressLine1: _Line | None = None
    addressLine2: _Line | None = None
    city: _Line
    postCode: Annotated[str, Field(pattern=r"^[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}$")]
    countryCode: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class _Customer(_Documented):
    address: _Address
    mobilePhoneNo: Annotated[str, Field(max_length=15)] | None = None
    email: Annotated[str, Field(max_length=80)] | None = None
    customerReference1: Annotated[str, Field(min_length=1, max_length=20)]
    customerReference2: Annotated[str, Field(max_length=20)] | None = None


class _Parcel(_Documented):
    weight: Annotated[int, Field(ge=1, le=15_000)]
    length: Annotated[int, Field(ge=1)]
    width: Annotated[int, Field(ge=1)]
    depth: Annotated[int, Field(ge=1)]
    girth: int
    combinedDimension: int
    volume: int
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    value: Annotated[int, Field(ge=0)]


class _Services(_Documented):
    nextDay: bool = False
    signature: bool = False


class _SenderAddress(_Documented):
    addressLine1: _Line
    addressLine2: _Line | None = None


class _Entry(_Documented):
    addressValidationRequired: bool = False
    customer: _Customer
    parcel: _Parcel
    services: _Services | None = None
    senderAddress: _SenderAddress | None = None
    expectedDespatchDate: date | None = None
    countryOfOrigin: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class _Entries(_Documented):
    deliveryRoutingRequestEntry: _Entry


class _RoutingRequest(_Documented):
    clientId: Annotated[str, Field(min_length=1)]
    clientName: Annotated[str, Field(min_length=1)]
    sourceOfRequest: str
    creationDate: datetime
    labelFormat: str | None = None
    deliveryRoutingRequestEntries: _Entries


class EvriRoute(FaultyRoute):
    """Calls are signed with user name and password."""

    async def call_of(self, request: Request) -> tuple[str, str]:
        return self.name, _user(request)


router = APIRouter(route_class=EvriRoute)


def evri(world: World) -> FastAPI:
    """Return the simulated carrier."""
    return simulated("evri", router, world, lambda fault: {"error": fault.detail}, "61000")


@router.post("/determineDeliveryRouting", name="verify")
async def determine(request: Request) -> Response:
    _sign_in(request)
    return _answer("determineDeliveryRouting", {"outboundCarriers": {"carrier1": {"carrierId": "EVRI"}}})


@router.post("/routeDeliveryCreatePreadviceAndLabel", name="buy")
async def announce(request: Request) -> Response:
    account, world = _sign_in(request), world_of(request)
    method = "routeDeliveryCreatePreadviceAndLabel"
    try:
        wanted = _RoutingRequest.model_validate(_fields(ElementTree.fromstring(await request.body())))  # noqa: S314
    except ValidationError as invalid:
        return _refused(method, "61000", str(invalid.errors(include_input=False)[0]))
    entry = wanted.deliveryRoutingRequestEntries.deliveryRoutingRequestEntry
    street = entry.customer.address.streetName
    if refusal := _REFUSALS.get(refusal_of(street)):
        return _refused(method, *refusal)
    flaw = spoilt_by(street, flaw_of(request))
    sale = world.ledger.add(_sale(world, account, entry, flaw))
    label = printed_label(
        "zpl" if wanted.labelFormat else "pdf", sale.carrier_id,
        huge=flaw == FaultKind.HUGE_LABEL, wrong=flaw == FaultKind.WRONG_LABEL,
    )  # fmt: skip
    barcode = {"barcodeNumber": sale.carrier_id, "barcodeDisplay": sale.carrier_id}
    carrier = {"carrierId": "EVRI", "barcode1": barcode}
    return _answer(method, {"outboundCarriers": {"carrier1": carrier, "labelImage": label}})


def _sale(world: World, account: str, entry: _Entry, flaw: FaultKind | None) -> Sale:
    number = f"H00{world.ledger.serial():013d}"
    charged = 289 + (95 if flaw == FaultKind.PRICE_CHANGE else 0)
    service = "next_day" if entry.services and entry.services.nextDay else "standard"
    reference = entry.customer.customerReference1 + (entry.customer.customerReference2 or "")
    return Sale(
        "evri", account, number, [number], charged, "GBP", world.clock.now(), service, reference=reference
    )  # fmt: skip


def _user(request: Request) -> str:
    return _signed(request)[0]


def _signed(request: Request) -> tuple[str, str]:
    given = request.headers.get("authorization", "").partition(" ")[2]
    user, _, password = base64.b64decode(given or "").decode("utf-8", "replace").partition(":")
    return user, password


def _sign_in(request: Request) -> str:
    user, password = _signed(request)
    if not user or password != f"secret-{user}":
        raise CarrierError(401, "401", "the user name or the password is wrong")
    return user


def _fields(element: ElementTree.Element) -> dict[str, Any]:
    return {child.tag: _fields(child) if len(child) else (child.text or "") for child in element}


def _refused(method: str, code: str, description: str) -> Response:
    return _answer(method, {"errorMessages": {"errorCode": code, "errorDescription": description}})


def _answer(method: str, entry: dict[str, Any]) -> Response:
    content = {"routingResponse": {"routingResponseEntries": {"routingResponseEntry": entry}}}
    xml = '<?xml version="1.0" encoding="UTF-8"?>' + _element(f"{method}Response", content)
    return Response(xml, media_type="text/xml")


def _element(name: str, value: Any) -> str:
    inner = "".join(_element(*item) for item in value.items()) if isinstance(value, dict) else escape(str(value))
    return f"<{name}>{inner}</{name}>"
