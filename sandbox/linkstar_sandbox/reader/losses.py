"""Nothing may be lost: every order, route, label, scan, delivery and return must have its consequence."""

from __future__ import annotations

from collections import defaultdict

from linkstar_sandbox.reader.check import Check
from linkstar_sandbox.reader.evidence import Evidence, Shipment, TrueParcel, instant
from linkstar_sandbox.reader.outcomes import accepted_orders, active_attempts, cancelled_orders, dead_lettered_ids

__all__ = ["loss_checks"]


def loss_checks(evidence: Evidence) -> list[Check]:
    """Run all of them."""
    return [
        _orders_have_a_class(evidence), _cancels_are_kept(evidence), _received_are_routed(evidence),
        _routed_are_labelled(evidence), _labels_reach_the_carrier(evidence), _scans_arrive(evidence),
        _journeys_are_tracked(evidence), _returns_are_closed(evidence),
    ]  # fmt: skip


def _orders_have_a_class(evidence: Evidence) -> Check:
    check = Check("every order handed in is accepted, rejected by name or a dead letter", "lost")
    accepted = {order_id for _, order_id in accepted_orders(evidence)}
    dead = {order_id for _, order_id in dead_lettered_ids(evidence)}
    refused = {refusal.order_id for refusal in evidence.refusals}
    for order in evidence.expected:
        kept = order.order_id in accepted or order.order_id in refused or order.order_id in dead
        check.case(kept, f"{order.order_id} of {order.door} is nowhere")
    return check


def _cancels_are_kept(evidence: Evidence) -> Check:
    check = Check("every cancel is carried out or answered with an exception", "lost")
    cancelled = {order_id for _, order_id in cancelled_orders(evidence)}
    late = {r.body["order_id"] for r in evidence.exceptions.values() if r.body["code"] == "ingest.change_too_late"}
    for order in evidence.expected:
        if order.cancelled:
            check.case(order.order_id in cancelled | late, f"the cancel of {order.order_id} had no effect")
    return check


def _received_are_routed(evidence: Evidence) -> Check:
    check = Check("every received shipment is routed, cancelled or held with an exception", "lost")
    routed = set(evidence.newest("routes-chosen", "route.chosen"))
    cancelled, held = cancelled_orders(evidence), evidence.open_exceptions()
    for shipment, record in evidence.newest("orders-received", "order.received").items():
        explained = record.order in cancelled or "route.no_candidate" in held.get(shipment, ())
        check.case(shipment in routed or explained, f"{shipment[1]} was received, never routed, and nobody says why")
    return check


def _routed_are_labelled(evidence: Evidence) -> Check:
    check = Check("the newest route of every shipment has a label, a refusal, a cancel or an exception", "lost")
    answered = {(r.shipment, r.body["route_version"]) for r in evidence.on("labels")}
    cancelled, held = cancelled_orders(evidence), evidence.open_exceptions()
    under_way = {r.shipment for r in evidence.exceptions.values() if r.body["code"] == "label.cancel_too_late"}
    for shipment, route in evidence.newest("routes-chosen", "route.chosen").items():
        explained = any(code.startswith("label.") for code in held.get(shipment, ()))
        explained = explained or route.order in cancelled or shipment in under_way
        check.case(
            (shipment, route.version) in answered or explained, f"{shipment[1]} was routed, never labelled, unexplained"
        )
    return check


def _labels_reach_the_carrier(evidence: Evidence) -> Check:
    check = Check("every labelled parcel is in the carriers' ledger", "lost")
    known = {parcel.tracking_number for parcel in evidence.parcels}
    for record in evidence.of("labels", "label.created"):
        for parcel in record.body["parcels"]:
            number = parcel["tracking_number"]
            check.case(number in known, f"{record.shipment[1]}: the carrier never saw the label of {number}")
    return check


def _scans_arrive(evidence: Evidence) -> Check:
    check = Check("every scan the carriers told is an event", "lost")
    events = {
        (r.body["tracking_number"], r.body["code"], instant(r.body["occurred_at"]))
        for r in evidence.of("carrier-scans", "scan.recorded")
    }
    for parcel in evidence.parcels:
        for scan in parcel.scans:
            if scan.taken:
                fact = (parcel.tracking_number, scan.code, scan.at)
                check.case(fact in events, f"{parcel.shipment_id}: scan {scan.code} at {scan.at} was taken and is gone")
    return check


def _journeys_are_tracked(evidence: Evidence) -> Check:
    check = Check("a shipment's true end is its tracked status", "lost")
    tracked = evidence.newest("tracking-updated", "tracking.updated")
    active = active_attempts(evidence)
    parcels: dict[Shipment, list[TrueParcel]] = defaultdict(list)
    for parcel in evidence.parcels:
        if parcel.route_version in active.get((parcel.tenant, parcel.shipment_id), ()):
            parcels[parcel.tenant, parcel.shipment_id].append(parcel)
    for shipment, held in parcels.items():
        ends = {_true_end(parcel) for parcel in held}
        if len(ends) == 1 and None not in ends and all(parcel.all_told for parcel in held):
            status = tracked[shipment].body["status"] if shipment in tracked else "nothing"
            check.case(status in ends, f"{shipment[1]} is truly {ends}, tracked as {status}")
    return check


def _true_end(parcel: TrueParcel) -> str | None:
    if parcel.delivered_at:
        return "delivered"
    return "returned" if any(scan.meaning == "returned" for scan in parcel.scans) else None


def _returns_are_closed(evidence: Evidence) -> Check:
    check = Check("every parcel that came back has a return that received it", "lost")
    received = {
        record.order for record in evidence.of("returns-updated", "return.updated")
        if record.body["state"] in ("received", "closed")
    }  # fmt: skip
    for parcel in evidence.parcels:
        came_back = (parcel.kind == "return" and parcel.delivered_at) or _true_end(parcel) == "returned"
        if came_back and parcel.all_told and not parcel.voided:
            order = (parcel.tenant, parcel.order_id)
            check.case(order in received, f"{parcel.shipment_id} came back and no return received it")
    return check
