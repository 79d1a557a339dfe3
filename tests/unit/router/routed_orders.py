"""Order events the router's tests feed it: one US order by default, consignee sealed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from linkstar_contracts.events import LabelRejected, LabelVoided, OrderCancelled, OrderChanged, OrderReceived
from linkstar_contracts.values import Money

ORDERED = datetime(2026, 11, 23, 18, tzinfo=UTC)


def _content(shipment_id: str, version: int, weight: str, **more: Any) -> dict[str, Any]:
    order_id = shipment_id.partition("~")[0]
    country, timezone = more.pop("country", "US"), more.pop("timezone", "America/Los_Angeles")
    return {
        "tenant": more.pop("tenant", "demo"), "order_id": order_id, "shipment_id": shipment_id, "version": version,
        "occurred_at": ORDERED + timedelta(minutes=version),
        "warehouse": {"code": "US-LA", "country": "US", "postcode": "90058", "timezone": timezone},
        "destination": {"country": country, "postcode": more.pop("postcode", "10001")},
        "consignee": {"key_id": "k1", "token": "c2VhbGVk"},
        "parcels": [{
            "number": 1, "weight": {"value": weight, "unit": "lb"}, "contents": more.pop("contents", {}),
            "dimensions": {"length": "10", "width": "8", "height": "4", "unit": "in"},
            "declared_value": {"amount_minor": 2500, "currency": "USD"},
        }],
        **more,
    }  # fmt: skip


def received(shipment_id: str = "shopify-1", weight: str = "2", **more: Any) -> OrderReceived:
    return OrderReceived.model_validate(
        {"channel": "shopify", **_content(shipment_id, 1, weight, **more)}, strict=False
    )


def changed(shipment_id: str = "shopify-1", version: int = 2, weight: str = "5", **more: Any) -> OrderChanged:
    return OrderChanged.model_validate(_content(shipment_id, version, weight, **more), strict=False)


def cancelled(order_id: str = "shopify-1", version: int = 3) -> OrderCancelled:
    return OrderCancelled(tenant="demo", order_id=order_id, version=version, occurred_at=ORDERED)


def refused(
    service: str,
    route_version: int = 1,
    shipment_id: str = "shopify-1",
    retry_at: datetime | None = None,
    version: int = 1,
) -> LabelRejected:
    carrier, _, name = service.partition("/")
    return LabelRejected(
        tenant="demo", order_id=shipment_id.partition("~")[0], version=version, occurred_at=ORDERED,
        shipment_id=shipment_id, route_version=route_version, carrier=carrier, service=name, code="address_refused",
        retry_at=retry_at,
    )  # fmt: skip


def voided(route_version: int = 1, shipment_id: str = "shopify-1", version: int = 1) -> LabelVoided:
    return LabelVoided(
        tenant="demo", order_id=shipment_id.partition("~")[0], version=version, occurred_at=ORDERED,
        shipment_id=shipment_id, route_version=route_version, carrier="usps", service="ground_advantage",
        reason="requested", refund=Money(amount_minor=1, currency="USD"),
    )  # fmt: skip
