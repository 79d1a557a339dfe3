"""A small sound run as evidence: one order of each fate, written out by hand so that tests can plant errors in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka.partitioner import murmur2

from linkstar_sandbox.reader.evidence import (
    Evidence,
    ExpectedOrder,
    Leg,
    Record,
    Refusal,
    StoredLabel,
    TrueParcel,
    TrueScan,
)  # fmt: skip

T0 = datetime(2026, 3, 2, 12, tzinfo=UTC)
SUBJECT = {
    "exception.raised": "exception_id", "scan.recorded": "scan_id", "return.updated": "return_id",
    "order.cancelled": "order_id",
}  # fmt: skip


def at(hours: int) -> str:
    return (T0 + timedelta(hours=hours)).isoformat()


def event(topic: str, name: str, order_id: str, version: int, offset: int = 0, **body: Any) -> Record:
    """Return a record as a correct service writes it."""
    full = {"tenant": "demo", "order_id": order_id, "version": version, "occurred_at": at(offset), **body}
    if name not in SUBJECT:
        full.setdefault("shipment_id", order_id)
    subject = str(full[SUBJECT.get(name, "shipment_id")])
    key = f"demo/{order_id}"
    return Record(
        topic=topic, partition=(murmur2(key.encode()) & 0x7FFFFFFF) % 12, offset=offset, key=key,
        value=json.dumps(full).encode(), type=f"linkstar.{name}.v1", id=f"{subject}|{name}|{version}", version=version,
        tenant="demo", subject=subject, body=full,
    )  # fmt: skip


def shipped(order_id: str, number: str, kind: str = "order", shipment_id: str | None = None) -> list[Record]:
    """Received, routed, labelled."""
    shipment = {"shipment_id": shipment_id or order_id, "kind": kind}
    return [
        event("orders-received", "order.received", order_id, 1, 1, **shipment),
        event("routes-chosen", "route.chosen", order_id, 1, 2, decision_id=f"d-{shipment['shipment_id']}", **shipment),
        event("labels", "label.created", order_id, 1, 3, route_version=1, carrier="usps", posting_id=f"p-{number}",
              total={"amount_minor": 900, "currency": "USD"},
              parcels=[{"number": 1, "tracking_number": number}], **shipment),
    ]  # fmt: skip


def scanned(order_id: str, number: str, codes: Mapping[str, str], shipment_id: str | None = None) -> list[Record]:
    """One scan and one tracking update per code, and the newest state."""
    shipment = {"shipment_id": shipment_id or order_id}
    records = []
    for index, (code, status) in enumerate(codes.items(), 1):
        records += [
            event("carrier-scans", "scan.recorded", order_id, 1, 10 * index, tracking_number=number, code=code,
                  scan_id=f"{number}-{code}", **shipment),
            event("tracking-updated", "tracking.updated", order_id, index, 10 * index, status=status, **shipment),
        ]  # fmt: skip
    newest = event("shipments-current", "shipment.updated", order_id, len(codes), 90, status=status, **shipment)
    return [*records, newest]


def parcel(order_id: str, number: str, codes: Mapping[str, str], **facts: Any) -> TrueParcel:
    """The carriers' side of `scanned`."""
    scans = tuple(
        TrueScan(code, T0 + timedelta(hours=10 * index), meaning, True)
        for index, (code, meaning) in enumerate(codes.items(), 1)
    )
    delivered = scans[-1].at if scans and scans[-1].meaning == "delivered" else None
    plain = TrueParcel("demo", order_id, order_id, 1, 1, number, "usps", "order", "smooth", delivered, False, scans)
    return replace(plain, **facts)


def returned(return_id: str, order_id: str, *states: str) -> list[Record]:
    return [
        event("returns-updated", "return.updated", order_id, version, 200 + version, return_id=return_id, state=state)
        for version, state in enumerate(states, 1)
    ]


def raised(exception_id: str, code: str, order_id: str, *states: str) -> list[Record]:
    return [
        event("exceptions-raised", "exception.raised", order_id, version, 300 + version, exception_id=exception_id,
              code=code, state=state, shipment_id=order_id)
        for version, state in enumerate(states, 1)
    ]  # fmt: skip


HAPPY = {"03": "accepted", "01": "delivered"}
BACK = {"03": "accepted", "09": "return_to_sender", "21": "returned"}


def sound_world() -> Evidence:
    """Delivered, sent back by customer, undeliverable, cancelled, without balance, held, refused, dead: one of each."""
    records = [
        *shipped("good", "N1"), *scanned("good", "N1", HAPPY),
        *shipped("kept", "N2"), *scanned("kept", "N2", HAPPY),
        *shipped("kept", "N3", "return", "kept~R1"), *scanned("kept", "N3", HAPPY, "kept~R1"),
        *returned("kept~R1", "kept", "approved", "label_issued", "in_transit", "received", "closed"),
        *shipped("rts", "N4"), *scanned("rts", "N4", BACK), *returned("rts~R1", "rts", "in_transit", "received"),
        *shipped("off", "N5"), event("order-changes", "order.cancelled", "off", 2, 4),
        event("labels", "label.voided", "off", 2, 5, route_version=1),
        *shipped("poor", "N6")[:2], *raised("label.balance.poor", "label.insufficient_balance", "poor", "open"),
        *raised("ingest.address.lost", "ingest.address_undeliverable", "nowhere", "open"),
        event("orders-received", "order.received", "far", 1, 1),
        *raised("route.none.far", "route.no_candidate", "far", "open"),
        Record("orders-inbound-dlq", 0, 0, "demo/torn", b"{"),
    ]  # fmt: skip
    expected = [ExpectedOrder(order, "a.csv", "accepted") for order in ("good", "kept", "rts", "poor", "far")]
    return Evidence(
        expected=[
            *expected, ExpectedOrder("off", "a.csv", "accepted", cancelled=True),
            ExpectedOrder("nowhere", "a.csv", "held"), ExpectedOrder("torn", "orders-inbound", "dead_lettered"),
            ExpectedOrder("bad", "a.csv", "rejected", row=9, code="sku_unknown"),
        ],
        records=records,
        refusals=[Refusal("a.csv", 9, "bad", "sku_unknown")],
        legs=[
            leg for number in range(1, 6)
            for leg in (Leg(f"p-N{number}", "wallet", "USD", -900), Leg(f"p-N{number}", "carrier", "USD", 900))
        ],
        labels=[StoredLabel("demo", "good", 1, True), StoredLabel("demo", "off", 1, False)],
        parcels=[
            parcel("good", "N1", HAPPY), parcel("kept", "N2", HAPPY),
            parcel("kept", "N3", HAPPY, shipment_id="kept~R1", kind="return"),
            parcel("rts", "N4", BACK), parcel("off", "N5", {}, voided=True, fate="voided"),
        ],
    )  # fmt: skip
