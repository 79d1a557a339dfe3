"""UPS over its REST services: shipments of one or several parcels, label recovery by reference, void.

Written against the published documents named in `ups_writing`; never run against UPS itself. UPS has no idempotency key
(`transId` only correlates). The error codes of void and recovery are those of the appendix of its developer guide.
"""

from __future__ import annotations

from typing import Any

import httpx

from linkstar_carriers.account import AccountIncomplete, CarrierAccount
from linkstar_carriers.oauth import BearerTransport, client_credentials
from linkstar_carriers.replies import Node, Unreadable, priced
from linkstar_carriers.transport import Call, Limits, Reply, Transport
from linkstar_contracts.label_events import PurchaseGuarantee
from linkstar_contracts.values import Money
from linkstar_labeler.carriers.remote import ups_intercept
from linkstar_labeler.carriers.remote import ups_writing as writing
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
from linkstar_labeler.domain.interventions import Intervention, InterventionOutcome
from linkstar_runtime.clock import Clock

__all__ = ["Ups"]

_VERSION = "v2409"
_NOT_FOUND, _ALREADY_VOIDED = "300007", "190117"
_READS = frozenset({"recover"})
_MEDIA = {"ZPL": "application/zpl", "GIF": "image/gif"}


class Ups(LabelsOnly):
    """One UPS account: client id and secret of an application, and the six characters of the shipper number."""

    carrier = "ups"
    capabilities = Capabilities(
        PurchaseGuarantee.RECONCILED, frozenset(writing.SERVICES), recovers=True, returns=True,
        interventions=ups_intercept.KINDS,
    )  # fmt: skip

    def __init__(self, account: CarrierAccount, http: httpx.AsyncClient, clock: Clock, limits: Limits) -> None:
        if len(account.number) != 6 or not account.number.isalnum():
            raise AccountIncomplete("bad_number", "a UPS account number has six letters and digits")
        self._number = account.number
        self._image = account.choice("label_format", "GIF", frozenset(_MEDIA))
        self.transport = Transport(account.connector, http, clock, account.base_url, limits)
        grant = Call(
            "token", "POST", "/security/v1/oauth/token", {"x-merchant-id": account.number},
            form={"grant_type": "client_credentials"},
            basic=(account.secret("client_id"), account.secret("client_secret")),
        )  # fmt: skip
        self._api = BearerTransport(self.transport, client_credentials(self.transport, clock, grant))

    @selling
    async def buy(self, request: LabelRequest) -> PurchaseOutcome:
        """Buy the labels of one shipment; UPS Ground Saver takes one parcel only."""
        if request.service not in writing.SERVICES:
            return Refused("service_not_offered", f"UPS has no service {request.service}")
        body = writing.ship_body(request, self._number, self._image)
        end = await self._ask("buy", "POST", f"/api/shipments/{_VERSION}/ship", request.purchase_key, body)
        if not isinstance(end, Reply):
            return end
        if not end.accepted:
            return Refused(*_fault(end))
        results = end.root["ShipmentResponse"]["ShipmentResults"]
        parcels = tuple(self._parcel(package, "ShippingLabel") for package in results["PackageResults"])
        if len(parcels) != len(request.parcels):
            raise Unreadable("parcel_missing", f"{len(parcels)} labels for {len(request.parcels)} parcels")
        carrier_id = results["ShipmentIdentificationNumber"].text(18)
        return Purchased(carrier_id, parcels, _charged(results, request.expected.currency))

    @reading
    async def recover(self, request: LabelRequest) -> RecoverOutcome:
        """Ask for the labels of the shipment that carries the request's reference."""
        body = writing.recovery_body(request.reference, self._number, self._image)
        end = await self._ask("recover", "POST", f"/api/labels/{_VERSION}/recovery", request.purchase_key, body)
        if not isinstance(end, Reply):
            return end
        if not end.accepted:
            code, detail = _fault(end)
            return NotFound() if code == _NOT_FOUND else OutcomeUnknown(code, detail)
        found = end.root["LabelRecoveryResponse"]
        parcels = tuple(self._parcel(label, "LabelImage") for label in found["LabelResults"])
        if len(parcels) != len(request.parcels):
            raise Unreadable("parcel_missing", f"{len(parcels)} labels for {len(request.parcels)} parcels")
        return Purchased(found["ShipmentIdentificationNumber"].text(18), parcels, None)

    @reading
    async def void(self, label: PurchasedLabel) -> VoidOutcome:
        """Void the whole shipment."""
        path = f"/api/shipments/{_VERSION}/void/cancel/{label.carrier_id}"
        end = await self._ask("void", "DELETE", path, label.reference, None)
        if not isinstance(end, Reply):
            return end
        if end.accepted:
            status = end.root["VoidShipmentResponse"]["SummaryResult"]["Status"]
            voided = status["Code"].text() == "1"
            return Voided() if voided else VoidDeclined("not_voided", status["Description"].text_or("no detail"))
        code, detail = _fault(end)
        return Voided() if code == _ALREADY_VOIDED else VoidDeclined(code, detail)

    @selling
    async def intervene(self, wanted: Intervention) -> InterventionOutcome:
        """Ask for a Delivery Intercept of one parcel."""
        end = await self._api.send(ups_intercept.intercept_call(wanted))
        return ups_intercept.intercept_outcome(end) if isinstance(end, Reply) else end

    @selling
    async def verify(self) -> Refused | NotSent | OutcomeUnknown | None:
        """Sign in: this proves the application, not that the shipper number belongs to it."""
        return await self._api.sign_in()

    async def _ask(
        self, operation: str, method: str, path: str, correlation: str, body: Any
    ) -> Reply | NotSent | OutcomeUnknown:
        headers = {"transId": correlation[:32], "transactionSrc": "linkstar"}
        return await self._api.send(Call(operation, method, path, headers, json=body, changes=operation not in _READS))

    def _parcel(self, package: Node, field: str) -> PurchasedParcel:
        document = printed(package[field]["GraphicImage"], _MEDIA[self._image])
        return PurchasedParcel(package["TrackingNumber"].text(34), document)


def _charged(results: Node, currency: str) -> Money:
    """Return the negotiated total where the account has one, else the published."""
    total = results["NegotiatedRateCharges"]["TotalCharge"] or results["ShipmentCharges"]["TotalCharges"]
    return priced(total["MonetaryValue"], total["CurrencyCode"], currency)


def _fault(end: Reply) -> tuple[str, str]:
    first = end.root["response"]["errors"].first()
    return first["code"].text_or(f"http_{end.status}")[:64], first["message"].text_or("no detail")[:300]
