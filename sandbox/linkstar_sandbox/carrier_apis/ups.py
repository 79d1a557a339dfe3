"""A simulated UPS: OAuth, shipments, label recovery by reference and shipper number, void, tracking.

Forms are those of the document named in `ups_facts`, error codes those of the appendix of UPS's developer guide. Prices
are invented. Nothing here knows an idempotency key: a shipment asked for twice is charged twice, as UPS would.
"""

from __future__ import annotations

import base64
import math
from typing import Any

from fastapi import APIRouter, FastAPI, Header, Request

from linkstar_sandbox.carrier_apis import ups_facts as facts
from linkstar_sandbox.carrier_apis.carrier import simulated
from linkstar_sandbox.carrier_apis.faults import FaultKind
from linkstar_sandbox.carrier_apis.faulty import FaultyRoute, flaw_of
from linkstar_sandbox.carrier_apis.ledger import Sale
from linkstar_sandbox.carrier_apis.magic import refusal_of, spoilt_by
from linkstar_sandbox.carrier_apis.printing import printed_label
from linkstar_sandbox.carrier_apis.travel import Passage, passages
from linkstar_sandbox.carrier_apis.world import CarrierError, World, form_of, signed_in, world_of

__all__ = ["ups"]

_TOKEN_S = 14_399
_REFUSALS = {
    "undeliverable": ("120802", "Address Validation Error on ShipTo address"),
    "no_service": ("121210", "The requested service is unavailable between the selected locations."),
    "no_funds": ("120124", "The shipper number is not authorized to be billed"),
}
_KINDS = {"ZPL": "zpl", "GIF": "gif", "PDF": "pdf"}
router = APIRouter(route_class=FaultyRoute)


def ups(world: World) -> FastAPI:
    """Return the simulated carrier."""
    return simulated("ups", router, world, _document, "10002")


@router.post("/security/v1/oauth/token", name="token")
async def token(request: Request) -> dict[str, Any]:
    form = await form_of(request)
    given = request.headers.get("authorization", "").partition(" ")[2]
    client, _, secret = base64.b64decode(given or "").decode().partition(":")
    if form.get("grant_type") != "client_credentials":
        raise CarrierError(400, "10400", "Invalid/Missing grant type")
    value = world_of(request).tokens.issue("ups", client, secret, _TOKEN_S)
    return {"token_type": "Bearer", "access_token": value, "expires_in": str(_TOKEN_S), "status": "approved"}


@router.post("/api/shipments/{version}/ship", name="buy")
async def ship(request: Request, version: str, body: facts.ShipmentWrapper) -> dict[str, Any]:
    world, account = world_of(request), signed_in(request)
    wanted = body.ShipmentRequest
    street = wanted.Shipment.ShipTo.Address.AddressLine[0]
    refusal = _REFUSALS.get(refusal_of(street))
    if refusal:
        raise CarrierError(400, *refusal)
    flaw = spoilt_by(street, flaw_of(request))
    sale = world.ledger.add(_sale(world, account, wanted.Shipment, flaw))
    image = wanted.LabelSpecification.LabelImageFormat.Code
    currency = "JPY" if flaw == FaultKind.WRONG_CURRENCY else sale.currency
    total = {"CurrencyCode": currency, "MonetaryValue": f"{sale.charged_minor / 100:.2f}"}
    results = {
        "ShipmentCharges": {"TotalCharges": {**total, "MonetaryValue": f"{sale.charged_minor / 50:.2f}"}},
        "NegotiatedRateCharges": {"TotalCharge": total},
        "ShipmentIdentificationNumber": sale.carrier_id,
        "PackageResults": [
            {"TrackingNumber": number, "ShippingLabel": _image(number, image, flaw)} for number in sale.tracking_numbers
        ],
    }
    return {"ShipmentResponse": {"Response": _SUCCESS, "ShipmentResults": results}}


@router.post("/api/labels/{version}/recovery", name="recover")
async def recovery(request: Request, version: str, body: facts.RecoveryWrapper) -> dict[str, Any]:
    world, account = world_of(request), signed_in(request)
    wanted = body.LabelRecoveryRequest
    found = world.ledger.by_reference("ups", account, wanted.ReferenceValues.ReferenceNumber.Value)
    found = [sale for sale in found if sale.facts["shipper"] == wanted.ReferenceValues.ShipperNumber]
    if not found:
        raise CarrierError(
            400, "300007", "The shipment for the reference number plus shipper number could not be found."
        )
    if len(found) > 1:
        raise CarrierError(400, "300001", "Multiple shipments found for the request")
    sale, image = found[0], wanted.LabelSpecification.LabelImageFormat.Code
    if sale.voided_at is not None:
        raise CarrierError(400, "300033", "The shipment for which you are trying to recover a label has been voided.")
    labels = [
        {"TrackingNumber": number, "LabelImage": _image(number, image, flaw_of(request))}
        for number in sale.tracking_numbers
    ]
    results = labels[0] if len(labels) == 1 else labels
    answer = {"Response": _SUCCESS, "ShipmentIdentificationNumber": sale.carrier_id, "LabelResults": results}
    return {"LabelRecoveryResponse": answer}


@router.delete("/api/shipments/{version}/void/cancel/{number}", name="void")
async def void(request: Request, version: str, number: str) -> dict[str, Any]:
    world, account = world_of(request), signed_in(request)
    sale = world.ledger.by_number("ups", account, number)
    if sale is None:
        raise CarrierError(400, "190102", "No shipment found within the allowed void period")
    if sale.voided_at is not None:
        raise CarrierError(400, "190117", "The Shipment has already been voided")
    sale.voided_at = world.clock.now()
    return {
        "VoidShipmentResponse": {
            "Response": _SUCCESS,
            "SummaryResult": {"Status": {"Code": "1", "Description": "Voided"}},
        }
    }


@router.get("/api/track/v1/details/{number}", name="track")
async def track(request: Request, number: str) -> dict[str, Any]:
    world, account = world_of(request), signed_in(request)
    found = passages(world, "ups", account, number)
    if not found:
        raise CarrierError(404, "TW0001", "Tracking Information Not Found")
    package = {"trackingNumber": number, "activity": [_activity(one) for one in found]}
    return {"trackResponse": {"shipment": [{"inquiryNumber": number, "package": [package]}]}}


@router.post("/api/deliveryintercept/v2/{way:path}/{number}", name="intervene")
async def intercept(
    request: Request, way: str, number: str, body: facts.InterceptRequest, transId: str = Header(),
    inquiryType: str = Header(), platformType: str = Header(),
) -> dict[str, Any]:  # fmt: skip
    """Take a request of Delivery Intercept; which error means what, UPS does not publish: the codes are invented."""
    world, account = world_of(request), signed_in(request)
    if (_INTERCEPTS.get(way), inquiryType, platformType) != (body.requestType, "U", "XOLT") or len(transId) > 14:
        raise CarrierError(400, "710", "Failure due to input validation error")
    sale = world.ledger.by_number("ups", account, number)
    if sale is None or sale.voided_at is not None:
        raise CarrierError(400, "0006", "Failure to check eligibility through Tracking service")
    taken = sale.facts.setdefault("intercepts", "").split()
    if body.requestType in taken:
        return {
            "transactionId": transId, "statusCode": "000", "statusMsg": "Success", "success": False,
            "errors": [{"errorCode": "7103", "errorMessage": "An intercept was requested before"}],
        }  # fmt: skip
    sale.facts["intercepts"] = " ".join([*taken, body.requestType])
    return {"transactionId": transId, "statusCode": "000", "statusMsg": "Success", "success": True, "errors": None}


_INTERCEPTS = {"return": "RS", "willcall": "WC", "redirect/address": "AA"}


def _activity(passage: Passage) -> dict[str, Any]:
    address = {"city": "Newark", "stateProvince": "NJ", "postalCode": "07105", "countryCode": "US"}
    kind, _, code = passage.code.rpartition("/")
    status = {"type": kind or "I", "code": code, "description": passage.text}
    return {
        "date": passage.at.strftime("%Y%m%d"), "time": passage.at.strftime("%H%M%S"), "gmtOffset": "+00:00",
        "location": {"address": address}, "status": status,
    }  # fmt: skip


_SUCCESS = {"ResponseStatus": {"Code": "1", "Description": "Success"}}


def _sale(world: World, account: str, shipment: Any, flaw: FaultKind | None) -> Sale:
    shipper, service = shipment.Shipper.ShipperNumber, shipment.Service.Code
    numbers = [_tracking_number(shipper, service, world.ledger.serial()) for _ in shipment.Package]
    ounces = {"OZS": 1, "LBS": 16, "KGS": 35}
    weight = sum(
        float(one.PackageWeight.Weight) * ounces[one.PackageWeight.UnitOfMeasurement.Code] for one in shipment.Package
    )
    charged = 880 * len(numbers) + 61 * math.ceil(weight / 16) + (499 if flaw == FaultKind.PRICE_CHANGE else 0)
    references = shipment.Package[0].ReferenceNumber or shipment.ReferenceNumber
    currency = {"CA": "CAD", "GB": "GBP", "DE": "EUR", "FR": "EUR"}.get(shipment.Shipper.Address.CountryCode, "USD")
    return Sale(
        "ups", account, numbers[0], numbers, charged, currency, world.clock.now(), service,
        reference=references[0].Value if references else "", ship_on=shipment.ShipmentDate or "", facts={"shipper": shipper},
    )  # fmt: skip


def _image(number: str, image: str, flaw: FaultKind | None) -> dict[str, Any]:
    graphic = printed_label(
        _KINDS[image], number, huge=flaw == FaultKind.HUGE_LABEL, wrong=flaw == FaultKind.WRONG_LABEL
    )  # fmt: skip
    code = {"Code": image}
    return {"ImageFormat": code, "LabelImageFormat": code, "GraphicImage": graphic}


def _tracking_number(shipper: str, service: str, serial: int) -> str:
    """Return a 1Z number: shipper, service, seven digits and the check digit over weights 1 and 2."""
    body = f"{shipper}{service}{serial:07d}"
    values = [int(character) if character.isdigit() else (ord(character) - 3) % 10 for character in body]
    total = sum(value * (2 if at % 2 else 1) for at, value in enumerate(values))
    return f"1Z{body}{-total % 10}"


def _document(fault: CarrierError) -> dict[str, Any]:
    return {"response": {"errors": [{"code": fault.code, "message": fault.detail}]}}
