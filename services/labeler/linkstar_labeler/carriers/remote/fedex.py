"""FedEx over its Ship API: shipments of one or several parcels, results of asynchronous jobs, cancel.

Written against the published document named in `fedex_writing`; never run against FedEx itself. FedEx has neither an
idempotency key (`x-customer-transaction-id` only correlates) nor a look-up of labels by our reference: a job's results are
found by the id in the reply that was lost. A purchase without an answer is reconciled from the invoice.
"""

from __future__ import annotations

from typing import Any

import httpx

from linkstar_contracts.label_events import PurchaseGuarantee
from linkstar_contracts.values import Money
from linkstar_labeler.carriers.remote import fedex_writing as writing
from linkstar_labeler.carriers.remote.account import AccountIncomplete, CarrierAccount
from linkstar_labeler.carriers.remote.labels_only import LabelsOnly
from linkstar_labeler.carriers.remote.oauth import BearerTransport, client_credentials
from linkstar_labeler.carriers.remote.outcomes import reading, selling
from linkstar_labeler.carriers.remote.replies import Node, Unreadable, priced, printed
from linkstar_labeler.carriers.remote.transport import Call, Limits, Reply, Transport
from linkstar_labeler.domain.connector import (
    Capabilities,
    LabelRequest,
    NotSent,
    OutcomeUnknown,
    Purchased,
    PurchasedLabel,
    PurchasedParcel,
    PurchaseOutcome,
    Refused,
    VoidDeclined,
    Voided,
    VoidOutcome,
)
from linkstar_runtime.clock import Clock

__all__ = ["Fedex"]

_MEDIA = {"PDF": "application/pdf", "ZPLII": "application/zpl", "PNG": "image/png"}
_LOOKS_AT_JOB, _BETWEEN_LOOKS_S = 6, 2.0


class Fedex(LabelsOnly):
    """One FedEx account: client id and secret of a project, the nine digits of the account, a Ground Economy hub."""

    carrier = "fedex"

    def __init__(self, account: CarrierAccount, http: httpx.AsyncClient, clock: Clock, limits: Limits) -> None:
        if not account.number.isdigit() or len(account.number) > 9:
            raise AccountIncomplete("bad_number", "a FedEx account number has up to nine digits")
        self._number, self._clock = account.number, clock
        self._image = account.choice("label_format", "PDF", frozenset(_MEDIA))
        self._hub = account.settings.get("smart_post_hub", "")
        services = frozenset(writing.SERVICES) - (frozenset() if self._hub else {writing.ECONOMY})
        self.capabilities = Capabilities(PurchaseGuarantee.RECONCILED, services, returns=True)
        secrets = {name: account.secret(name) for name in ("client_id", "client_secret")}
        grant = Call("token", "POST", "/oauth/token", form={"grant_type": "client_credentials", **secrets})
        self.transport = Transport(account.connector, http, clock, account.base_url, limits)
        self._api = BearerTransport(self.transport, client_credentials(self.transport, clock, grant))

    @selling
    async def buy(self, request: LabelRequest) -> PurchaseOutcome:
        """Buy the labels of one shipment. Ground Economy is offered to accounts that name their hub."""
        if request.service not in self.capabilities.services:
            return Refused("service_not_offered", f"FedEx has no service {request.service} for this account")
        body = writing.ship_body(request, self._number, self._image, self._hub)
        end = await self._ask("buy", "POST", "/ship/v1/shipments", request.purchase_key, body)
        if isinstance(end, Reply) and end.accepted and end.root["output"]["jobId"]:
            end = await self._job(end.root["output"]["jobId"].text(64), request.purchase_key)
        if not isinstance(end, Reply):
            return end
        if not end.accepted:
            return Refused(*_fault(end))
        return self._purchased(end.root["output"]["transactionShipments"].first(), request)

    @reading
    async def void(self, label: PurchasedLabel) -> VoidOutcome:
        """Cancel all parcels of the shipment, while they are not tendered."""
        body = {
            "accountNumber": {"value": self._number},
            "trackingNumber": label.carrier_id,
            "deletionControl": "DELETE_ALL_PACKAGES",
        }
        end = await self._ask("void", "PUT", "/ship/v1/shipments/cancel", label.reference, body)
        if not isinstance(end, Reply):
            return end
        if end.accepted and end.root["output"]["cancelledShipment"].value is True:
            return Voided()
        code, detail = _fault(end) if not end.accepted else ("not_cancelled", _told(end.root["output"]))
        return Voided() if "already" in detail.lower() and "cancel" in detail.lower() else VoidDeclined(code, detail)

    @selling
    async def verify(self) -> Refused | NotSent | OutcomeUnknown | None:
        """Sign in: this proves the project, not that the account number belongs to it."""
        return await self._api.sign_in()

    async def _job(self, job: str, correlation: str) -> Reply | OutcomeUnknown:
        """Wait for an asynchronous shipment. It was accepted: whatever goes wrong from here on, it may exist."""
        body = {"accountNumber": {"value": self._number}, "jobId": job}
        for _look in range(_LOOKS_AT_JOB):
            await self._clock.sleep(_BETWEEN_LOOKS_S)
            end = await self._ask("results", "POST", "/ship/v1/shipments/results", correlation, body, changes=False)
            if isinstance(end, Reply) and end.accepted and end.root["output"]["transactionShipments"]:
                return end
        return OutcomeUnknown("job_pending", "FedEx has not finished the shipment's job")

    async def _ask(
        self, operation: str, method: str, path: str, correlation: str, body: Any, changes: bool = True
    ) -> Reply | NotSent | OutcomeUnknown:
        headers = {"x-customer-transaction-id": correlation[:40], "x-locale": "en_US"}
        return await self._api.send(Call(operation, method, path, headers, json=body, changes=changes))

    def _purchased(self, shipment: Node, request: LabelRequest) -> Purchased:
        parcels = tuple(self._parcel(piece) for piece in shipment["pieceResponses"])
        if len(parcels) != len(request.parcels):
            raise Unreadable("parcel_missing", f"{len(parcels)} labels for {len(request.parcels)} parcels")
        charged = _charged(shipment, request.expected.currency)
        return Purchased(shipment["masterTrackingNumber"].text(34), parcels, charged)

    def _parcel(self, piece: Node) -> PurchasedParcel:
        document = printed(piece["packageDocuments"].first()["encodedLabel"], _MEDIA[self._image])
        return PurchasedParcel(piece["trackingNumber"].text(34), document)


def _charged(shipment: Node, currency: str) -> Money | None:
    """Return the account's own rate; FedEx prices some shipments only on the invoice."""
    rating = shipment["completedShipmentDetail"]["shipmentRating"]
    wanted = rating["actualRateType"].text_or("")
    for rate in rating["shipmentRateDetails"]:
        if rate["rateType"].text_or("") == wanted:
            return priced(rate["totalNetCharge"], rate["currency"], currency)
    return None


def _told(output: Node) -> str:
    return output["message"].text_or(output["alerts"].first()["message"].text_or("no detail"))[:300]


def _fault(end: Reply) -> tuple[str, str]:
    first = end.root["errors"].first()
    return first["code"].text_or(f"http_{end.status}")[:64], first["message"].text_or("no detail")[:300]
