"""Canpar over its SOAP service: shipments of one or several parcels, labels by id, search by reference and by day, void,
end of day.

Against a documented simulator only: the sources named in `canpar_writing` show operations and fields, but no error codes and
no rules. Every refusal of Canpar is a sentence, so its code is `carrier_refused`; what was done is always looked up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import httpx

from linkstar_carriers.account import CarrierAccount
from linkstar_carriers.oauth import REJECTED
from linkstar_carriers.replies import Node, Unreadable
from linkstar_carriers.soap import read_soap
from linkstar_carriers.transport import Call, Limits, Reply, Transport
from linkstar_contracts.label_events import PurchaseGuarantee
from linkstar_contracts.values import Consignee
from linkstar_labeler.carriers.remote import canpar_writing as writing
from linkstar_labeler.carriers.remote.labels_only import LabelsOnly
from linkstar_labeler.carriers.remote.outcomes import reading, selling
from linkstar_labeler.carriers.remote.printed import printed
from linkstar_labeler.domain.connector import (
    BillableLabel,
    Capabilities,
    Document,
    LabelRequest,
    Manifest,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Purchased,
    PurchasedLabel,
    PurchasedParcel,
    PurchaseOutcome,
    RecoverOutcome,
    Refused,
    VoidDeclined,
    Voided,
    VoidOutcome,
)
from linkstar_runtime.clock import Clock

__all__ = ["Canpar"]

_PATH = "/CanshipBusinessService.CanshipBusinessServiceHttpSoap12Endpoint/"
_LOOK_BACK, _LOOK_AHEAD = timedelta(days=30), timedelta(days=15)
_MOST_PAGES = 50
_REFUSED = "carrier_refused"


class Canpar(LabelsOnly):
    """One Canpar account: user id and password of Canship, and the shipper number."""

    carrier = "canpar"
    capabilities = Capabilities(
        PurchaseGuarantee.RECONCILED, frozenset(writing.SERVICES), recovers=True, lists_labels=True, manifests=True
    )  # fmt: skip

    def __init__(self, account: CarrierAccount, http: httpx.AsyncClient, clock: Clock, limits: Limits) -> None:
        self._shipper, self._clock = account.number, clock
        self._identity = {"user_id": account.secret("user_id"), "password": account.secret("password")}
        self.transport = Transport(account.connector, http, clock, account.base_url, limits, read_soap)

    @selling
    async def buy(self, request: LabelRequest) -> PurchaseOutcome:
        """Process a shipment, then fetch its labels: the first call buys, so from there on it may exist."""
        if request.service not in writing.SERVICES:
            return Refused("service_not_offered", f"Canpar has no service {request.service}")
        if request.inbound:
            return Refused("returns_not_offered", "Canpar sells returns in another process")
        fields = {"shipment": writing.shipment(request, self._shipper)}
        end = await self._ask("buy", "processShipment", fields)
        if not isinstance(end, Reply):
            return end
        answer = _answer(end)
        sold = answer["processShipmentResult"]
        if fault := _fault(answer) or _sentence(sold["errors"]):
            return Refused(_code(fault), fault)
        return await self._with_labels(sold["shipment"], request)

    @reading
    async def recover(self, request: LabelRequest) -> RecoverOutcome:
        """Look for shipments whose packages carry the request's reference, and fetch the labels of the one that stands."""
        found = await self._search(
            "recover", "searchShipmentsByReference", self._days(request.ship_on), request.reference
        )
        if isinstance(found, NotSent | OutcomeUnknown):
            return found
        standing = [shipment for shipment in found if not _voided(shipment)]
        if not standing:
            return NotFound()
        if len(standing) > 1:
            return OutcomeUnknown("several_found", "more than one shipment has the reference")
        return await self._with_labels(standing[0], request)

    @reading
    async def void(self, label: PurchasedLabel) -> VoidOutcome:
        """Void the shipment. What Canpar refuses is looked up: it may have been voided before."""
        end = await self._ask("void", "voidShipment", {"id": label.carrier_id})
        if not isinstance(end, Reply):
            return end
        fault = _fault(_answer(end))
        if not fault:
            return Voided()
        days = self._days(self._clock.now().date())
        found = await self._search("recover", "searchShipmentsByReference", days, label.reference)
        if isinstance(found, NotSent | OutcomeUnknown):
            return OutcomeUnknown(
                found.code, "the void was refused, and whether the label is voided already could not be looked up"
            )
        ours = [shipment for shipment in found if shipment["id"].text_or("") == label.carrier_id]
        if ours and all(_voided(shipment) for shipment in ours):
            return Voided()
        return VoidDeclined(_REFUSED, fault)

    @reading
    async def billable(self, day: date) -> Sequence[BillableLabel] | NotSent | OutcomeUnknown:
        """Return the shipments of a shipping day with their totals."""
        found = await self._search("list", "searchShipmentsByShippingDate", (day, day))
        return found if isinstance(found, NotSent | OutcomeUnknown) else [_billable(shipment) for shipment in found]

    @selling
    async def manifest(
        self, reference: str, origin: Consignee, labels: Sequence[PurchasedLabel], day: date
    ) -> Manifest | Refused | NotSent | OutcomeUnknown:
        """Close the day: Canpar puts all its shipments on one manifest. Of a day closed before, that manifest is named."""
        end = await self._ask("manifest", "endOfDay", {"date": f"{day}T00:00:00.000Z", "shipper_num": self._shipper})
        if not isinstance(end, Reply):
            return end
        fault = _fault(_answer(end))
        found = await self._search("list", "searchShipmentsByShippingDate", (day, day))
        if isinstance(found, NotSent | OutcomeUnknown):
            return OutcomeUnknown(found.code, "the day was closed, its manifest could not be looked up")
        manifests = {shipment["id"].text(20): shipment["manifest_num"].text_or("") for shipment in found}
        number = next((manifests[label.carrier_id] for label in labels if manifests.get(label.carrier_id)), "")
        if not number:
            return Refused("nothing_to_manifest", fault or "none of the labels is on the day's manifest")
        left_out = [label for label in labels if manifests.get(label.carrier_id) != number]
        rejected = tuple((tracking, "not_on_manifest") for label in left_out for tracking in label.tracking_numbers)
        return Manifest(number, await self._sheet(number), rejected)

    @selling
    async def verify(self) -> Refused | NotSent | OutcomeUnknown | None:
        """Look at a day's shipments: it proves user, password and shipper number."""
        fields = self._search_fields((self._clock.now().date(),) * 2, 1)
        end = await self._ask("verify", "searchShipmentsByShippingDate", fields)
        if not isinstance(end, Reply):
            return end
        fault = _fault(_answer(end))
        return Refused(REJECTED, fault) if fault else None

    async def _with_labels(self, shipment: Node, request: LabelRequest) -> Purchased | NotSent | OutcomeUnknown:
        """Add the labels to a shipment that was bought; without them the purchase is unknown until it is looked up."""
        carrier_id = shipment["id"].text(20)
        numbers = [package["barcode"].text(34) for package in shipment["packages"]]
        end = await self._ask("labels", "getLabels", {"id": carrier_id, "thermal": True})
        if not isinstance(end, Reply):
            return OutcomeUnknown(end.code, "bought, but its labels could not be fetched")
        answer = _answer(end)
        if fault := _fault(answer):
            return OutcomeUnknown("label_missing", fault)
        documents = [printed(label, "image/png") for label in answer["labels"]]
        if not len(numbers) == len(documents) == len(request.parcels):
            raise Unreadable("parcel_missing", f"{len(documents)} labels for {len(request.parcels)} parcels")
        parcels = tuple(PurchasedParcel(*pair) for pair in zip(numbers, documents, strict=True))
        return Purchased(carrier_id, parcels, shipment["total"].money("CAD"))

    async def _sheet(self, number: str) -> Document | None:
        """Return the manifest's sheet; a closed day is closed even when the sheet cannot be had now."""
        fields = {"manifest_num": number, "shipper_num": self._shipper, "type": "F"}
        end = await self._ask("sheet", "getManifest", fields)
        if not isinstance(end, Reply) or not _answer(end)["manifest"]:
            return None
        return printed(_answer(end)["manifest"], "application/pdf")

    def _days(self, around: date) -> tuple[date, date]:
        return around - _LOOK_BACK, around + _LOOK_AHEAD

    def _search_fields(self, days: tuple[date, date], page: int) -> dict[str, Any]:
        first, last = (f"{day}T00:00:00.000Z" for day in days)
        return {"from_shipping_date": first, "to_shipping_date": last, "page_num": page, "shipper_num": self._shipper}

    async def _search(
        self, operation: str, action: str, days: tuple[date, date], reference: str = ""
    ) -> list[Node] | NotSent | OutcomeUnknown:
        """Return the shipments of all pages."""
        found: list[Node] = []
        for page in range(1, _MOST_PAGES + 1):
            fields = self._search_fields(days, page) | ({"reference": reference} if reference else {})
            end = await self._ask(operation, action, fields)
            if not isinstance(end, Reply):
                return end
            if fault := _fault(_answer(end)):
                return OutcomeUnknown(_REFUSED, fault)
            shipments = [shipment for shipment in _answer(end)["shipment"] if shipment]
            known = {shipment["id"].text(20) for shipment in found}
            new = [shipment for shipment in shipments if shipment["id"].text(20) not in known]
            found += new
            if not new:
                return found
        return OutcomeUnknown("too_many_found", "the list does not end")

    async def _ask(self, operation: str, action: str, fields: Mapping[str, Any]) -> Reply | NotSent | OutcomeUnknown:
        changes = operation in ("buy", "void", "manifest")
        headers = {"Content-Type": f'application/soap+xml; charset=utf-8; action="urn:{action}"', "Accept": "*/*"}
        content = writing.asked(action, {**fields, **self._identity})
        return await self.transport.send(Call(operation, "POST", _PATH, headers, content=content, changes=changes))


def _answer(end: Reply) -> Node:
    """Return what the one operation of the reply returned."""
    content = end.root.value if isinstance(end.root.value, dict) else {}
    return Node(next(iter(content.values()), None), "reply")["return"]


def _fault(answer: Node) -> str:
    if not answer:
        raise Unreadable("field_missing", answer.path)
    return _sentence(answer["error"])


def _sentence(place: Node) -> str:
    return "; ".join(text for item in place if (text := item.text_or("")))[:300]


def _code(sentence: str) -> str:
    return REJECTED if "password" in sentence.lower() else _REFUSED


def _voided(shipment: Node) -> bool:
    return shipment["voided"].text_or("") == "true"


def _billable(shipment: Node) -> BillableLabel:
    package = shipment["packages"].first()
    return BillableLabel(
        package["reference"].text_or(""), shipment["id"].text(20), package["barcode"].text(34),
        shipment["total"].money("CAD"), _voided(shipment),
    )  # fmt: skip
