"""Carriers that are bought from through the optional Karrio SDK, which knows their forms: Canada Post so far.

To add one: its line in `LINES` and in `CONNECTORS`, its hosts, a simulator and a rig. A purchase without an answer is
reconciled from the invoice, for the SDK finds nothing by reference; it names no void that ends for certain.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from linkstar_carriers.account import CarrierAccount
from linkstar_carriers.oauth import REJECTED
from linkstar_carriers.replies import Node, Unreadable, read_json
from linkstar_carriers.soap import read_xml
from linkstar_carriers.transport import Limits, Reply, Transport
from linkstar_contracts.label_events import PurchaseGuarantee
from linkstar_contracts.values import Consignee, Money, Parcel
from linkstar_labeler.carriers.remote.karrio_sdk import Exchange, load, whole_body
from linkstar_labeler.carriers.remote.labels_only import LabelsOnly
from linkstar_labeler.carriers.remote.outcomes import selling
from linkstar_labeler.carriers.remote.printed import printed
from linkstar_labeler.carriers.remote.writing import json_number, local_phone, sides_in, street_lines, weight_in
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

__all__ = ["LINES", "Karrio", "KarrioLine", "canada_post"]

_PROBE = "1234567890123456"
_MEDIA = {"PDF": "application/pdf", "ZPL": "application/zpl"}


@dataclass(frozen=True)
class KarrioLine:
    """What of a carrier differs: its package, our services in the SDK's words, the units it bills in."""

    carrier: str
    package: str
    services: Mapping[str, str]
    currency: str
    weight_unit: str
    side_unit: str
    credentials: tuple[str, ...]
    settings: tuple[str, ...] = ()
    options: Mapping[str, Any] | None = None
    signature: str = "signature_confirmation"
    read: Callable[[bytes], Node] = read_json
    """Whether a reply is whole: the SDK makes something of half a reply too."""


LINES = {
    "canada-post": KarrioLine(
        "canada-post", "canadapost",
        {"regular": "canadapost_regular_parcel", "expedited": "canadapost_expedited_parcel",
         "xpresspost": "canadapost_xpresspost"},
        "CAD", "kg", "cm", ("username", "password"), ("contract_id",),
        {"canadapost_submit_shipment": True}, "canadapost_signature", read_xml,
    ),
}  # fmt: skip
"""Carriers by the name of their connector."""


class Karrio(LabelsOnly):
    """One account at a carrier the SDK knows. Threads are the account's own, as many as it may call at once."""

    def __init__(
        self, line: KarrioLine, account: CarrierAccount, http: httpx.AsyncClient, clock: Clock, limits: Limits
    ) -> None:
        self.carrier, self._line, self._base_url = line.carrier, line, account.base_url
        self.capabilities = Capabilities(PurchaseGuarantee.RECONCILED, frozenset(line.services), voids=False)
        self._image = account.choice("label_format", "PDF", frozenset(_MEDIA))
        self._sdk = load()
        fields = {name: account.secret(name) for name in line.credentials}
        fields |= {name: account.settings[name] for name in line.settings if account.settings.get(name)}
        self._gateway = self._sdk.gateway(line.package, account.base_url, customer_number=account.number, **fields)
        self.transport = Transport(account.connector, http, clock, account.base_url, limits, whole_body)
        self._threads = ThreadPoolExecutor(limits.at_once, f"karrio-{line.carrier}")
        self._longest_s = 2 * limits.whole_s

    @selling
    async def buy(self, request: LabelRequest) -> PurchaseOutcome:
        """Buy one parcel's label: the SDK would buy those of several parcels one by one."""
        if request.service not in self._line.services:
            return Refused("service_not_offered", f"{self.carrier} has no service {request.service}")
        if request.inbound:
            return Refused("returns_not_offered", "returns are not bought through Karrio")
        if len(request.parcels) > 1:
            return Refused("multi_parcel", "one label for one parcel")
        sdk, body = self._sdk.root, self._written(request)
        exchange, result = await self._run("buy", lambda: sdk.Shipment.create(body).from_(self._gateway).parse())
        sold, messages = result if isinstance(result, tuple) else (None, [])
        return self._unfinished(exchange, messages) or self._purchased(sold, request)

    @selling
    async def verify(self) -> Refused | NotSent | OutcomeUnknown | None:
        """Ask for a parcel that nobody sent: only the answer to the credentials counts."""
        sdk, body = self._sdk.root, {"tracking_numbers": [_PROBE]}
        exchange, _ = await self._run("verify", lambda: sdk.Tracking.fetch(body).from_(self._gateway).parse())
        if not exchange.ends:
            return OutcomeUnknown("not_asked", "the SDK made no call")
        _, end = exchange.ends[-1]
        if not isinstance(end, Reply):
            return end
        return Refused(REJECTED, f"the carrier refused the credentials ({end.status})") if _locked_out(end) else None

    async def _run(self, operation: str, work: Callable[[], Any]) -> tuple[Exchange, Any]:
        """Let the SDK work in a thread, for a bounded time: after it, whatever the SDK still wants to send is refused."""
        loop = asyncio.get_running_loop()
        exchange = Exchange(operation, self.transport, self._base_url, loop, self._longest_s)
        running = loop.run_in_executor(self._threads, self._sdk.run, exchange, work)
        try:
            async with asyncio.timeout(self._longest_s):
                return exchange, await running
        except TimeoutError:
            return exchange, None
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises, what it sent decides
            return exchange, (None, [error])
        finally:
            exchange.closed = True

    def _written(self, request: LabelRequest) -> dict[str, Any]:
        line = self._line
        options = {**(line.options or {}), "shipment_date": request.ship_on.isoformat()}
        return {
            "service": line.services[request.service],
            "shipper": _address(request.sender),
            "recipient": _address(request.receiver),
            "parcels": [_parcel(parcel, line) for parcel in request.parcels],
            "options": {**options, **({line.signature: True} if request.options.signature else {})},
            "reference": request.reference,
            "label_type": self._image,
        }

    def _unfinished(self, exchange: Exchange, messages: list[Any]) -> Refused | NotSent | OutcomeUnknown | None:
        """Tell how a purchase ended that was not accepted as a whole: by what was sent, never by what the SDK says of it."""
        if not exchange.ends:
            return Refused("not_written", _told(messages)[1])
        (_, first), *later = exchange.ends
        if not isinstance(first, Reply):
            return first
        if not first.accepted:
            return Refused(REJECTED, "credentials") if _locked_out(first) else Refused(*_told(messages, first.status))
        self._line.read(first.root.value)
        lost = [end for _, end in later if not isinstance(end, Reply)]
        return OutcomeUnknown(lost[0].code, lost[0].detail) if lost else None

    def _purchased(self, sold: Any, request: LabelRequest) -> Purchased:
        """Read what the SDK made of an accepted purchase; what it did not understand may be sold all the same."""
        if sold is None:
            raise Unreadable("field_missing", "the SDK found no shipment in the reply")
        number = Node(sold.tracking_number, "tracking_number").text(40)
        document = printed(Node(getattr(sold.docs, "label", None), "label"), _MEDIA[self._image])
        carrier_id = Node(sold.shipment_identifier or number, "shipment_identifier").text(64)
        charged = _charged(sold.selected_rate, request.expected.currency)
        return Purchased(carrier_id, (PurchasedParcel(number, document),), charged)


def canada_post(account: CarrierAccount, http: httpx.AsyncClient, clock: Clock, limits: Limits) -> Karrio:
    """Return the connector of a Canada Post account."""
    return Karrio(LINES["canada-post"], account, http, clock, limits)


def _locked_out(end: Reply) -> bool:
    return end.status in (401, 403)


def _told(messages: list[Any], status: int = 0) -> tuple[str, str]:
    code = str(getattr(messages[0], "code", "") or "") if messages else ""
    detail = str(getattr(messages[0], "message", "") or "") if messages else ""
    return code[:64] or f"http_{status}", detail[:300] or "no detail"


def _charged(rate: Any, currency: str) -> Money | None:
    """Return the price when the SDK's lines add up to its total: its floats may lack their extras."""
    if rate is None or rate.total_charge is None:
        return None
    lines = [Decimal(str(line.amount)) for line in rate.extra_charges or [] if line.amount is not None]
    total = Decimal(str(rate.total_charge))
    if rate.currency != currency:
        raise Unreadable("wrong_currency", "selected_rate")
    return Node(total, "selected_rate").money(currency) if sum(lines, Decimal(0)) == total else None


def _address(person: Consignee) -> dict[str, Any]:
    street, *more = street_lines(person, 44, 2)
    return {
        "person_name": person.name, "company_name": person.company or None, "address_line1": street,
        "address_line2": more[0] if more else None, "city": person.city, "state_code": person.region or None,
        "postal_code": person.postcode, "country_code": person.country,
        "phone_number": local_phone(person.phone) or None, "email": person.email or None,
    }  # fmt: skip


def _parcel(parcel: Parcel, line: KarrioLine) -> dict[str, Any]:
    """Write weight and sides in the units the carrier bills in, so that the SDK has nothing to convert."""
    length, width, height = (json_number(side) for side in sides_in(parcel.dimensions, line.side_unit, 1))
    return {
        "weight": json_number(weight_in(parcel.weight, line.weight_unit, 2)), "weight_unit": line.weight_unit.upper(),
        "length": length, "width": width, "height": height, "dimension_unit": line.side_unit.upper(),
    }  # fmt: skip
