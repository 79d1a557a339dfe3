"""Labels, voids and scans of one invented FedEx shipment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from linkstar_contracts.events import LabelCreated, LabelVoided, Place, PurchaseGuarantee
from linkstar_contracts.values import ChargeLine, Destination, Money, Warehouse, Weight
from linkstar_tracker.domain.scans import Scan, scan_id

LABELLED = datetime(2026, 6, 8, 15, tzinfo=UTC)  # a Monday
NUMBERS = ("449044304137821", "449044304137832")
MONEY = Money(amount_minor=725, currency="USD")


def label(
    version: int = 1,
    numbers: Sequence[str] = NUMBERS[:1],
    kind: str = "order",
    tenant: str = "demo",
    order: str = "s-1",
) -> LabelCreated:
    return LabelCreated.model_validate({
        "tenant": tenant, "order_id": order, "version": version, "occurred_at": LABELLED, "shipment_id": order,
        "kind": kind, "route_version": 1, "carrier": "fedex", "service": "ground", "account": "a-1",
        "parcels": [
            {"number": n, "tracking_number": number, "weight": Weight(value=1, unit="lb"), "declared_value": MONEY,
             "label_sha256": "0" * 64}
            for n, number in enumerate(numbers, 1)
        ],
        "total": MONEY, "lines": (ChargeLine(code="base", amount=MONEY),), "posting_id": "p-1",
        "purchase_guarantee": PurchaseGuarantee.OFFLINE,
        "warehouse": Warehouse(code="US-LA", country="US", postcode="90058", timezone="America/Los_Angeles"),
        "destination": Destination(country="US", postcode="10001"),
    })  # fmt: skip


def void(version: int = 2) -> LabelVoided:
    return LabelVoided(
        tenant="demo", order_id="s-1", version=version, occurred_at=LABELLED + timedelta(hours=1), shipment_id="s-1",
        route_version=1, carrier="fedex", service="ground", reason="cancelled", refund=MONEY,
        tracking_numbers=NUMBERS[:1],
    )  # fmt: skip


def scan(
    code: str, hours: float, *, number: str = NUMBERS[0], retracts: Scan | None = None, city: str = ""
) -> Scan:  # fmt: skip
    at, place = LABELLED + timedelta(hours=hours), Place(city=city, country="US" if city else "")
    taken_back = retracts and retracts.scan_id
    identity = scan_id("fedex", number, code, at, place, taken_back)
    return Scan(identity, "fedex", number, code, at, place=place, retracts=taken_back)
