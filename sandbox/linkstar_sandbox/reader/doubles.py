"""Nothing may be doubled: one fact, one id, one payload, one effect. Repeats on the wire, byte for byte, are allowed."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from hashlib import sha256

from linkstar_sandbox.reader.check import Check, more_than_one
from linkstar_sandbox.reader.evidence import Evidence, Record, instant
from linkstar_sandbox.reader.outcomes import accepted_orders, active_attempts, dead_lettered_ids

__all__ = ["double_checks"]

_DOORS = ("orders-inbound", "returns-requested")
"""Topics that foreign systems write: they may state the same fact in other bytes."""


def double_checks(evidence: Evidence) -> list[Check]:
    """Run all of them."""
    events = [record for record in evidence.records if record.id and not record.topic.endswith("-dlq")]
    return [
        more_than_one(
            Check("one payload per event id", "duplicated"),
            ((record.id, sha256(record.value).hexdigest()) for record in events if record.topic not in _DOORS),
            "event {0} has payloads {1}",
        ),
        more_than_one(
            Check("one id per (tenant, aggregate, type, version)", "duplicated"),
            (((r.tenant, r.subject, r.type, r.version), r.id) for r in events),
            "{0} has ids {1}",
        ),
        more_than_one(
            Check("one event id per business fact", "duplicated"),
            ((fact, record.id) for record in events for fact in _natural_keys(record)),
            "{0} was told under ids {1}",
        ),
        _one_active_label(evidence), _one_stored_label(evidence),
        more_than_one(
            Check("one parcel per tracking number", "duplicated"), _numbers(evidence), "number {0} is on {1}"
        ),
        more_than_one(
            Check("one label per ledger posting", "duplicated"),
            ((r.body["posting_id"], (r.shipment, r.body["route_version"])) for r in evidence.of("labels", "label.created")),
            "posting {0} pays for {1}",
        ),
        _one_class(evidence),
    ]  # fmt: skip


def _natural_keys(record: Record) -> Iterator[Hashable]:
    body = record.body
    match record.type:
        case "linkstar.order.received.v1":
            yield "order received", record.shipment
        case "linkstar.order.cancelled.v1":
            yield "order cancelled", record.order
        case "linkstar.route.chosen.v1":
            yield "route decided", record.tenant, body["decision_id"]
        case "linkstar.label.created.v1":
            yield "label bought", record.shipment, body["route_version"]
        case "linkstar.label.voided.v1":
            yield "label voided", record.shipment, body["route_version"]
        case "linkstar.scan.recorded.v1":
            place = body.get("place", {})
            at = instant(body["occurred_at"])
            yield "scan", body["tracking_number"], body["code"], at, place.get("postcode", ""), place.get("city", "")


def _one_active_label(evidence: Evidence) -> Check:
    check = Check("at most one active label per shipment on the topic", "duplicated")
    for (_, shipment), attempts in active_attempts(evidence).items():
        check.case(len(attempts) <= 1, f"{shipment} has active labels of attempts {sorted(attempts)}")
    return check


def _one_stored_label(evidence: Evidence) -> Check:
    check = Check("at most one active label per shipment in the table", "duplicated")
    active: dict[tuple[str, str], int] = {}
    for label in evidence.labels:
        shipment = (label.tenant, label.shipment_id)
        active[shipment] = active.get(shipment, 0) + label.active
    for (_, shipment_id), count in active.items():
        check.case(count <= 1, f"{shipment_id} has {count} active labels")
    return check


def _numbers(evidence: Evidence) -> Iterator[tuple[Hashable, Hashable]]:
    for record in evidence.of("labels", "label.created"):
        for parcel in record.body["parcels"]:
            if parcel["tracking_number"] != "pending":
                holder = (record.shipment, record.body["route_version"], parcel["number"])
                yield (record.body["carrier"], parcel["tracking_number"]), holder


def _one_class(evidence: Evidence) -> Check:
    check = Check("no order is in two of accepted, rejected, dead letter", "duplicated")
    accepted = {order_id for _, order_id in accepted_orders(evidence)}
    dead = {order_id for _, order_id in dead_lettered_ids(evidence)}
    refused = {refusal.order_id for refusal in evidence.refusals if refusal.order_id}
    for order in evidence.expected:
        classes = [order.order_id in ids for ids in (accepted, refused, dead)]
        check.case(sum(classes) <= 1, f"{order.order_id} is in {sum(classes)} classes")
    return check
