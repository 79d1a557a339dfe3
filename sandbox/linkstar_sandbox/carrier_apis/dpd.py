"""A simulated DPD: sign-in by headers and shipments, as the META API of DPDgroup has them.

Facts of the request: DPD's OpenAPI document "META-API Shipment" 2.30.48 (2025-11-18), as far as LinkStar uses it; a name
that is not documented is refused. Error codes are this simulator's own, prices are invented and never told.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from linkstar_sandbox.carrier_apis.carrier import simulated
from linkstar_sandbox.carrier_apis.faults import FaultKind
from linkstar_sandbox.carrier_apis.faulty import FaultyRoute, flaw_of
from linkstar_sandbox.carrier_apis.ledger import Sale
from linkstar_sandbox.carrier_apis.magic import refusal_of, spoilt_by
from linkstar_sandbox.carrier_apis.printing import printed_label
from linkstar_sandbox.carrier_apis.world import CarrierError, World, signed_in, world_of

__all__ = ["dpd"]

_TOKEN_S = 24 * 3600
_REFUSALS = {
    "undeliverable": ("ROUTING_3", "No route to the receiver's address"),
    "no_service": ("SERVICE_1", "The product is not available for the destination"),
    "no_funds": ("CUSTOMER_7", "The customer account is blocked"),
}
router = APIRouter(route_class=FaultyRoute)


class _Documented(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Address(_Documented):
    name1: Annotated[str, Field(min_length=1, max_length=35)]
    companyName: Annotated[str, Field(max_length=35)] | None = None
    street: Annotated[str, Field(min_length=1, max_length=35)]
    addressLine2: Annotated[str, Field(max_length=35)] | None = None
    country: Annotated[str, Field(min_length=2, max_length=3)]
    zipCode: Annotated[str, Field(pattern=r"^([A-Za-z0-9]?\s?-?)+$", max_length=9)]
    city: Annotated[str, Field(min_length=1, max_length=35)]


class _Contact(_Documented):
    contactPerson: Annotated[str, Field(max_length=35)] | None = None
    phone1: Annotated[str, Field(max_length=30)] | None = None
    email: Annotated[str, Field(max_length=100)] | None = None


class _LegalEntity(_Documented):
    businessType: Literal["P", "B"]


class _Party(_Documented):
    address: _Address
    contact: _Contact | None = None
    legalEntity: _LegalEntity | None = None


class _Customer(_Documented):
    customerAccountNumber: Annotated[str, Field(min_length=1, max_length=100)]


class _Sender(_Party):
    customerInfos: _Customer


class _Size(_Documented):
    length: Annotated[int, Field(ge=1)]
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]


class _ParcelInfos(_Documented):
    weight: Annotated[str, Field(pattern=r"^\d{1,6}$")]
    dimensions: _Size


class _Parcel(_Documented):
    parcelInfos: _ParcelInfos
    parcelRank: Annotated[str, Field(pattern=r"^\d{1,3}$")] | None = None
    senderParcelRefs: Annotated[list[Annotated[str, Field(pattern=r"^[a-zA-Z0-9]{1,35}$")]], Field(max_length=4)] = []


class _ShipmentInfos(_Documented):
    productCode: Annotated[str, Field(pattern=r"^\d{3}$")]
    weight: Annotated[str, Field(pattern=r"^\d{1,10}$")]


class Shipment(_Documented):
    """One element of `POST /shipping/v1/shipment`."""

    shipmentInfos: _ShipmentInfos
    customerReferenceNumbers: Annotated[
        list[Annotated[str, Field(pattern=r"^[a-zA-Z0-9]{1,35}$")]], Field(max_length=4)
    ]
    numberOfParcels: Annotated[str, Field(pattern=r"^\d{1,3}$")]
    sender: _Sender
    receiver: _Party
    parcel: Annotated[list[_Parcel], Field(min_length=1)]


def dpd(world: World) -> FastAPI:
    """Return the simulated carrier."""
    return simulated("dpd-de", router, world, _document, "META_400")


@router.post("/shipping/v1/login", name="token")
async def login(
    request: Request,
    response: Response,
    unit: Annotated[str, Header(alias="X-DPD-BUCODE")],
    user: Annotated[str, Header(alias="X-DPD-LOGIN")],
    password: Annotated[str, Header(alias="X-DPD-PASSWORD")],
) -> None:
    if len(unit) != 3:
        raise CarrierError(400, "LOGIN_2", "unknown business unit")
    response.headers["X-DPD-TOKEN"] = world_of(request).tokens.issue("dpd-de", user, password, _TOKEN_S)


@router.post("/shipping/v1/shipment", name="buy")
async def ship(
    request: Request,
    body: Annotated[list[Shipment], Field(min_length=1, max_length=1)],
    LabelPrintFormat: Literal["PDF", "ZPL", "EPL", "PNG"],
    LabelPaperFormat: Literal["A4", "A5", "A6", "A7"] = "A6",
) -> dict[str, Any]:
    world, account, wanted = world_of(request), signed_in(request), body[0]
    street = wanted.receiver.address.street
    refusal = _REFUSALS.get(refusal_of(street))
    if refusal:
        raise CarrierError(400, *refusal)
    flaw = spoilt_by(street, flaw_of(request))
    sale = world.ledger.add(_sale(world, account, wanted, flaw))
    kind, shown = ("zpl", sale.tracking_numbers) if LabelPrintFormat == "ZPL" else ("pdf", [sale.carrier_id])
    label = printed_label(
        kind, *shown, huge=flaw == FaultKind.HUGE_LABEL, wrong=flaw == FaultKind.WRONG_LABEL
    )  # fmt: skip
    return {
        "shipmentId": sale.carrier_id,
        "parcelIds": sale.tracking_numbers,
        "label": {"base64Data": label, "media-type": f"application/{kind}"},
    }


def _sale(world: World, account: str, wanted: Shipment, flaw: FaultKind | None) -> Sale:
    numbers = [f"0150{world.ledger.serial():010d}" for _ in wanted.parcel]
    charged = 495 * len(numbers) + (120 if flaw == FaultKind.PRICE_CHANGE else 0)
    return Sale(
        "dpd-de", account, f"MPS{numbers[0]}", numbers, charged, "EUR", world.clock.now(), wanted.shipmentInfos.productCode,
        reference=wanted.customerReferenceNumbers[0],
    )  # fmt: skip


def _document(fault: CarrierError) -> dict[str, Any]:
    return {"errorCode": fault.code, "errorMessage": fault.detail, "errorOrigin": "META-API"}
