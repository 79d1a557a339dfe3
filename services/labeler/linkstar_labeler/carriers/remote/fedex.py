"""FedEx over its Ship API: shipments of one or several parcels, results of asynchronous jobs, cancel.

Written against the published documents named in docs/carriers.md; never run against FedEx itself. FedEx has no
idempotency key (`x-customer-transaction-id` only correlates) and prints no label twice; a job's results are found by the id
in the reply that was lost. Tracking by reference tells, up to a day later, that a shipment exists: it is cancelled then.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx

from linkstar_carriers.account import AccountIncomplete, CarrierAccount
from linkstar_carriers.oauth import BearerTransport, client_credentials
from linkstar_carriers.replies import Node, Unreadable, priced
from linkstar_carriers.transport import Call, Limits, Reply, Transport
from linkstar_contracts.label_events import PurchaseGuarantee
from linkstar_contracts.values import Money
from linkstar_labeler.carriers.remote import fedex_writing as writing
from linkstar_labeler.carriers.remote.labels_only import LabelsOnly
from linkstar_labeler.carriers.remote.outcomes import reading, selling
from linkstar_labeler.carriers.remote.printed import printed
from linkstar_labeler.domain.connector import (
    Capabilities,
    LabelRequest,
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

__all__ = ["Fedex"]

_MEDIA = {"PDF": "application/pdf", "ZPLII": "application/zpl", "PNG": "image/png"}
_NOT_FOUND = frozenset(
    {"TRACKING.REFERENCENUMBER.NOTFOUND", "TRACKING.TRACKINGNUMBER.NOTFOUND", "TRACKING.DATA.NOTFOUND"}
)
_CANCELLED = "CA"
_SEARCHED = timedelta(days=14)
"""FedEx searches 30 days at most."""
_LOOKS_AT_JOB, _BETWEEN_LOOKS_S = 6, 2.0


class Fedex(LabelsOnly):
    """One FedEx account: client id and secret of a project, the nine digits of the account, a Ground Economy hub; for
    tracking the id and secret of another project, where the first does not include it.
    """

    carrier = "fedex"

    def __init__(self, account: CarrierAccount, http: httpx.AsyncClient, clock: Clock, limits: Limits) -> None:
        if not account.number.isdigit() or len(account.number) > 9:
            raise AccountIncomplete("bad_number", "a FedEx account number has up to nine digits")
        self._number, self._clock = account.number, clock
        self._image = account.choice("label_format", "PDF", frozenset(_MEDIA))
        self._hub = account.settings.get("smart_post_hub", "")
        services = frozenset(writing.SERVICES) - (frozenset() if self._hub else {writing.ECONOMY})
        self.capabilities = Capabilities(PurchaseGuarantee.RECONCILED, services, finds=True, returns=True)
        self.transport = Transport(account.connector, http, clock, account.base_url, limits)
        self._api = self._tracking = self._signed_in(account.secret("client_id"), account.secret("client_secret"))
        if account.credentials.get("track_client_id"):
            self._tracking = self._signed_in(account.secret("track_client_id"), account.secret("track_client_secret"))

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
    async def recover(self, request: LabelRequest) -> RecoverOutcome:
        """Tell whether a shipment with the request's reference is known by now. Its labels are lost."""
        wanted = {
            "type": "CUSTOMER_REFERENCE", "value": request.reference, "accountNumber": self._number,
            "shipDateBegin": (request.ship_on - _SEARCHED).isoformat(),
            "shipDateEnd": (request.ship_on + _SEARCHED).isoformat(),
        }  # fmt: skip
        found = await self._track("referencenumbers", {"referencesInformation": wanted, "includeDetailedScans": False})
        if not isinstance(found, list):
            return found
        live = [one for one in found if one["latestStatusDetail"]["code"].text_or("") != _CANCELLED]
        numbers = [one["trackingNumberInfo"]["trackingNumber"].text(34) for one in live]
        parcels = tuple(PurchasedParcel(number, None) for number in numbers)
        return Purchased(numbers[0], parcels, None) if numbers else NotFound()

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

    def _signed_in(self, client: str, secret: str) -> BearerTransport:
        secrets = {"client_id": client, "client_secret": secret}
        grant = Call("token", "POST", "/oauth/token", form={"grant_type": "client_credentials", **secrets})
        return BearerTransport(self.transport, client_credentials(self.transport, self._clock, grant))

    async def _track(self, what: str, body: Any) -> list[Node] | NotFound | NotSent | OutcomeUnknown:
        """Return the results of a search, at least one. Faults stand in each result of an accepted answer too."""
        headers = {"x-locale": "en_US"}
        end = await self._tracking.send(Call("track", "POST", f"/track/v1/{what}", headers, json=body, changes=False))
        if not isinstance(end, Reply):
            return end
        results = [one for each in end.root["output"]["completeTrackResults"] for one in each["trackResults"]]
        found = [one for one in results if not one["error"]]
        if end.accepted and found:
            return found
        code, detail = _fault(end) if not end.accepted else _fault_in(results)
        return NotFound() if code in _NOT_FOUND else OutcomeUnknown(code, detail)

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


def _fault_in(results: list[Node]) -> tuple[str, str]:
    fault = results[0]["error"] if results else Node(None)
    return fault["code"].text_or("no_results")[:64], fault["message"].text_or("no detail")[:300]


def _told(output: Node) -> str:
    return output["message"].text_or(output["alerts"].first()["message"].text_or("no detail"))[:300]


def _fault(end: Reply) -> tuple[str, str]:
    first = end.root["errors"].first()
    return first["code"].text_or(f"http_{end.status}")[:64], first["message"].text_or("no detail")[:300]
