"""Evri over its Routing Web Service v4: pre-advice and label of a parcel in one call, nothing else.

Against a documented simulator only: Evri's "Client Integration – API" could not be read; names, limits and the form of an
answer are those that two public integrations agree on. The service has no key, no look-up, no void and no price: a purchase
without an answer is reconciled from the invoice. Pre-advice of a parcel that never travels is not billed.
"""

from __future__ import annotations

from typing import Any

import httpx

from linkstar_carriers.account import CarrierAccount
from linkstar_carriers.oauth import refused_sign_in
from linkstar_carriers.replies import Node, Unreadable
from linkstar_carriers.soap import document, read_xml
from linkstar_carriers.transport import Call, Limits, Reply, Transport
from linkstar_contracts.label_events import PurchaseGuarantee
from linkstar_contracts.values import Consignee, Parcel
from linkstar_labeler.carriers.remote.labels_only import LabelsOnly
from linkstar_labeler.carriers.remote.outcomes import NotSellable, selling
from linkstar_labeler.carriers.remote.printed import printed
from linkstar_labeler.carriers.remote.writing import local_phone, sides_in, street_lines, truncated, weight_in
from linkstar_labeler.domain.connector import (
    Capabilities,
    LabelRequest,
    NotSent,
    OutcomeUnknown,
    Purchased,
    PurchasedParcel,
    PurchaseOutcome,
    Refused,
)
from linkstar_runtime.clock import Clock

__all__ = ["Evri"]

_SERVICES = {"standard": {}, "next_day": {"nextDay": True}}
_MOST_G = 15_000
_HALF = 20
_ZPL = "ZPL_799_1199"
_HEADERS = {"Content-Type": "text/xml; charset=utf-8", "Accept": "text/xml, application/xml"}


class Evri(LabelsOnly):
    """One Evri account: client id (the number), client name, user name and password."""

    carrier = "evri"
    capabilities = Capabilities(PurchaseGuarantee.RECONCILED, frozenset(_SERVICES), voids=False)

    def __init__(self, account: CarrierAccount, http: httpx.AsyncClient, clock: Clock, limits: Limits) -> None:
        self._clock = clock
        self._zpl = account.choice("label_format", "PDF", frozenset({"PDF", "ZPL"})) == "ZPL"
        self._client = {"clientId": account.number, "clientName": account.setting("client_name")}
        self._basic = account.secret("username"), account.secret("password")
        self.transport = Transport(account.connector, http, clock, account.base_url, limits, read_xml)

    @selling
    async def buy(self, request: LabelRequest) -> PurchaseOutcome:
        """Announce one parcel and print its label."""
        if request.service not in _SERVICES:
            return Refused("service_not_offered", f"Evri has no service {request.service}")
        if request.inbound:
            return Refused("returns_not_offered", "Evri sells returns in another process")
        if len(request.parcels) > 1:
            return Refused("multi_parcel", "one label for one parcel")
        entry = _entry(request)
        end = await self._ask("buy", "routeDeliveryCreatePreadviceAndLabel", entry)
        if not isinstance(end, Reply):
            return end
        answer = _first_entry(end.root)
        if fault := _fault(answer):
            return fault
        carriers = answer["outboundCarriers"]
        number = carriers["carrier1"]["barcode1"]["barcodeNumber"].text(40)
        label = printed(carriers["labelImage"], "application/zpl" if self._zpl else "application/pdf")
        return Purchased(number, (PurchasedParcel(number, label),), None)

    @selling
    async def verify(self) -> Refused | NotSent | OutcomeUnknown | None:
        """Ask for the route of a parcel that nobody announces: it proves user and password, and creates nothing."""
        end = await self._ask("verify", "determineDeliveryRouting", _PROBE)
        return None if isinstance(end, Reply) else end

    async def _ask(
        self, operation: str, method: str, entry: dict[str, Any]
    ) -> Reply | NotSent | OutcomeUnknown:  # fmt: skip
        head = {
            **self._client,
            "sourceOfRequest": "CLIENTWS",
            "creationDate": self._clock.now().strftime("%Y-%m-%dT%H:%M:%S"),
            **({"labelFormat": _ZPL} if self._zpl else {}),
        }
        entries = {"deliveryRoutingRequestEntry": entry}
        content = document("deliveryRoutingRequest", {**head, "deliveryRoutingRequestEntries": entries})
        call = Call(
            operation, "POST", f"/{method}", _HEADERS, content=content, basic=self._basic, changes=operation == "buy"
        )  # fmt: skip
        end = await self.transport.send(call)
        return refused_sign_in(end.status) if isinstance(end, Reply) and end.status in (401, 403) else end


_PROBE: dict[str, Any] = {
    "addressValidationRequired": False,
    "customer": {
        "address": {
            "lastName": "Test", "streetName": "1 High Street", "city": "London", "postCode": "EC1A 1BB", "countryCode": "GB",
        },
        "customerReference1": "VERIFY",
    },
    "parcel": {
        "weight": 500, "length": 20, "width": 15, "depth": 10, "girth": 50, "combinedDimension": 70, "volume": 3000,
        "currency": "GBP", "value": 100,
    },
    "countryOfOrigin": "GB",
}  # fmt: skip
"""Evri's own example of an address, a parcel of nobody."""


def _first_entry(root: Node) -> Node:
    """Return the answer about our one parcel; the answer stands in a wrapper named after the method, or alone."""
    outer = next(iter(root.value.values()), None) if isinstance(root.value, dict) else None
    response = Node(outer, "reply")["routingResponse"] or Node(outer, "reply")
    entry = response["routingResponseEntries"]["routingResponseEntry"].first()
    if not entry:
        raise Unreadable("field_missing", entry.path)
    return entry


def _fault(entry: Node) -> Refused | None:
    messages = [message["message"] or message for message in entry["errorMessages"] if message]
    if not messages:
        return None
    first = messages[0].first()
    return Refused(
        first["errorCode"].text_or("carrier_refused")[:64], first["errorDescription"].text_or("no detail")[:300]
    )


def _entry(request: LabelRequest) -> dict[str, Any]:
    services = {**_SERVICES[request.service], **({"signature": True} if request.options.signature else {})}
    return {
        "addressValidationRequired": False,
        "customer": _customer(request.receiver, request.reference),
        "parcel": _parcel(request.parcels[0]),
        **({"services": services} if services else {}),
        "senderAddress": {
            "addressLine1": truncated(request.sender.company or request.sender.name, 32),
            "addressLine2": truncated(f"{request.sender.city} {request.sender.postcode}", 32),
        },
        "expectedDespatchDate": request.ship_on.isoformat(),
        "countryOfOrigin": request.sender.country,
    }


def _customer(person: Consignee, reference: str) -> dict[str, Any]:
    if person.country != "GB":
        raise NotSellable("destination_not_served", "this connector serves Great Britain")
    given, _, family = truncated(person.name, 65).rpartition(" ")
    street, *more = street_lines(person, 32, 3)
    phone = local_phone(person.phone)
    first, rest = reference[:_HALF], reference[_HALF:]
    return {
        "address": {
            **({"firstName": truncated(given, 32)} if given else {}),
            "lastName": truncated(family, 32),
            "streetName": street,
            **{f"addressLine{at}": line for at, line in enumerate(more, 1)},
            "city": truncated(person.city, 32),
            "postCode": person.postcode.upper(),
            "countryCode": person.country,
        },
        **({"mobilePhoneNo": phone} if phone else {}),
        **({"email": person.email} if 0 < len(person.email) <= 80 else {}),
        "customerReference1": first,
        **({"customerReference2": rest} if rest else {}),
    }


def _parcel(parcel: Parcel) -> dict[str, Any]:
    grams = int(weight_in(parcel.weight, "g", 0))
    if grams > _MOST_G:
        raise NotSellable("too_heavy", "Evri carries up to 15 kg")
    length, width, depth = (int(side) for side in sides_in(parcel.dimensions, "cm", 0))
    girth = 2 * (width + depth)
    return {
        "weight": grams, "length": length, "width": width, "depth": depth, "girth": girth,
        "combinedDimension": length + girth, "volume": length * width * depth,
        "currency": parcel.declared_value.currency, "value": parcel.declared_value.amount_minor,
    }  # fmt: skip
