"""Routes by USPS as the router tells them, consignees sealed by the vault that the labeler opens them with."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from random import Random

from linkstar_bench.machine import Ground
from linkstar_bench.orders import TENANTS, OrderRecord
from linkstar_contracts.events import CostedRoute, RouteChosen
from linkstar_contracts.topics import PARTITIONS
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
from linkstar_runtime.clock import Clock
from linkstar_runtime.database import Database
from linkstar_runtime.settings import DatabaseSettings, Settings
from linkstar_runtime.shards import shard_of
from linkstar_runtime.vault import Vault
from linkstar_sandbox.order_files.messages import Message

__all__ = ["PRICE", "sealed_routes"]

PRICE = Money(amount_minor=900, currency="USD")
"""What every route was priced at."""
_WAREHOUSE = Warehouse(code="US-NJ", country="US", postcode="08817", timezone="America/New_York")
_PLACES = (
    ("New York", "NY", "10118"), ("San Francisco", "CA", "94111"), ("Chicago", "IL", "60611"), ("Honolulu", "HI", "96813"),
)  # fmt: skip


async def sealed_routes(ground: Ground, vault: Vault, count: int, seed: int, now: datetime) -> list[OrderRecord]:
    """Return `count` routes of as many orders, in the form in which they are published."""
    rng = Random(f"{seed}|routes")
    orders = [(TENANTS[number % len(TENANTS)], f"http-{number:07}", _consignee(rng, number)) for number in range(count)]
    settings = Settings(database=DatabaseSettings(url=ground.database))
    database = await Database.connect(settings, "ingest", Clock())
    try:
        async with database.transaction() as tx:
            sealed = await vault.seal_many(tx, orders)
    finally:
        await database.close()
    return [_record(_route(rng, order, seal, now)) for order, seal in zip(orders, sealed, strict=True)]


def _record(route: RouteChosen) -> OrderRecord:
    message = Message(route.key.encode(), route.body(), tuple(route.headers("/linkstar/router")))
    return OrderRecord((route.tenant, route.order_id), shard_of(route.key, PARTITIONS), message)


def _consignee(rng: Random, number: int) -> Consignee:
    city, region, postcode = rng.choice(_PLACES)
    return Consignee(
        name=f"Ada Example {number}", street=f"{rng.randint(1, 999)} Larkspur Street", city=city, region=region,
        postcode=postcode, country="US",
    )  # fmt: skip


def _route(rng: Random, order: tuple[str, str, Consignee], consignee: SealedConsignee, now: datetime) -> RouteChosen:
    tenant, order_id, receiver = order
    chosen = CostedRoute(
        carrier="usps", service="ground_advantage", account="platform", total=PRICE,
        lines=(ChargeLine(code="base", amount=PRICE),), billable_weight=Weight(value=Decimal(1), unit="kg"),
        tariff="bench@2026-01-01",
    )  # fmt: skip
    parcel = Parcel(
        number=1, weight=Weight(value=Decimal(rng.randint(100, 2_000)), unit="g"), declared_value=PRICE,
        dimensions=Dimensions(length=Decimal(30), width=Decimal(20), height=Decimal(10), unit="cm"),
    )  # fmt: skip
    return RouteChosen(
        tenant=tenant, order_id=order_id, version=1, occurred_at=now, order_version=1, decision_id="d1",
        shipment_id=order_id, kind="order", route=chosen, warehouse=_WAREHOUSE,
        destination=Destination(country="US", postcode=receiver.postcode), consignee=consignee, parcels=(parcel,),
    )  # fmt: skip
