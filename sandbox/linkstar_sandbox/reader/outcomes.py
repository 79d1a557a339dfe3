"""Where every order ended: exactly one final state for each accepted one, derived from topics alone."""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum

from linkstar_sandbox.reader.evidence import Evidence, Shipment

__all__ = ["Final", "accepted_orders", "active_attempts", "cancelled_orders", "dead_lettered_ids", "final_states"]


class Final(StrEnum):
    """Exclusive final states of an accepted order."""

    RETURNED = "returned"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    OPEN = "open"


def accepted_orders(evidence: Evidence) -> set[Shipment]:
    """Return the orders LinkStar took: announced as received, or held for their address."""
    received = {r.order for r in evidence.of("orders-received", "order.received") if r.body.get("kind") != "return"}
    held = {r.order for r in evidence.exceptions.values() if r.body["code"] == "ingest.address_undeliverable"}
    return received | held


def cancelled_orders(evidence: Evidence) -> set[Shipment]:
    """Return the orders with a cancellation."""
    return {record.order for record in evidence.of("order-changes", "order.cancelled")}


def dead_lettered_ids(evidence: Evidence) -> set[Shipment]:
    """Return the orders, by record key, whose record is a dead letter of the order door."""
    keys = (record.key.partition("/") for record in evidence.on("orders-inbound-dlq"))
    return {(tenant, order_id) for tenant, _, order_id in keys}


def active_attempts(evidence: Evidence) -> dict[Shipment, set[int]]:
    """Return the route attempts of each shipment whose label was bought and not voided."""
    bought: dict[Shipment, set[int]] = defaultdict(set)
    for record in evidence.of("labels", "label.created"):
        bought[record.shipment].add(record.body["route_version"])
    for record in evidence.of("labels", "label.voided"):
        bought[record.shipment].discard(record.body["route_version"])
    return bought


def final_states(evidence: Evidence) -> dict[Shipment, Final]:
    """Return the final state of every accepted order."""
    returned = {
        record.order for record in evidence.newest("returns-updated", "return.updated").values()
        if record.body["state"] == "closed"
    }  # fmt: skip
    delivered = {
        shipment for shipment, record in evidence.newest("tracking-updated", "tracking.updated").items()
        if record.body["status"] == "delivered"
    }  # fmt: skip
    cancelled, active = cancelled_orders(evidence), active_attempts(evidence)
    states = {}
    for order in accepted_orders(evidence):
        if order in returned:
            states[order] = Final.RETURNED
        elif order in delivered:
            states[order] = Final.DELIVERED
        elif order in cancelled and not active.get(order):
            states[order] = Final.CANCELLED
        else:
            states[order] = Final.OPEN
    return states
