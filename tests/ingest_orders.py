"""Orders as upstream systems state them, for tests of ingest."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from linkstar_contracts.events import OrderCancelRequested, OrderChangeRequested, OrderSubmitted
from linkstar_contracts.values import Warehouse
from linkstar_ingest.domain.products import Product

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
WAREHOUSES = {
    house.code: house
    for house in (
        Warehouse(code="US-LA", country="US", postcode="90058", timezone="America/Los_Angeles"),
        Warehouse(code="US-NJ", country="US", postcode="08817", timezone="America/New_York"),
        Warehouse(code="DE-HAJ", country="DE", postcode="30179", timezone="Europe/Berlin"),
    )
}
PRODUCTS = {
    "MUG": Product.model_validate_json(
        '{"sku":"MUG","weight":{"value":"1.5","unit":"lb"},"dimensions":{"length":"6","width":"5","height":"4","unit":"in"},'
        '"value":{"amount_minor":1299,"currency":"USD"}}'
    ),
    "LAMP": Product.model_validate_json(
        '{"sku":"LAMP","weight":{"value":"2","unit":"lb"},"dimensions":{"length":"16","width":"7","height":"5","unit":"in"},'
        '"value":{"amount_minor":3490,"currency":"USD"},"battery":"in_equipment"}'
    ),
}


def consignee(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Ava Carter", "street": "12 Oak St", "city": "Boston", "region": "MA", "postcode": "02108",
        "country": "US", "phone": "+1 202-555-0101", "email": "ava@example.com", **changes,
    }  # fmt: skip


def parcel(**changes: Any) -> dict[str, Any]:
    return {
        "number": 1, "weight": {"value": "1.5", "unit": "lb"},
        "dimensions": {"length": "6", "width": "5", "height": "4", "unit": "in"},
        "declared_value": {"amount_minor": 1299, "currency": "USD"}, **changes,
    }  # fmt: skip


def order_body(order_id: str = "shop-1", **changes: Any) -> dict[str, Any]:
    """A body for `POST /v1/orders`."""
    return {
        "order_id": order_id, "channel": "linkstar", "warehouse": "US-NJ", "consignee": consignee(),
        "parcels": [parcel()],
        "items": [{"sku": "MUG", "description": "Mug", "quantity": 1,
                   "unit_price": {"amount_minor": 1299, "currency": "USD"}}], **changes,
    }  # fmt: skip


def submitted(order_id: str = "shop-1", tenant: str = "demo", **changes: Any) -> OrderSubmitted:
    body = {"tenant": tenant, "occurred_at": NOW.isoformat(), **order_body(order_id, **changes)}
    return OrderSubmitted.model_validate_json(json.dumps(body))


def change_request(order_id: str = "shop-1", request_id: str = "c1", **changes: Any) -> OrderChangeRequested:
    body = {
        "tenant": "demo", "order_id": order_id, "version": 1, "occurred_at": NOW.isoformat(), "request_id": request_id,
        **changes,
    }  # fmt: skip
    return OrderChangeRequested.model_validate_json(json.dumps(body))


def cancel_request(order_id: str = "shop-1", reason: str = "customer") -> OrderCancelRequested:
    return OrderCancelRequested(tenant="demo", order_id=order_id, occurred_at=NOW, reason=reason)
