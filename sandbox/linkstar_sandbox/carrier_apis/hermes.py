"""A simulated Hermes Germany: sign-in, orders with labels, labels printed again, the list of orders, pickups.

Facts of the requests: the OpenAPI document "HSI Order API" (2025-12-18), as far as LinkStar uses it; a name that is not
documented is refused. Result codes are this simulator's own, prices are invented and never told.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field

from linkstar_sandbox.carrier_apis.carrier import simulated
from linkstar_sandbox.carrier_apis.faults import FaultKind
from linkstar_sandbox.carrier_apis.faulty import FaultyRoute, flaw_of
from linkstar_sandbox.carrier_apis.ledger import Sale
from linkstar_sandbox.carrier_apis.magic import refusal_of, spoilt_by
from linkstar_sandbox.carrier_apis.printing import printed_label
from linkstar_sandbox.carrier_apis.world import CarrierError, World, form_of, signed_in, world_of

__all__ = ["hermes"]

_TOKEN_S = 3600
_REFUSALS = {
    "undeliverable": ("e051", "The address of the receiver is not valid"),
    "no_service": ("e077", "The service is not available for the destination"),
    "no_funds": ("e012", "The client is locked"),
}
_MEDIA = {"pdf": ("pdf", "application/pdf"), "zpl": ("zpl", "text/zpl")}
router = APIRouter(route_class=FaultyRoute)


class _Documented(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Name(_Documented):
    firstname: Annotated[str, Field(min_length=1, max_length=50)] | None = None
    lastname: Annotated[str, Field(min_length=1, max_length=50)]


class _Address(_Documented):
    street: Annotated[str, Field(min_length=1, max_length=50)]
    houseNumber: Annotated[str, Field(max_length=5)] | None = None
    zipCode: Annotated[str, Field(min_length=1, max_length=8)]
    town: Annotated[str, Field(min_length=1, max_length=30)]
    countryCode: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    addressAddition: Annotated[str, Field(max_length=50)] | None = None


class _Contact(_Documented):
    phone: Annotated[str, Field(max_length=20)] | None = None
    mail: Annotated[str, Field(max_length=200)] | None = None


class _Parcel(_Documented):
    parcelWeight: Annotated[int, Field(ge=1)]
    parcelHeight: Annotated[int, Field(ge=1, le=9999)] | None = None
    parcelWidth: Annotated[int, Field(ge=1, le=9999)] | None = None
    parcelDepth: Annotated[int, Field(ge=1, le=9999)] | None = None


class _Services(_Documented):
    signatureService: bool = False
    nextDayService: bool = False


class Order(_Documented):
    """`POST /shipmentorders/labels`."""

    clientReference: Annotated[str, Field(max_length=20)] = ""
    clientReference2: Annotated[str, Field(max_length=20)] = ""
    receiverName: _Name
    receiverAddress: _Address
    receiverContact: _Contact | None = None
    parcel: _Parcel
    service: _Services | None = None


class _ParcelCount(_Documented):
    pickupParcelCountM: Annotated[int, Field(ge=0)] = 0


class Pickup(_Documented):
    """`POST /pickuporders`."""

    pickupDate: date
    parcelCount: _ParcelCount | None = None


def hermes(world: World) -> FastAPI:
    """Return the simulated carrier."""
    return simulated("hermes-de", router, world, _document, "e001")


@router.post("/authorization-facade/oauth2/access_token", name="token")
async def token(request: Request) -> dict[str, Any]:
    form = await form_of(request)
    if (
        form.get("grant_type") != "password"
        or not form.get("username")
        or form.get("password") != form.get("client_secret")
    ):
        raise CarrierError(401, "invalid_client", "the user is unknown or the password is wrong")
    client, secret = form.get("client_id", ""), form.get("client_secret", "")
    value = world_of(request).tokens.issue("hermes-de", client, secret, _TOKEN_S)
    return {"access_token": value, "expires_in": str(_TOKEN_S), "token_type": "Bearer", "scope": "full"}


@router.post("/shipmentorders/labels", name="buy")
async def order(request: Request, body: Order) -> dict[str, Any]:
    world, account = world_of(request), signed_in(request)
    street = body.receiverAddress.street
    refusal = _REFUSALS.get(refusal_of(street))
    if refusal:
        raise CarrierError(400, *refusal)
    flaw = spoilt_by(street, flaw_of(request))
    charged = 489 + (110 if flaw == FaultKind.PRICE_CHANGE else 0)
    number = f"0302{world.ledger.serial():010d}"
    sale = Sale(
        "hermes-de", account, f"{world.ledger.serial():011d}", [number], charged, "EUR", world.clock.now(), "to_door",
        reference=body.clientReference + body.clientReference2,
        facts={"references": (body.clientReference, body.clientReference2)},
    )  # fmt: skip
    return _answer(request, world.ledger.add(sale), flaw)


@router.post("/shipmentorders/{number}/labels", name="recover")
async def again(request: Request, number: str) -> dict[str, Any]:
    world, account = world_of(request), signed_in(request)
    sale = world.ledger.by_number("hermes-de", account, number)
    if sale is None:
        raise CarrierError(400, "e030", "The shipment order does not exist")
    return _answer(request, sale, flaw_of(request))


@router.get("/shipmentorders", name="list")
async def orders(request: Request, shipmentOrderStartDate: date, shipmentOrderEndDate: date) -> dict[str, Any]:
    world, account = world_of(request), signed_in(request)
    sales = [
        sale
        for sale in world.ledger.of("hermes-de", account)
        if shipmentOrderStartDate <= sale.sold_at.date() <= shipmentOrderEndDate
    ]
    listed = [
        {
            "shipmentID": sale.tracking_numbers[0],
            "shipmentOrderID": sale.carrier_id,
            "createDate": sale.sold_at.isoformat(),
            "actualOrderState": "PLACED",
            "clientReference": sale.facts["references"][0],
            "clientReference2": sale.facts["references"][1],
        }
        for sale in sales
    ]
    return {"listOfClients": [{"clientID": "1", "listOfSenders": [{"senderID": "1", "listOfShipmentOrders": listed}]}]}


@router.post("/pickuporders", name="pickup")
async def pickup(request: Request, body: Pickup) -> dict[str, Any]:
    world, account = world_of(request), signed_in(request)
    number = f"{world.ledger.serial():011d}"
    world.ledger.pickups.append({"carrier": "hermes-de", "account": account, "number": number})
    return {"pickupOrderID": number}


def _answer(request: Request, sale: Sale, flaw: FaultKind | None) -> dict[str, Any]:
    kind, media = _MEDIA["zpl" if "zpl" in request.headers.get("accept", "") else "pdf"]
    label = printed_label(
        kind, sale.tracking_numbers[0], huge=flaw == FaultKind.HUGE_LABEL, wrong=flaw == FaultKind.WRONG_LABEL
    )  # fmt: skip
    return {
        "shipmentID": sale.tracking_numbers[0],
        "shipmentOrderID": sale.carrier_id,
        "labelImage": label,
        "labelMediatype": media,
    }


def _document(fault: CarrierError) -> dict[str, Any]:
    return {"listOfResultCodes": [{"code": fault.code, "message": fault.detail}]}
