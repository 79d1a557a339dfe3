"""What else must hold: dense versions, balanced money, right shards, no phantoms, and input answered as it deserves."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable

from aiokafka.partitioner import murmur2

from linkstar_sandbox.reader.check import Check
from linkstar_sandbox.reader.evidence import Evidence, Record
from linkstar_sandbox.reader.outcomes import accepted_orders, dead_lettered_ids

__all__ = ["soundness_checks"]

_STREAMS: dict[str, Callable[[Record], Hashable]] = {
    "routes-chosen": lambda record: record.shipment,
    "labels": lambda record: record.shipment,
    "tracking-updated": lambda record: record.shipment,
    "returns-updated": lambda record: record.shipment,
    "exceptions-raised": lambda record: (record.tenant, record.body["exception_id"]),
}
"""Topics that carry the whole stream of their aggregate, and what the aggregate is."""

_PART = re.compile(r"\|(\w+)\.\w+\|")
"""What tells the entries of one posting set apart: `shipment|capture.platform_fee|attempt` belongs to its capture."""


def soundness_checks(evidence: Evidence) -> list[Check]:
    """Run all of them."""
    return [
        _versions_are_dense(evidence), _changes_rise(evidence), _order_versions_are_dense(evidence),
        _money_balances(evidence), _labels_are_paid_to_the_cent(evidence), _keys_and_shards_agree(evidence),
        _no_phantom_deliveries(evidence),
        _current_state_is_newest(evidence), _input_got_the_answer_it_deserves(evidence),
        _no_surprising_refusals(evidence), _no_scan_refused(evidence),
    ]  # fmt: skip


def _versions_are_dense(evidence: Evidence) -> Check:
    check = Check("versions run 1, 2, 3, … by first appearance", "broken")
    for topic, aggregate_of in _STREAMS.items():
        seen: dict[Hashable, int] = defaultdict(int)
        for record in evidence.on(topic):
            aggregate = aggregate_of(record)
            if record.version > seen[aggregate]:
                dense = record.version == seen[aggregate] + 1
                check.case(dense, f"{topic}: {aggregate} jumps from {seen[aggregate]} to {record.version}")
                seen[aggregate] = record.version
    return check


def _changes_rise(evidence: Evidence) -> Check:
    check = Check("versions of an order only rise on order-changes, by first appearance", "broken")
    seen: dict[Hashable, set[int]] = defaultdict(set)
    for record in evidence.on("order-changes"):
        before = seen[record.order]
        if record.version not in before:
            newest = max(before, default=0)
            check.case(record.version > newest, f"{record.order[1]}: version {record.version} comes after {newest}")
            before.add(record.version)
    return check


def _order_versions_are_dense(evidence: Evidence) -> Check:
    check = Check("versions of an order are dense over both its topics", "broken")
    versions: dict[Hashable, set[int]] = defaultdict(set)
    for record in evidence.on("orders-received"):
        if record.body.get("kind") != "return":
            versions[record.order].add(record.version)
    for record in evidence.on("order-changes"):
        versions[record.order].add(record.version)
    for order, found in versions.items():
        check.case(found == set(range(1, len(found) + 1)), f"{order} has versions {sorted(found)}")
    return check


def _money_balances(evidence: Evidence) -> Check:
    check = Check("every posting and every currency sums to zero", "broken")
    sums: dict[Hashable, int] = defaultdict(int)
    for leg in evidence.legs:
        sums[f"posting {leg.posting_id} in {leg.currency}"] += leg.amount_minor
        sums[f"all of {leg.currency}"] += leg.amount_minor
    for name, total in sums.items():
        check.case(total == 0, f"{name} sums to {total}")
    return check


def _labels_are_paid_to_the_cent(evidence: Evidence) -> Check:
    check = Check("every label is paid by its posting, to the cent", "broken")
    paid: dict[Hashable, int] = defaultdict(int)
    for leg in evidence.legs:
        paid[_PART.sub(r"|\1|", leg.posting_id), leg.currency] += max(0, leg.amount_minor)
    for record in evidence.of("labels", "label.created"):
        total = record.body["total"]
        amount = paid[record.body["posting_id"], total["currency"]]
        check.case(amount == total["amount_minor"], f"{record.shipment[1]} costs {total}, its posting moved {amount}")
    return check


def _keys_and_shards_agree(evidence: Evidence) -> Check:
    check = Check("every event lies under its order's key in its order's shard", "broken")
    for record in evidence.records:
        if record.topic in _STREAMS or record.topic in ("orders-received", "order-changes", "carrier-scans"):
            key = f"{record.tenant}/{record.body['order_id']}"
            shard = (murmur2(key.encode()) & 0x7FFFFFFF) % evidence.partitions
            placed = (record.key, record.partition) == (key, shard)
            check.case(placed, f"{record.topic}/{record.partition}@{record.offset} belongs to {key} in {shard}")
    return check


def _no_phantom_deliveries(evidence: Evidence) -> Check:
    check = Check("what is tracked as delivered was truly delivered", "broken")
    delivered = {(p.tenant, p.shipment_id) for p in evidence.parcels if p.delivered_at}
    for shipment, record in evidence.newest("tracking-updated", "tracking.updated").items():
        if record.body["status"] == "delivered":
            check.case(shipment in delivered, f"{shipment[1]} is tracked as delivered and was not")
    return check


def _current_state_is_newest(evidence: Evidence) -> Check:
    check = Check("shipments-current holds the newest state of every tracked shipment", "broken")
    current = evidence.newest("shipments-current", "shipment.updated")
    for shipment, record in evidence.newest("tracking-updated", "tracking.updated").items():
        held = current.get(shipment)
        same = held is not None and (held.version, held.body["status"]) == (record.version, record.body["status"])
        check.case(same, f"{shipment[1]}: current {held.version if held else None}, tracked {record.version}")
    return check


def _input_got_the_answer_it_deserves(evidence: Evidence) -> Check:
    check = Check("every order got the outcome, row and code it deserves", "broken")
    accepted = {order_id for _, order_id in accepted_orders(evidence)}
    dead = {order_id for _, order_id in dead_lettered_ids(evidence)}
    refused = {(refusal.door, refusal.order_id): refusal for refusal in evidence.refusals}
    for order in evidence.expected:
        refusal = refused.get((order.door, order.order_id))
        if order.outcome in ("accepted", "held"):
            got = order.order_id in accepted
        elif order.outcome == "dead_lettered":
            got = order.order_id in dead
        else:
            got = refusal is not None and (refusal.row, refusal.code) == (order.row, order.code)
        said = (
            f"{refusal.code} in row {refusal.row}" if refusal else "accepted" if order.order_id in accepted else "none"
        )
        wanted = f"{order.outcome} {order.code or ''} in row {order.row}"
        check.case(got, f"{order.order_id} of {order.door} ({order.flaw}): wanted {wanted}, got {said}")
    return check


def _no_surprising_refusals(evidence: Evidence) -> Check:
    check = Check("no sound row is refused, no sound record is a dead letter", "broken")
    bad = {order.order_id for order in evidence.expected if order.outcome in ("rejected", "dead_lettered")}
    for refusal in evidence.refusals:
        check.case(refusal.order_id in bad, f"{refusal.door} row {refusal.row} refused: {refusal.code}")
    for record in evidence.dead_letters:
        order_id = record.key.partition("/")[2]
        expected = record.topic == "orders-inbound-dlq" and order_id in bad
        check.case(expected, f"{record.topic}@{record.offset}: dead letter of {record.key}")
    return check


def _no_scan_refused(evidence: Evidence) -> Check:
    check = Check("no true scan is refused", "broken")
    for parcel in evidence.parcels:
        for scan in parcel.scans:
            if scan.taken or scan.refusal:
                check.case(scan.refusal is None, f"{parcel.shipment_id}: scan {scan.code} refused: {scan.refusal}")
    return check
