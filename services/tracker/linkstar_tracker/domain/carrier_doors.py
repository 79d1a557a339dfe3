"""Which carriers call, how each proves it, and whether what it says is believed or only a hint to ask for it.

Sources: UPS `UPSTrackAlert.yaml` (header `credential`); USPS "Subscriptions - Tracking" 3.2 (X-HMAC over the body, keyed by
the subscription's secret); FedEx Advanced Integrated Visibility, best practices (fdx-signature); DHL "Shipment Tracking -
Unified" push (ApiKeyAuthentication: a header and token of one's own choice); DPD (the address is all it can be told).
What Evri, Hermes and DPD in the United Kingdom send is documented to their customers and was not read: theirs are hints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from linkstar_tracker.domain import webhook_bodies as bodies
from linkstar_tracker.domain.webhook_bodies import Report
from linkstar_tracker.domain.webhooks import Scheme, SharedSecret, SignedBody, StandardWebhook, UrlToken

__all__ = ["DOORS", "GENERIC", "CarrierDoor"]

GENERIC = "generic"
"""Whoever can sign by Standard Webhooks and writes the body of `POST /v1/scans`."""


@dataclass(frozen=True, slots=True)
class CarrierDoor:
    """How one carrier's calls are proven and read. Without `reads` a call is a hint: its numbers are queued for polling."""

    scheme: Scheme
    reads: Callable[[Any], Iterator[Report]] | None = None
    in_query: bool = False
    """The carrier writes into the address and sends no body."""


DOORS: dict[str, CarrierDoor] = {
    "ups": CarrierDoor(SharedSecret("credential"), bodies.ups),
    "usps": CarrierDoor(SignedBody("x-hmac"), bodies.usps),
    "fedex": CarrierDoor(SignedBody("fdx-signature"), bodies.fedex),
    "dhl-de": CarrierDoor(SharedSecret("x-api-key"), bodies.dhl),
    "dpd-de": CarrierDoor(UrlToken(), bodies.dpd, in_query=True),
    "dpd-uk": CarrierDoor(UrlToken()),
    "evri": CarrierDoor(UrlToken()),
    "hermes-de": CarrierDoor(UrlToken()),
    GENERIC: CarrierDoor(StandardWebhook(), bodies.generic),
}
