"""Hermes Germany over its HSI Order API: an order and its label in one call, the list of a day's orders, pickups.

Source of names, limits and codes: the OpenAPI documents "HSI Order API" (2025-12-18) and "Business Customer Authentication"
(2025-07-28) of Hermes Germany; never run against Hermes itself. Prices stand on the invoice only. An order cannot be taken
back over the API; a parcel that never travels is not billed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import httpx

from linkstar_carriers.account import CarrierAccount
from linkstar_carriers.oauth import BearerTransport, client_credentials
from linkstar_carriers.replies import Node
from linkstar_carriers.transport import Call, Limits, Reply, Transport
from linkstar_contracts.label_events import PurchaseGuarantee
from linkstar_contracts.values import Consignee
from linkstar_labeler.carriers.remote.labels_only import LabelsOnly
from linkstar_labeler.carriers.remote.outcomes import NotSellable, reading, selling
from linkstar_labeler.carriers.remote.printed import printed
from linkstar_labeler.carriers.remote.writing import local_phone, sides_in, street_lines, truncated, weight_in
from linkstar_labeler.domain.connector import (
    BillableLabel,
    Capabilities,
    LabelRequest,
    NotFound,
    NotSent,
    OutcomeUnknown,
    PickupRequest,
    Purchased,
    PurchasedParcel,
    PurchaseOutcome,
    RecoverOutcome,
    Refused,
)
from linkstar_runtime.clock import Clock

__all__ = ["Hermes"]

_SERVICES = frozenset({"to_door"})
_MOST_G = 31_500
_HALF = 20
"""Our reference has up to 30 characters; a client reference takes 20, the rest goes into the second one."""
_LOOK_BACK = timedelta(days=14)
_MEDIA = {"PDF": ("application/shippinglabel-pdf+json", "application/pdf"),
          "ZPL203DPI": ("application/shippinglabel-zpl+json;dpi=203", "application/zpl"),
          "ZPL300DPI": ("application/shippinglabel-zpl+json;dpi=300", "application/zpl")}  # fmt: skip
_TAKEN_BACK = frozenset({"DELETED", "FAILED"})


class Hermes(LabelsOnly):
    """One Hermes account: client id and secret of the application, user name and password; signing in has its own host."""

    carrier = "hermes-de"
    capabilities = Capabilities(
        PurchaseGuarantee.RECONCILED, _SERVICES, voids=False, recovers=True, lists_labels=True, pickups=True
    )  # fmt: skip

    def __init__(self, account: CarrierAccount, http: httpx.AsyncClient, clock: Clock, limits: Limits) -> None:
        self._clock = clock
        self._accept, self._media = _MEDIA[account.choice("label_format", "PDF", frozenset(_MEDIA))]
        secrets = {name: account.secret(name) for name in ("client_id", "client_secret", "username", "password")}
        grant = Call(
            "token", "POST", "/authorization-facade/oauth2/access_token", form={"grant_type": "password", **secrets}
        )  # fmt: skip
        sign_in = Transport(account.connector, http, clock, account.url("auth_url"), limits)
        self.transport = Transport(account.connector, http, clock, account.base_url, limits)
        self._api = BearerTransport(self.transport, client_credentials(sign_in, clock, grant))

    @selling
    async def buy(self, request: LabelRequest) -> PurchaseOutcome:
        """Place one parcel's order and print its label."""
        if request.service not in _SERVICES:
            return Refused("service_not_offered", f"Hermes has no service {request.service}")
        if request.inbound:
            return Refused("returns_not_offered", "Hermes sells returns in another process")
        if len(request.parcels) > 1:
            return Refused("multi_parcel", "one order for one parcel")
        headers = {"Accept": self._accept, "Accept-Language": "EN"}
        end = await self._api.send(Call("buy", "POST", "/shipmentorders/labels", headers, json=_order(request)))
        if not isinstance(end, Reply):
            return end
        return self._purchased(end.root) if end.accepted else Refused(*_fault(end))

    @reading
    async def recover(self, request: LabelRequest) -> RecoverOutcome:
        """Look for the order among those of the last days and have its label printed again."""
        today = self._clock.now().date()
        orders = await self._orders(today - _LOOK_BACK, today + timedelta(days=1))
        if isinstance(orders, NotSent | OutcomeUnknown):
            return orders
        ours = [order for order in orders if _reference(order) == request.reference and not _taken_back(order)]
        if len(ours) != 1:
            return OutcomeUnknown("several_found", "more than one order has the reference") if ours else NotFound()
        path = f"/shipmentorders/{ours[0]['shipmentOrderID'].text(11)}/labels"
        end = await self._api.send(Call("recover", "POST", path, {"Accept": self._accept, "Accept-Language": "EN"}))
        if not isinstance(end, Reply):
            return end
        return self._purchased(end.root) if end.accepted else OutcomeUnknown(*_fault(end))

    @reading
    async def billable(self, day: date) -> Sequence[BillableLabel] | NotSent | OutcomeUnknown:
        """Return the orders of a day, without prices."""
        orders = await self._orders(day, day)
        if isinstance(orders, NotSent | OutcomeUnknown):
            return orders
        return [
            BillableLabel(
                _reference(order),
                order["shipmentOrderID"].text(11),
                order["shipmentID"].text(20),
                None,
                _taken_back(order),
            )
            for order in orders
        ]

    @selling
    async def book_pickup(self, request: PickupRequest) -> str | Refused | NotSent | OutcomeUnknown:
        """Order a collection at the address Hermes has of the account."""
        body = {
            "pickupDate": request.ready_at.date().isoformat(),
            "parcelCount": {"pickupParcelCountM": request.parcels},
        }
        end = await self._api.send(Call("pickup", "POST", "/pickuporders", {"Accept-Language": "EN"}, json=body))
        if not isinstance(end, Reply):
            return end
        return end.root["pickupOrderID"].text(11) if end.accepted else Refused(*_fault(end))

    @selling
    async def verify(self) -> Refused | NotSent | OutcomeUnknown | None:
        """Sign in."""
        return await self._api.sign_in()

    async def _orders(self, first: date, last: date) -> list[Node] | NotSent | OutcomeUnknown:
        query = {"shipmentOrderStartDate": first.isoformat(), "shipmentOrderEndDate": last.isoformat()}
        call = Call("list", "GET", "/shipmentorders", {"Accept-Language": "EN"}, query, changes=False)
        end = await self._api.send(call)
        if not isinstance(end, Reply):
            return end
        if not end.accepted:
            return OutcomeUnknown(*_fault(end))
        clients = end.root["listOfClients"]
        return [
            order for client in clients for sender in client["listOfSenders"] for order in sender["listOfShipmentOrders"]
        ]  # fmt: skip

    def _purchased(self, root: Node) -> Purchased:
        number = root["shipmentID"].text(20)
        parcel = PurchasedParcel(number, printed(root["labelImage"], self._media))
        return Purchased(root["shipmentOrderID"].text(11), (parcel,), None)


def _reference(order: Node) -> str:
    return order["clientReference"].text_or("") + order["clientReference2"].text_or("")


def _taken_back(order: Node) -> bool:
    return order["actualOrderState"].text_or("") in _TAKEN_BACK


def _order(request: LabelRequest) -> dict[str, Any]:
    parcel = request.parcels[0]
    grams = int(weight_in(parcel.weight, "g", 0))
    if grams > _MOST_G:
        raise NotSellable("too_heavy", "Hermes carries up to 31.5 kg")
    depth, width, height = (int(side) for side in sides_in(parcel.dimensions, "mm", 0))
    first, rest = request.reference[:_HALF], request.reference[_HALF:]
    return {
        "clientReference": first,
        **({"clientReference2": rest} if rest else {}),
        **_receiver(request.receiver),
        "parcel": {"parcelWeight": grams, "parcelDepth": depth, "parcelWidth": width, "parcelHeight": height},
        **({"service": {"signatureService": True}} if request.options.signature else {}),
    }


def _receiver(person: Consignee) -> dict[str, Any]:
    street, *more = street_lines(person, 50, 2)
    given, _, family = truncated(person.name, 101).rpartition(" ")
    phone = local_phone(person.phone, 20)
    addition = more[0] if more else truncated(person.company, 50)
    contact = {**({"phone": phone} if phone else {}), **({"mail": person.email} if person.email else {})}
    return {
        "receiverName": {
            **({"firstname": truncated(given, 50)} if given else {}),
            "lastname": truncated(family, 50),
        },
        "receiverAddress": {
            "street": street,
            "zipCode": truncated(person.postcode, 8),
            "town": truncated(person.city, 30),
            "countryCode": person.country,
            **({"addressAddition": addition} if addition else {}),
        },
        **({"receiverContact": contact} if contact else {}),
    }


def _fault(end: Reply) -> tuple[str, str]:
    first = end.root["listOfResultCodes"].first()
    return first["code"].text_or(f"http_{end.status}")[:64], first["message"].text_or("no detail")[:300]
