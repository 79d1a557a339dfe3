"""A simulated USPS: OAuth, payment authorization, labels by idempotency key, reprint, cancel, SCAN forms, pickup, tracking.

Status codes, error codes and reprint rules are those of the documents named in `usps_facts` and of the "API Error
Consolidated List" of github.com/USPS/api-examples. Prices are invented. Two answers have no published form and are this
simulator's own: the error for a key that comes back with another body, and a second refund request on the same day.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse

from linkstar_sandbox.carrier_apis import usps_facts as facts
from linkstar_sandbox.carrier_apis.carrier import simulated
from linkstar_sandbox.carrier_apis.faults import FaultKind
from linkstar_sandbox.carrier_apis.faulty import FaultyRoute, flaw_of
from linkstar_sandbox.carrier_apis.ledger import Sale, fingerprint
from linkstar_sandbox.carrier_apis.magic import refusal_of, spoilt_by
from linkstar_sandbox.carrier_apis.printing import printed_label
from linkstar_sandbox.carrier_apis.travel import Passage, passages
from linkstar_sandbox.carrier_apis.world import CarrierError, World, signed_in, world_of

__all__ = ["usps"]

_TOKEN_S = 8 * 3600
_REPRINTS = 3
_THERE = ZoneInfo("America/New_York")
"""USPS tells the clock on the spot, without an offset."""
_REFUSALS = {
    "undeliverable": ("160308", "Primary Address Number invalid", "toAddress"),
    "no_service": ("160288", "Zip code combination does not qualify for the selected mail class", "toAddress.ZIPCode"),
    "no_funds": ("100007", "Your Trust balance has insufficient funds. Please fund your Trust balance.", "roles"),
}
_KINDS = {"PDF": "pdf", "PNG": "png", "ZPL203DPI": "zpl", "ZPL300DPI": "zpl"}
router = APIRouter(route_class=FaultyRoute)


def usps(world: World) -> FastAPI:
    """Return the simulated carrier."""
    return simulated("usps", router, world, _document, "010005")


@router.post("/oauth2/v3/token", name="token")
async def token(request: Request, body: facts.TokenRequest) -> dict[str, Any]:
    value = world_of(request).tokens.issue("usps", body.client_id, body.client_secret, _TOKEN_S)
    return {"access_token": value, "token_type": "Bearer", "expires_in": str(_TOKEN_S), "status": "approved"}


@router.post("/payments/v3/payment-authorization", name="authorize")
async def authorize(request: Request, body: facts.Parties) -> dict[str, Any]:
    account, roles = signed_in(request), {role.roleName: role for role in body.roles}
    payer, owner = roles.get("PAYER"), roles.get("LABEL_OWNER")
    if payer is None or owner is None or not payer.accountNumber:
        raise CarrierError(400, "160226", "the PAYER and LABEL_OWNER roles are required", "roles")
    if payer.accountNumber.startswith("NOFUNDS"):
        code, detail, parameter = _REFUSALS["no_funds"]
        raise CarrierError(400, code, detail, parameter)
    permission = world_of(request).tokens.grant("usps-payment", f"{account}:{owner.MID}", _TOKEN_S)
    return {
        "paymentAuthorizationToken": permission,
        "roles": [role.model_dump(exclude_none=True) for role in body.roles],
    }


@router.post("/labels/v3/label", name="buy")
async def buy(request: Request, body: facts.LabelRequest, key: str = Header("", alias="X-Idempotency-Key")) -> Response:
    return _sell(request, body, key, "labelImage")


@router.post("/labels/v3/return-label", name="buy")
async def buy_return(
    request: Request, body: facts.LabelRequest, key: str = Header("", alias="X-Idempotency-Key")
) -> Response:
    return _sell(request, body, key, "returnLabelImage")


@router.post("/labels/v3/label-reprint", name="recover")
async def reprint(
    request: Request, body: facts.ReprintRequest, key: str = Header("", alias="X-Idempotency-Key")
) -> Response:
    world, account, _mid = _payer(request)
    sale = world.ledger.by_key("usps", account, key)
    if sale is None:
        raise CarrierError(400, "160378", "Tracking number not found for a mailing date within the last 45 days", "key")
    if sale.voided_at is not None:
        raise CarrierError(400, "160379", "Canceled labels are unavailable for reprint", "trackingNumber")
    if world.clock.now().date().isoformat() > sale.ship_on:
        raise CarrierError(400, "160381", "Labels past their mailingDate are unavailable for reprint", "trackingNumber")
    if sale.reprints >= _REPRINTS:
        limit = f"This label has reached the reprint limit of {_REPRINTS} reprints"
        raise CarrierError(400, "160382", limit, "reprintInfo.reprintCount")
    sale.reprints += 1
    image = sale.facts["image_field"]
    metadata = "returnLabelMetadata" if image == "returnLabelImage" else "labelMetadata"
    answer = {
        metadata: _metadata(sale, flaw_of(request)),
        image: _image(sale, body.imageInfo.imageType, flaw_of(request)),
        "reprintInfo": {"reprintNumber": sale.reprints, "reprintLimit": _REPRINTS},
    }
    return JSONResponse(answer, headers={"X-Idempotency-Key": key})


@router.delete("/labels/v3/label/{number}", name="void")
async def cancel(request: Request, number: str) -> dict[str, Any]:
    world, account, _mid = _payer(request)
    sale = world.ledger.by_number("usps", account, number)
    if sale is None:
        raise CarrierError(400, "160185", "Order not found", "trackingNumber")
    if sale.voided_at is not None:
        raise CarrierError(400, "160186", "Order already canceled", "trackingNumber")
    if sale.facts["image_field"] == "returnLabelImage":
        raise CarrierError(400, "160187", "Return label orders cannot be canceled", "trackingNumber")
    if sale.manifest:
        raise CarrierError(400, "160174", "Labels associated with a scan form cannot be canceled", "trackingNumber")
    sale.voided_at = world.clock.now()
    return {"trackingNumber": number, "status": "CANCELED"}


@router.post("/scan-forms/v3/scan-form", name="manifest")
async def scan_form(request: Request, body: facts.ScanFormRequest) -> dict[str, Any]:
    world, account = world_of(request), signed_in(request)
    sales = [_for_form(world, account, number) for number in body.shipment.trackingNumbers]
    form = f"92750{world.ledger.serial():017d}"
    for sale in sales:
        sale.manifest = form
    return {
        "mailingDate": body.mailingDate.isoformat(),
        "entryFacilityZIPCode": body.entryFacilityZIPCode,
        "manifestNumber": form,
        "trackingNumbers": body.shipment.trackingNumbers,
        "SCANFormImage": printed_label("pdf", f"PS Form 5630 {form}"),
    }


@router.post("/pickup/v3/carrier-pickup", name="pickup")
async def pickup(request: Request, body: facts.PickupRequest) -> dict[str, Any]:
    world, account = world_of(request), signed_in(request)
    number = f"WTC{world.ledger.serial():09d}"
    world.ledger.pickups.append({"carrier": "usps", "account": account, "number": number})
    return {"confirmationNumber": number, "pickupDate": body.pickupDate.isoformat()}


@router.get("/tracking/v3/tracking/{number}", name="track")
async def track(request: Request, number: str) -> dict[str, Any]:
    world, account = world_of(request), signed_in(request)
    found = passages(world, "usps", account, number)
    if not found:
        raise CarrierError(
            404, "150002", "The tracking number may be incorrect or the status update is not yet available"
        )
    return {"trackingNumber": number, "statusSummary": found[0].text, "trackingEvents": [_event(one) for one in found]}


def _event(passage: Passage) -> dict[str, Any]:
    place = {"eventCity": "NEWARK", "eventState": "NJ", "eventZIP": "07105", "eventCountry": None}
    at = passage.at.astimezone(_THERE).strftime("%Y-%m-%dT%H:%M:%S")
    return {"eventType": passage.text, "eventTimestamp": at, "eventCode": passage.code, **place}


def _sell(request: Request, body: facts.LabelRequest, key: str, image_field: str) -> Response:
    world, account, mid = _payer(request)
    printed = fingerprint(body.model_dump(mode="json"))
    known = world.ledger.by_key("usps", account, key)
    if known is not None and (known.body != printed or known.voided_at is not None):
        raise CarrierError(400, "400", "The key was used for another request or a canceled label", "X-Idempotency-Key")
    flaw = spoilt_by(body.toAddress.streetAddress, flaw_of(request))
    sale = known or world.ledger.add(_sale(world, account, mid, body, key, printed, image_field, flaw))
    image = _image(sale, body.imageInfo.imageType, flaw)
    return JSONResponse({**_metadata(sale, flaw), image_field: image}, headers={"X-Idempotency-Key": key})


def _sale(
    world: World, account: str, mid: str, body: facts.LabelRequest, key: str, printed: str, image_field: str,
    flaw: FaultKind | None,
) -> Sale:  # fmt: skip
    package, now = body.packageDescription, world.clock.now()
    refusal = _REFUSALS.get(refusal_of(body.toAddress.streetAddress))
    if refusal:
        raise CarrierError(400, *refusal)
    if not now.date() - timedelta(days=1) <= package.mailingDate <= now.date() + timedelta(days=45):
        late = "cannot be in the past or more than 45 days in the future"
        raise CarrierError(400, "160001", late, "packageDescription.mailingDate")
    postage = 450 + 85 * math.ceil(package.weight) + (375 if flaw == FaultKind.PRICE_CHANGE else 0)
    extras = 370 * len(package.extraServices)
    number = _tracking_number(mid, world.ledger.serial())
    return Sale(
        "usps", account, number, [number], postage + extras, "USD", now, package.mailClass,
        reference=package.customerReference[0].referenceNumber if package.customerReference else "",
        key=key, body=printed, ship_on=package.mailingDate.isoformat(),
        facts={"postage": postage, "extras": extras, "image_field": image_field},
    )  # fmt: skip


def _metadata(sale: Sale, flaw: FaultKind | None) -> dict[str, Any]:
    extras = sale.facts["extras"]
    services = [{"name": "Signature Confirmation", "price": extras / 100}] if extras else []
    amount = "a lot" if flaw == FaultKind.WRONG_CURRENCY else sale.facts["postage"] / 100
    return {
        "trackingNumber": sale.carrier_id, "constructCode": "C02", "SKU": "DUXP0XXXXC00020", "zone": "04",
        "postage": amount, "extraServices": services, "fees": [], "mailingDate": sale.ship_on, "weightUOM": "lb",
    }  # fmt: skip


def _image(sale: Sale, image_type: str, flaw: FaultKind | None) -> str:
    kind = _KINDS.get(image_type, "pdf")
    return printed_label(
        kind, sale.carrier_id, huge=flaw == FaultKind.HUGE_LABEL, wrong=flaw == FaultKind.WRONG_LABEL
    )  # fmt: skip


def _for_form(world: World, account: str, number: str) -> Sale:
    sale = world.ledger.by_number("usps", account, number)
    if sale is None:
        raise CarrierError(400, "160039", f"barcode {number} does not exist", "barcode")
    if sale.voided_at is not None:
        raise CarrierError(400, "160397", f"barcode {number} has been canceled and is not eligible", "barcode")
    if sale.manifest:
        known = f"barcode {number} is already part of another SCAN Form with efn {sale.manifest}"
        raise CarrierError(400, "160040", known, "scanFormEfn")
    return sale


def _payer(request: Request) -> tuple[World, str, str]:
    """Return the account and mailer id of a call that carries the payer's authorization."""
    world, account = world_of(request), signed_in(request)
    permission = request.headers.get("x-payment-authorization-token", "")
    payer, _, mid = (world.tokens.account("usps-payment", permission) or "").partition(":")
    if payer != account:
        raise CarrierError(403, "403", "the payment authorization is missing, wrong or expired")
    return world, account, mid


def _tracking_number(mid: str, serial: int) -> str:
    """Return an IMpb number, construct N: 94, service type 001, mailer id, serial, check digit (22 digits)."""
    body = f"94001{mid}{serial:0{16 - len(mid)}d}"
    total = sum(int(digit) * (3 if at % 2 == 0 else 1) for at, digit in enumerate(reversed(body)))
    return f"{body}{-total % 10}"


def _document(fault: CarrierError) -> dict[str, Any]:
    about = {
        "code": fault.code,
        "title": "Bad Request",
        "detail": fault.detail,
        "source": {"parameter": fault.parameter},
    }
    return {"apiVersion": "v3", "error": {"code": str(fault.status), "message": fault.detail, "errors": [about]}}
