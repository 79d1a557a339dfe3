"""An invented order, the facts about its way out, and about its way back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from linkstar_contracts.events import (
    LabelCreated,
    LabelVoided,
    OrderReceived,
    PurchaseGuarantee,
    ReturnItem,
    ReturnRequested,
    TrackingStatus,
    TrackingUpdated,
)
from linkstar_contracts.values import (
    ChargeLine,
    Destination,
    Dimensions,
    Item,
    Money,
    Parcel,
    SealedConsignee,
    Warehouse,
    Weight,
)

START = datetime(2026, 6, 8, 15, tzinfo=UTC)
MONEY = Money(amount_minor=725, currency="USD")
WAREHOUSE = Warehouse(code="US-LA", country="US", postcode="90058", timezone="America/Los_Angeles")
NUMBER = "449044304137821"
BACK = f"{'s-1'}~R1"


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def order(order_id: str = "s-1", tenant: str = "demo") -> OrderReceived:
    parcel = Parcel(
        number=1, weight=Weight(value=1, unit="lb"), declared_value=MONEY,
        dimensions=Dimensions(length=9, width=6, height=2, unit="in"),
    )  # fmt: skip
    return OrderReceived(
        tenant=tenant, order_id=order_id, shipment_id=order_id, version=1, occurred_at=START, channel="shopify",
        warehouse=WAREHOUSE, destination=Destination(country="US", postcode="10001"),
        consignee=SealedConsignee(key_id="k-1", token="sealed"), parcels=(parcel,),
        items=(Item(sku="MUG", quantity=2), Item(sku="CAP", quantity=1)),
    )  # fmt: skip


def request(
    hours: float, request_id: str = "q-1", order_id: str = "s-1", tenant: str = "demo", **items: int
) -> ReturnRequested:
    wanted = tuple(ReturnItem(sku=sku, quantity=quantity) for sku, quantity in items.items())
    return ReturnRequested(
        tenant=tenant,
        order_id=order_id,
        occurred_at=at(hours),
        request_id=request_id,
        items=wanted,
        reason="wrong_size",
    )


def tracked(version: int, status: str, hours: float, shipment_id: str = "s-1", tenant: str = "demo") -> TrackingUpdated:
    now = TrackingStatus(status)
    return TrackingUpdated(
        tenant=tenant, order_id=shipment_id.partition("~")[0], version=version, occurred_at=at(hours),
        shipment_id=shipment_id, kind="return" if "~" in shipment_id else "order", carrier="fedex", service="ground",
        status=now, accepted=now not in {TrackingStatus.PENDING, TrackingStatus.CANCELLED},
        delivered=now is TrackingStatus.DELIVERED, parcel=1, tracking_number=NUMBER, parcel_status=now,
        scanned_at=at(hours),
    )  # fmt: skip


def label(version: int = 1, shipment_id: str = BACK) -> LabelCreated:
    return LabelCreated.model_validate({
        "tenant": "demo", "order_id": shipment_id.partition("~")[0], "version": version, "occurred_at": at(60),
        "shipment_id": shipment_id, "kind": "return", "route_version": 1, "carrier": "fedex", "service": "ground",
        "account": "a-1",
        "parcels": [{"number": 1, "tracking_number": NUMBER, "weight": Weight(value=1, unit="lb"),
                     "declared_value": MONEY, "label_sha256": "0" * 64}],
        "total": MONEY, "lines": (ChargeLine(code="base", amount=MONEY),), "posting_id": "p-1",
        "purchase_guarantee": PurchaseGuarantee.OFFLINE, "warehouse": WAREHOUSE,
        "destination": Destination(country="US", postcode="10001"),
    })  # fmt: skip


def void(version: int = 2, shipment_id: str = BACK) -> LabelVoided:
    return LabelVoided(
        tenant="demo", order_id=shipment_id.partition("~")[0], version=version, occurred_at=at(61),
        shipment_id=shipment_id, route_version=1, carrier="fedex", service="ground", reason="reprint", refund=MONEY,
    )  # fmt: skip
