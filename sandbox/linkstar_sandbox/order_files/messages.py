"""Orders straight onto `orders-inbound`, written as a foreign publisher writes them, and some records nobody can read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from linkstar_contracts.event import event_id
from linkstar_sandbox.order_files.drafts import Draft

__all__ = ["Message", "cancel_message", "change_message", "order_message", "poison_messages"]

SUBMITTED = "linkstar.order.submitted.v1"
CANCEL_REQUESTED = "linkstar.order.cancel-requested.v1"
CHANGE_REQUESTED = "linkstar.order.change-requested.v1"


@dataclass(frozen=True, slots=True)
class Message:
    """One Kafka record for `orders-inbound`."""

    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


def order_message(draft: Draft, tenant: str, warehouse: str) -> Message:
    """Return the record that submits `draft`."""
    return _message(SUBMITTED, tenant, draft.reference, draft.placed_at, _order_body(draft, tenant, warehouse))


def cancel_message(order_id: str, tenant: str, at: datetime) -> Message:
    """Return the record that cancels an order."""
    body = {
        "tenant": tenant, "order_id": order_id, "version": 1, "occurred_at": at.isoformat(),
        "reason": "customer changed their mind",
    }  # fmt: skip
    return _message(CANCEL_REQUESTED, tenant, order_id, at.isoformat(), body)


def change_message(order_id: str, tenant: str, at: datetime, request_id: str, level: str) -> Message:
    """Return the record that asks for another service level."""
    body = {
        "tenant": tenant, "order_id": order_id, "version": 1, "occurred_at": at.isoformat(), "request_id": request_id,
        "options": {"level": level},
    }  # fmt: skip
    return _message(CHANGE_REQUESTED, tenant, order_id, at.isoformat(), body, f"{order_id}/{request_id}")


def _message(
    event_type: str, tenant: str, order_id: str, at: str, body: dict[str, Any], subject: str | None = None
) -> Message:
    subject = subject or order_id
    headers = {
        "ce_specversion": "1.0", "ce_id": event_id(tenant, subject, event_type, 1), "ce_type": event_type,
        "ce_source": "/acme/erp", "ce_subject": subject, "ce_time": at, "ce_version": "1", "ce_tenant": tenant,
        "content-type": "application/json",
    }  # fmt: skip
    encoded = tuple((name, value.encode()) for name, value in headers.items())
    return Message(f"{tenant}/{order_id}".encode(), json.dumps(body, ensure_ascii=False).encode(), encoded)


def _order_body(draft: Draft, tenant: str, warehouse: str) -> dict[str, Any]:
    person, place = draft.person, draft.place
    length, width, height = draft.size
    items = [
        {"sku": line.sku, "description": line.description, "quantity": int(line.quantity),
         "unit_price": {"amount_minor": _minor(line.price), "currency": draft.currency}}
        for line in draft.lines
    ]  # fmt: skip
    value = sum(item["unit_price"]["amount_minor"] * item["quantity"] for item in items)  # type: ignore[index]
    return {
        "tenant": tenant, "order_id": draft.reference, "version": 1, "occurred_at": draft.placed_at, "channel": "erp",
        "external_ref": draft.reference, "warehouse": warehouse,
        "consignee": {
            "name": person.name, "street": person.street, "street2": person.street2, "city": place.city,
            "region": place.region, "postcode": place.postcode, "country": draft.country, "phone": person.phone,
            "email": person.email,
        },
        "parcels": [{
            "number": 1, "weight": {"value": draft.weight, "unit": "kg"},
            "dimensions": {"length": length, "width": width, "height": height, "unit": "cm"},
            "declared_value": {"amount_minor": value, "currency": draft.currency},
        }],
        "items": items, "options": {"level": draft.level},
    }  # fmt: skip


def _minor(price: str) -> int:
    return int(Decimal(price).scaleb(2))


def poison_messages(draft: Draft, tenant: str) -> dict[str, Message]:
    """Return records that can never become an order, by what is wrong with them."""
    good = _order_body(draft, tenant, "US-LA")

    def altered(name: str, **changes: Any) -> Message:
        order_id = f"{draft.reference}-{name}"
        return _message(SUBMITTED, tenant, order_id, draft.placed_at, {**good, "order_id": order_id, **changes})

    plain = altered("headless")
    return {
        "not JSON": Message(f"{tenant}/{draft.reference}-torn".encode(), b'{"tenant": "demo", "ord', plain.headers),
        "no envelope": Message(plain.key, plain.value, ()),
        "unknown field": altered("extra", colour="red"),
        "no parcels": altered("empty", parcels=[]),
        "time without zone": altered("naive", occurred_at="2026-03-02T10:11:12"),
        "unknown warehouse": altered("moon", warehouse="MOON-1"),
    }
