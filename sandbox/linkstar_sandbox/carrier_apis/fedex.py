"""A simulated FedEx: OAuth, shipments, results of asynchronous jobs, cancel, tracking by number and reference.

Forms are those of the document named in `fedex_facts`; its error codes are not published in full, so those of refusals and
of a second cancel are this simulator's own. Prices are invented. A shipment asked for twice is charged twice.
"""

from __future__ import annotations

import math
from typing import Any

from fastapi import APIRouter, FastAPI, Request

from linkstar_sandbox.carrier_apis import fedex_facts as facts
from linkstar_sandbox.carrier_apis.carrier import simulated
from linkstar_sandbox.carrier_apis.faults import FaultKind
from linkstar_sandbox.carrier_apis.faulty import FaultyRoute, flaw_of
from linkstar_sandbox.carrier_apis.ledger import Sale
from linkstar_sandbox.carrier_apis.magic import refusal_of, spoilt_by
from linkstar_sandbox.carrier_apis.printing import printed_label
from linkstar_sandbox.carrier_apis.travel import Passage, passages
from linkstar_sandbox.carrier_apis.world import CarrierError, World, form_of, signed_in, world_of

__all__ = ["fedex"]

_TOKEN_S = 3_599
_SYNCHRONOUS = 40
_REFUSALS = {
    "undeliverable": ("RECIPIENTS.ADDRESS.INVALID", "The recipient address cannot be delivered to"),
    "no_service": ("SERVICETYPE.NOT.ALLOWED", "The service is not available between origin and destination"),
    "no_funds": ("ACCOUNT.NOT.BILLABLE", "The account is not authorized to be billed"),
}
_KINDS = {"PDF": "pdf", "ZPLII": "zpl", "PNG": "png"}
router = APIRouter(route_class=FaultyRoute)


def fedex(world: World) -> FastAPI:
    """Return the simulated carrier."""
    return simulated("fedex", router, world, _document, "INVALID.INPUT.EXCEPTION")


@router.post("/oauth/token", name="token")
async def token(request: Request) -> dict[str, Any]:
    form = await form_of(request)
    client, secret = form.get("client_id", ""), form.get("client_secret", "")
    value = world_of(request).tokens.issue("fedex", client, secret, _TOKEN_S)
    return {"access_token": value, "token_type": "bearer", "expires_in": _TOKEN_S, "scope": "CXS"}


@router.post("/ship/v1/shipments", name="buy")
async def ship(request: Request, body: facts.ShipRequest) -> dict[str, Any]:
    world, account = world_of(request), signed_in(request)
    wanted = body.requestedShipment
    street = wanted.recipients[0].address.streetLines[0]
    refusal = _REFUSALS.get(refusal_of(street))
    if refusal:
        raise CarrierError(400, *refusal)
    flaw = spoilt_by(street, flaw_of(request))
    many = len(wanted.requestedPackageLineItems) > _SYNCHRONOUS
    if many and body.processingOptionType != "ALLOW_ASYNCHRONOUS":
        raise CarrierError(400, "PACKAGECOUNT.EXCEEDS.LIMIT", "more than 40 packages need asynchronous processing")
    sale = world.ledger.add(_sale(world, account, wanted, flaw))
    if many:
        sale.facts["job"] = f"job{world.ledger.serial():012d}"
        return {"transactionId": sale.carrier_id, "output": {"jobId": sale.facts["job"]}}
    return _answer(sale, flaw)


@router.post("/ship/v1/shipments/results", name="results")
async def results(request: Request, body: facts.ResultsRequest) -> dict[str, Any]:
    world, account = world_of(request), signed_in(request)
    found = next((sale for sale in world.ledger.of("fedex", account) if sale.facts.get("job") == body.jobId), None)
    if found is None:
        raise CarrierError(404, "JOBID.NOT.FOUND", "the job is unknown")
    return _answer(found, flaw_of(request))


@router.put("/ship/v1/shipments/cancel", name="void")
async def cancel(request: Request, body: facts.CancelRequest) -> dict[str, Any]:
    world, account = world_of(request), signed_in(request)
    sale = world.ledger.by_number("fedex", account, body.trackingNumber)
    if sale is None:
        raise CarrierError(400, "TRACKINGNUMBER.NOT.FOUND", "The tracking number is unknown")
    if sale.voided_at is not None:
        raise CarrierError(400, "SHIPMENT.ALREADY.CANCELLED", "The shipment has already been cancelled")
    sale.voided_at = world.clock.now()
    return {
        "output": {"cancelledShipment": True, "cancelledHistory": True, "message": "Shipment is successfully cancelled"}
    }


@router.post("/track/v1/trackingnumbers", name="track")
async def track(request: Request, body: facts.TrackRequest) -> dict[str, Any]:
    world, account = world_of(request), signed_in(request)
    number = body.trackingInfo[0].trackingNumberInfo.trackingNumber
    found = passages(world, "fedex", account, number)
    if not found:
        return _tracked(number, [_unknown("TRACKING.TRACKINGNUMBER.NOTFOUND")])
    return _tracked(number, [{**_status(number, found[0].code), "scanEvents": [_event(one) for one in found]}])


@router.post("/track/v1/referencenumbers", name="track")
async def track_by_reference(request: Request, body: facts.ReferenceRequest) -> dict[str, Any]:
    world, account = world_of(request), signed_in(request)
    wanted = body.referencesInformation
    found = [
        _status(number, "CA" if sale.voided_at else "OC")
        for sale in world.ledger.by_reference("fedex", account, wanted.value)
        if wanted.shipDateBegin.isoformat() <= sale.ship_on <= wanted.shipDateEnd.isoformat()
        for number in sale.tracking_numbers
    ]
    return _tracked("", found or [_unknown("TRACKING.REFERENCENUMBER.NOTFOUND")])


def _tracked(number: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    return {"output": {"completeTrackResults": [{"trackingNumber": number, "trackResults": results}]}}


def _unknown(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "Number cannot be found. Please correct it and try again."}}


def _status(number: str, code: str) -> dict[str, Any]:
    return {"trackingNumberInfo": {"trackingNumber": number}, "latestStatusDetail": {"code": code}}


def _event(passage: Passage) -> dict[str, Any]:
    place = {"city": "NEWARK", "stateOrProvinceCode": "NJ", "postalCode": "07105", "countryCode": "US"}
    at = passage.at.isoformat(timespec="seconds")
    return {"date": at, "eventType": passage.code, "eventDescription": passage.text, "scanLocation": place}


def _sale(world: World, account: str, wanted: Any, flaw: FaultKind | None) -> Sale:
    packages = wanted.requestedPackageLineItems
    numbers = [_tracking_number(world.ledger.serial()) for _ in packages]
    charged = 910 * len(numbers) + 57 * math.ceil(wanted.totalWeight) + (520 if flaw == FaultKind.PRICE_CHANGE else 0)
    references = packages[0].customerReferences
    currency = {"CA": "CAD", "GB": "GBP", "DE": "EUR", "FR": "EUR"}.get(wanted.shipper.address.countryCode, "USD")
    return Sale(
        "fedex", account, numbers[0], numbers, charged, currency, world.clock.now(), wanted.serviceType,
        reference=references[0].value if references else "", ship_on=wanted.shipDatestamp.isoformat(),
        facts={"image": wanted.labelSpecification.imageType},
    )  # fmt: skip


def _answer(sale: Sale, flaw: FaultKind | None) -> dict[str, Any]:
    currency = "JPY" if flaw == FaultKind.WRONG_CURRENCY else sale.currency
    rate = {"rateType": "PAYOR_ACCOUNT_PACKAGE", "totalNetCharge": sale.charged_minor / 100, "currency": currency}
    listed = {"rateType": "PAYOR_LIST_PACKAGE", "totalNetCharge": sale.charged_minor / 50, "currency": currency}
    rating = {"actualRateType": "PAYOR_ACCOUNT_PACKAGE", "shipmentRateDetails": [listed, rate]}
    shipment = {
        "serviceType": sale.service,
        "masterTrackingNumber": sale.carrier_id,
        "pieceResponses": [_piece(sale, number, flaw) for number in sale.tracking_numbers],
        "completedShipmentDetail": {"shipmentRating": rating},
    }
    return {"transactionId": sale.carrier_id, "output": {"transactionShipments": [shipment]}}


def _piece(sale: Sale, number: str, flaw: FaultKind | None) -> dict[str, Any]:
    kind = _KINDS[sale.facts["image"]]
    label = printed_label(kind, number, huge=flaw == FaultKind.HUGE_LABEL, wrong=flaw == FaultKind.WRONG_LABEL)
    return {
        "trackingNumber": number,
        "masterTrackingNumber": sale.carrier_id,
        "packageDocuments": [{"contentType": "LABEL", "docType": sale.facts["image"], "encodedLabel": label}],
    }


def _tracking_number(serial: int) -> str:
    """Return a 12-digit number: weights 3, 1, 7, modulo 11, modulo 10."""
    body = f"{794_000_000_00 + serial:011d}"
    total = sum(int(digit) * (3, 1, 7)[at % 3] for at, digit in enumerate(body))
    return f"{body}{total % 11 % 10}"


def _document(fault: CarrierError) -> dict[str, Any]:
    return {"transactionId": "simulated", "errors": [{"code": fault.code, "message": fault.detail}]}
