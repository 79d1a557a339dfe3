"""Shipments to print and buy in labeler's tests."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from linkstar_contracts.events import CostedRoute, RouteChosen
from linkstar_contracts.values import (
    ChargeLine,
    Consignee,
    Destination,
    Dimensions,
    Money,
    Parcel,
    SealedConsignee,
    Warehouse,
    Weight,
)

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
POSTCODES = {"US": "10001-1234", "CA": "M5V 3L9", "GB": "SW1A 1AA", "DE": "10115", "FR": "75001"}
COUNTRY_OF = {
    "usps": "US", "ups": "US", "fedex": "US", "canpar": "CA", "canada-post": "CA", "royal-mail": "GB", "parcelforce": "GB",
    "evri": "GB", "dpd-uk": "GB", "dhl-de": "DE", "hermes-de": "DE", "dpd-de": "DE", "colissimo": "FR",
    "mondial-relay": "FR", "chronopost": "FR",
}  # fmt: skip
CURRENCY_OF = {"US": "USD", "CA": "CAD", "GB": "GBP", "DE": "EUR", "FR": "EUR"}
SEALED = SealedConsignee(key_id="k1", token="AAAA")


def consignee(country: str = "US", **changed: str) -> Consignee:
    fields = {"name": "Ada Example", "street": "1 Main Street", "city": "Springfield", "region": "NY"}
    return Consignee(**{**fields, "postcode": POSTCODES[country], "country": country, **changed})


def parcel(number: int = 1, country: str = "US") -> Parcel:
    return Parcel(
        number=number,
        weight=Weight(value=Decimal("1.50"), unit="lb"),
        dimensions=Dimensions(length=Decimal(10), width=Decimal(8), height=Decimal(4), unit="in"),
        declared_value=Money(amount_minor=2500, currency=CURRENCY_OF[country]),
    )


def route(
    carrier: str = "usps",
    service: str = "ground_advantage",
    *,
    tenant: str = "acme",
    order_id: str = "order-1",
    version: int = 1,
    order_version: int = 1,
    total: int = 500,
    parcels: int = 1,
    sealed: SealedConsignee = SEALED,
    kind: str = "order",
    test: bool = False,
) -> RouteChosen:
    country = COUNTRY_OF.get(carrier, "US")
    money = Money(amount_minor=total, currency=CURRENCY_OF[country])
    return RouteChosen(
        tenant=tenant, order_id=order_id, version=version, occurred_at=AT,
        shipment_id=order_id if kind == "order" else f"{order_id}~R1", kind=kind, order_version=order_version,
        decision_id="d1",
        route=CostedRoute(
            carrier=carrier, service=service, account="platform", total=money,
            lines=(ChargeLine(code="base", amount=money),), billable_weight=Weight(value=Decimal(1), unit="kg"),
            tariff="test@2026-01-01",
        ),
        warehouse=Warehouse(code="US-NJ", country="US", postcode="08817", timezone="America/New_York"),
        destination=Destination(country=country, postcode=POSTCODES[country][:5].strip()),
        consignee=sealed, parcels=tuple(parcel(number, country) for number in range(1, parcels + 1)), test=test,
    )  # fmt: skip
