"""USPS over its v3 web services: labels with an idempotency key, reprint, cancel, SCAN form, carrier pickup.

Written against the published documents named in `usps_writing`; never run against USPS itself.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

import httpx

from linkstar_carriers.account import CarrierAccount
from linkstar_carriers.oauth import NO_TOKEN, REJECTED, BearerTransport, client_credentials
from linkstar_carriers.replies import Node
from linkstar_carriers.tokens import Token, TokenSource
from linkstar_carriers.transport import Call, Limits, Reply, Transport
from linkstar_contracts.label_events import PurchaseGuarantee
from linkstar_contracts.values import Consignee, Money
from linkstar_labeler.carriers.remote import usps_writing as writing
from linkstar_labeler.carriers.remote.labels_only import LabelsOnly
from linkstar_labeler.carriers.remote.outcomes import reading, selling
from linkstar_labeler.carriers.remote.printed import printed
from linkstar_labeler.domain.connector import (
    Capabilities,
    LabelRequest,
    Manifest,
    NotFound,
    NotSent,
    OutcomeUnknown,
    PickupRequest,
    Purchased,
    PurchasedLabel,
    PurchasedParcel,
    PurchaseOutcome,
    RecoverOutcome,
    Refused,
    VoidDeclined,
    Voided,
    VoidOutcome,
    VoidPending,
)
from linkstar_runtime.clock import Clock

__all__ = ["Usps"]

_SCOPES = "payments labels scan-forms pickup"
_WHOLE_REPLY = {"Accept": "application/vnd.usps.labels+json"}
"""One JSON document instead of a multipart one."""
_MEDIA = {"PDF": "application/pdf", "PNG": "image/png", "ZPL203DPI": "application/zpl", "ZPL300DPI": "application/zpl"}
_LOCATIONS = frozenset({"FRONT_DOOR", "BACK_DOOR", "SIDE_DOOR", "KNOCK_ON_DOOR", "MAIL_ROOM", "OFFICE", "RECEPTION"})
_PAYMENT_LIVES_S = 8 * 3600.0
_NOT_FOUND = frozenset({"160185", "160378"})
_NO_REPRINT_LEFT = frozenset({"160381", "160382"})
_ALREADY_CANCELLED = "160186"
_NOT_FOR_THIS_FORM = frozenset({"160039", "160040", "160160", "160163", "160164", "160166", "160397", "160398"})
_ON_FORM = re.compile(r"efn\W*(\w+)", re.IGNORECASE)


class Usps(LabelsOnly):
    """One USPS account: client id and secret, CRID, MID and manifest MID, and an EPS account that pays."""

    carrier = "usps"
    capabilities = Capabilities(
        PurchaseGuarantee.RECONCILED, frozenset(writing.MAIL_CLASSES),
        recovers=True, key_lives_s=86_400.0, manifests=True, pickups=True, returns=True,
    )  # fmt: skip

    def __init__(self, account: CarrierAccount, http: httpx.AsyncClient, clock: Clock, limits: Limits) -> None:
        self._image = account.choice("label_format", "PDF", frozenset(_MEDIA))
        self._pickup_at = account.choice("pickup_location", "FRONT_DOOR", _LOCATIONS)
        self._roles = _roles(account)
        self.transport = Transport(account.connector, http, clock, account.base_url, limits)
        credentials = {"client_id": account.secret("client_id"), "client_secret": account.secret("client_secret")}
        grant = {"grant_type": "client_credentials", "scope": _SCOPES, **credentials}
        self._api = BearerTransport(
            self.transport,
            client_credentials(self.transport, clock, Call("token", "POST", "/oauth2/v3/token", json=grant)),
        )
        self._payment = TokenSource(clock, self._authorize_payment)

    @selling
    async def buy(self, request: LabelRequest) -> PurchaseOutcome:
        """Buy one parcel's label: USPS has no shipment of several parcels."""
        if request.service not in writing.MAIL_CLASSES:
            return Refused("service_not_offered", f"USPS has no service {request.service}")
        if len(request.parcels) > 1:
            return Refused("multi_parcel", "USPS sells one label for one parcel")
        path = "/labels/v3/return-label" if request.inbound else "/labels/v3/label"
        key = {"X-Idempotency-Key": str(uuid.UUID(request.purchase_key)), **_WHOLE_REPLY}
        end = await self._paid("buy", "POST", path, key, writing.label_body(request, self._image))
        if not isinstance(end, Reply):
            return end
        if end.accepted:
            return self._purchased(end.root)
        fault = _Fault(end)
        if fault.names_the_key:
            return OutcomeUnknown("key_reused", "something else was bought under this key")
        return Refused(fault.code, fault.detail)

    @reading
    async def recover(self, request: LabelRequest) -> RecoverOutcome:
        """Reprint the label bought under the purchase's key: three times at most, until the mailing date.

        When no reprint is left the label surely exists, so the purchase is repeated with its key, which gives it back.
        """
        key = {"X-Idempotency-Key": str(uuid.UUID(request.purchase_key)), **_WHOLE_REPLY}
        body = {"imageInfo": {"imageType": self._image, "labelType": "4X6LABEL"}}
        end = await self._paid("recover", "POST", "/labels/v3/label-reprint", key, body)
        if not isinstance(end, Reply):
            return end
        if end.accepted:
            return self._purchased(end.root)
        fault = _Fault(end)
        if fault.code in _NO_REPRINT_LEFT:
            again = await self.buy(request)
            return OutcomeUnknown(again.code, again.detail) if isinstance(again, Refused) else again
        return NotFound() if fault.code in _NOT_FOUND else OutcomeUnknown(fault.code, fault.detail)

    @reading
    async def void(self, label: PurchasedLabel) -> VoidOutcome:
        """Cancel the label, or ask for its refund when it was manifested already."""
        end = await self._paid("void", "DELETE", f"/labels/v3/label/{label.carrier_id}", {}, None)
        if not isinstance(end, Reply):
            return end
        if end.accepted:
            return Voided() if end.root["status"].text() == "CANCELED" else VoidPending()
        fault = _Fault(end)
        if fault.code == _ALREADY_CANCELLED:
            return Voided()
        if "already been submitted" in fault.detail:
            return VoidPending()
        return VoidDeclined(fault.code, fault.detail)

    @selling
    async def manifest(
        self, reference: str, origin: Consignee, labels: Sequence[PurchasedLabel], day: date
    ) -> Manifest | Refused | NotSent | OutcomeUnknown:
        """Make a SCAN form. Labels that USPS will not put on it are left out with its reason.

        The call has no key. Repeated after an unknown outcome it finds the labels on their form and names that form.
        """
        numbers = [number for label in labels for number in label.tracking_numbers]
        left_out: dict[str, _Fault] = {}
        while numbers:
            body = writing.scan_form_body(origin, numbers, day.isoformat())
            end = await self._api.send(Call("manifest", "POST", "/scan-forms/v3/scan-form", _WHOLE_REPLY, json=body))
            if not isinstance(end, Reply):
                return end
            if end.accepted:
                return _manifest(end.root, numbers, left_out)
            fault = _Fault(end)
            named = [number for number in numbers if number in fault.detail]
            if fault.code not in _NOT_FOR_THIS_FORM or not named:
                return Refused(fault.code, fault.detail)
            left_out |= dict.fromkeys(named, fault)
            numbers = [number for number in numbers if number not in left_out]
        return _earlier_form(left_out)

    @selling
    async def book_pickup(self, request: PickupRequest) -> str | Refused | NotSent | OutcomeUnknown:
        """Ask the letter carrier to take the parcels along on a day."""
        body = writing.pickup_body(request, self._pickup_at)
        end = await self._api.send(Call("pickup", "POST", "/pickup/v3/carrier-pickup", json=body))
        if not isinstance(end, Reply):
            return end
        if end.accepted:
            return end.root["confirmationNumber"].text(64)
        fault = _Fault(end)
        return Refused(fault.code, fault.detail)

    @selling
    async def verify(self) -> Refused | NotSent | OutcomeUnknown | None:
        """Ask for a payment authorization: it proves client, CRID, MID and the account that pays."""
        granted = await self._authorize_payment()
        return granted if isinstance(granted, NotSent) else None

    async def _paid(
        self, operation: str, method: str, path: str, headers: dict[str, str], body: Any
    ) -> Reply | NotSent | OutcomeUnknown:
        """Make a call that needs the payer's authorization. One that USPS no longer accepts is renewed once: 401 and 403
        were not processed.
        """
        end: Reply | NotSent | OutcomeUnknown
        for _attempt in range(2):
            payment = await self._payment.get()
            if isinstance(payment, NotSent):
                return payment
            signed = {**headers, "X-Payment-Authorization-Token": payment}
            end = await self._api.send(Call(operation, method, path, signed, json=body))
            if not _unauthorized(end):
                return end
            self._payment.reject(payment)
        return end

    @reading
    async def _ask_payment(self) -> Reply | NotSent | OutcomeUnknown:
        call = Call("authorize", "POST", "/payments/v3/payment-authorization", json=self._roles, changes=False)
        return await self._api.send(call)

    async def _authorize_payment(self) -> Token | NotSent:
        end = await self._ask_payment()
        if isinstance(end, OutcomeUnknown):
            return NotSent(end.code, end.detail)
        if isinstance(end, NotSent):
            return end
        if not end.accepted:
            fault = _Fault(end)
            return NotSent(REJECTED, f"no payment authorization: {fault.code} {fault.detail}", 300.0)
        token = end.root["paymentAuthorizationToken"].text_or("")
        return (
            Token(token, _PAYMENT_LIVES_S) if token else NotSent(NO_TOKEN, "the reply holds no payment authorization")
        )

    def _purchased(self, root: Node) -> Purchased:
        """Read a label: metadata at the root of a purchase, below `labelMetadata` in a reprint."""
        facts = root["labelMetadata"] or root["returnLabelMetadata"] or root
        image = root["labelImage"] or root["returnLabelImage"]
        number = facts["trackingNumber"].text(34)
        charged = sum(
            (price.money("USD").amount_minor for price in _prices(facts)), facts["postage"].money("USD").amount_minor
        )
        document = printed(image, _MEDIA[self._image])
        charge = Money(amount_minor=charged, currency="USD")
        return Purchased(number, (PurchasedParcel(number, document),), charge)


def _unauthorized(end: Reply | NotSent | OutcomeUnknown) -> bool:
    return end.status == 403 if isinstance(end, Reply) else end.code == REJECTED


def _prices(facts: Node) -> list[Node]:
    return [line["price"] for name in ("extraServices", "fees") for line in facts[name] if line["price"]]


def _roles(account: CarrierAccount) -> dict[str, Any]:
    owner = {name: account.setting(name.lower()) for name in ("CRID", "MID")}
    owner["manifestMID"] = account.settings.get("manifest_mid") or owner["MID"]
    payer = {**owner, "accountType": "EPS", "accountNumber": account.number}
    return {"roles": [{"roleName": "PAYER", **payer}, {"roleName": "LABEL_OWNER", **owner}]}


def _manifest(root: Node, numbers: list[str], left_out: dict[str, _Fault]) -> Manifest:
    taken = {number.text(34) for number in root["trackingNumbers"]}
    rejected = [(number, fault.code) for number, fault in left_out.items()]
    rejected += [(number, "not_on_form") for number in numbers if taken and number not in taken]
    image = root["SCANFormImage"]
    document = printed(image, "application/pdf") if image else None
    return Manifest(root["manifestNumber"].text(64), document, tuple(rejected))


def _earlier_form(left_out: dict[str, _Fault]) -> Manifest | Refused:
    """Nothing could be put on a new form: name the earlier one that holds the labels, if there is exactly one."""
    forms = {found[1] for fault in left_out.values() if (found := _ON_FORM.search(fault.detail))}
    if len(forms) != 1:
        return Refused("nothing_to_manifest", "no label can be put on a SCAN form")
    others = [(number, fault.code) for number, fault in left_out.items() if not _ON_FORM.search(fault.detail)]
    return Manifest(forms.pop(), None, tuple(others))


class _Fault:
    """The first error of a USPS error document, which has codes on two levels."""

    def __init__(self, reply: Reply) -> None:
        error = reply.root["error"]
        first = error["errors"].first()
        self.code = first["code"].text_or(error["code"].text_or(f"http_{reply.status}"))[:64]
        self.detail = first["detail"].text_or(error["message"].text_or("no detail"))[:300]
        self._source = first["source"]["parameter"].text_or("")

    @property
    def names_the_key(self) -> bool:
        """The error is about the idempotency key itself."""
        return "idempotency" in f"{self._source} {self.detail}".lower()
