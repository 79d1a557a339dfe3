"""DPD over the META API of DPDgroup: labels, nothing else.

Source of names, limits and codes: DPD's OpenAPI document "META-API Shipment" 2.30.48 (2025-11-18); never run against DPD
itself. The document has no price, no void and no look-up by reference: a purchase without an answer is reconciled from the
invoice, and a parcel that never travels is not billed by DPD Germany.
"""

from __future__ import annotations

import re
from typing import Any

import httpx

from linkstar_carriers.account import CarrierAccount
from linkstar_carriers.oauth import NO_TOKEN, BearerTransport, refused_sign_in
from linkstar_carriers.replies import Unreadable
from linkstar_carriers.tokens import Token, TokenSource
from linkstar_carriers.transport import Call, Limits, Reply, Transport
from linkstar_contracts.label_events import PurchaseGuarantee
from linkstar_contracts.values import Consignee, Parcel
from linkstar_labeler.carriers.remote.labels_only import LabelsOnly
from linkstar_labeler.carriers.remote.outcomes import NotSellable, selling
from linkstar_labeler.carriers.remote.printed import printed
from linkstar_labeler.carriers.remote.writing import local_phone, sides_in, street_lines, truncated, weight_in
from linkstar_labeler.domain.connector import (
    Capabilities,
    Document,
    LabelRequest,
    NotSent,
    OutcomeUnknown,
    Purchased,
    PurchasedParcel,
    PurchaseOutcome,
    Refused,
)
from linkstar_runtime.clock import Clock

__all__ = ["Dpd"]

_PRODUCTS = {"classic": "101"}
_MOST_G = 31_500
_TOKEN_S = 24 * 3600.0
_MEDIA = {"PDF": "application/pdf", "ZPL": "application/zpl"}
_LABEL = re.compile(rb"\^XA.*?\^XZ", re.DOTALL)


class Dpd(LabelsOnly):
    """One DPD account: login and password, the code of its business unit (`001` is Germany), the customer number."""

    carrier = "dpd-de"
    capabilities = Capabilities(PurchaseGuarantee.RECONCILED, frozenset(_PRODUCTS), voids=False)

    def __init__(self, account: CarrierAccount, http: httpx.AsyncClient, clock: Clock, limits: Limits) -> None:
        self._format = account.choice("label_format", "PDF", frozenset(_MEDIA))
        self._customer = {"customerAccountNumber": account.number}
        self._sign_in = {
            "X-DPD-LOGIN": account.secret("login"),
            "X-DPD-PASSWORD": account.secret("password"),
            "X-DPD-BUCODE": account.settings.get("bu_code", "001"),
        }
        self.transport = Transport(account.connector, http, clock, account.base_url, limits)
        self._api = BearerTransport(self.transport, TokenSource(clock, self._token))

    @selling
    async def buy(self, request: LabelRequest) -> PurchaseOutcome:
        """Buy the labels of one shipment. DPD prints them into one document: only of a ZPL one each parcel gets its own."""
        if request.service not in _PRODUCTS:
            return Refused("service_not_offered", f"DPD has no product {request.service}")
        if request.inbound:
            return Refused("returns_not_offered", "DPD sells returns in another process")
        if len(request.parcels) > 1 and self._format != "ZPL":
            return Refused("multi_parcel", "the labels of several parcels are one document, unless in ZPL")
        query = {"LabelPrintFormat": self._format, "LabelPaperFormat": "A6"}
        call = Call("buy", "POST", "/shipping/v1/shipment", query=query, json=[_shipment(request, self._customer)])
        end = await self._api.send(call)
        if not isinstance(end, Reply):
            return end
        sold = end.root.first()
        if not end.accepted:
            code, detail = sold["errorCode"].text_or(f"http_{end.status}"), sold["errorMessage"].text_or("no detail")
            return Refused(code[:64], detail[:300])
        carrier_id = sold["shipmentId"].text(50)
        numbers = [number.text(28) for number in sold["parcelIds"]]
        labels = _labels(printed(sold["label"]["base64Data"], _MEDIA[self._format]), len(request.parcels))
        if not len(numbers) == len(labels) == len(request.parcels):
            told = f"{len(numbers)} numbers and {len(labels)} labels for {len(request.parcels)} parcels"
            raise Unreadable("parcel_missing", told)
        parcels = tuple(PurchasedParcel(*parcel) for parcel in zip(numbers, labels, strict=True))
        return Purchased(carrier_id, parcels, None)

    @selling
    async def verify(self) -> Refused | NotSent | OutcomeUnknown | None:
        """Sign in."""
        return await self._api.sign_in()

    async def _token(self) -> Token | NotSent:
        """Sign in; DPD answers with a header. The token lives for a day."""
        call = Call("token", "POST", "/shipping/v1/login", self._sign_in, changes=False, bodyless=True)
        end = await self.transport.send(call)
        if isinstance(end, OutcomeUnknown):
            return NotSent(end.code, end.detail)
        if isinstance(end, NotSent):
            return end
        if not end.accepted:
            return refused_sign_in(end.status)
        token = end.headers.get("X-DPD-TOKEN", "")
        return Token(token, _TOKEN_S) if token else NotSent(NO_TOKEN, "the reply holds no access token")


def _labels(document: Document, parcels: int) -> list[Document]:
    """Return the label of each parcel, in the order of the parcels. Commands between labels make them inseparable."""
    if parcels == 1:
        return [document]
    if _LABEL.sub(b"", document.content).strip():
        raise Unreadable("bad_label", "there is more than labels in the document")
    return [Document(document.media_type, label) for label in _LABEL.findall(document.content)]


def _shipment(request: LabelRequest, customer: dict[str, str]) -> dict[str, Any]:
    grams = [int(weight_in(parcel.weight, "g", 0)) for parcel in request.parcels]
    parcels = zip(request.parcels, grams, strict=True)
    return {
        "shipmentInfos": {"productCode": _PRODUCTS[request.service], "weight": str(sum(grams))},
        "customerReferenceNumbers": [request.reference],
        "numberOfParcels": str(len(grams)),
        "sender": {"customerInfos": customer, **_party(request.sender, "B")},
        "receiver": _party(request.receiver, "B" if request.receiver.company else "P"),
        "parcel": [_parcel(parcel, weight, request.reference) for parcel, weight in parcels],
    }


def _parcel(parcel: Parcel, grams: int, reference: str) -> dict[str, Any]:
    if grams > _MOST_G:
        raise NotSellable("too_heavy", "DPD carries up to 31.5 kg")
    length, width, height = (int(side) for side in sides_in(parcel.dimensions, "cm", 0))
    size = {"length": length, "width": width, "height": height}
    return {
        "parcelInfos": {"weight": str(grams), "dimensions": size},
        "parcelRank": str(parcel.number),
        "senderParcelRefs": [reference],
    }


def _party(person: Consignee, business: str) -> dict[str, Any]:
    street, *more = street_lines(person, 35, 2)
    phone = local_phone(person.phone)
    contact = {
        "contactPerson": truncated(person.name, 35),
        **({"phone1": phone} if phone else {}),
        **({"email": person.email} if 0 < len(person.email) <= 100 else {}),
    }
    address = {
        "name1": truncated(person.name, 35),
        **({"companyName": truncated(person.company, 35)} if person.company else {}),
        "street": street,
        **({"addressLine2": more[0]} if more else {}),
        "country": person.country,
        "zipCode": truncated(person.postcode, 9),
        "city": truncated(person.city, 35),
    }
    return {"address": address, "contact": contact, "legalEntity": {"businessType": business}}
