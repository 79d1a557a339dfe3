"""The route of a shipment: the chosen service with its itemised price, the alternatives, and why others were excluded."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from linkstar_contracts.event import Version
from linkstar_contracts.fields import (
    Items,
    Lines,
    Parcels,
    ShipmentEvent,
)
from linkstar_contracts.text import SafeStr, Token
from linkstar_contracts.values import (
    Destination,
    Money,
    Notice,
    Promise,
    SealedConsignee,
    ServiceOptions,
    Value,
    Warehouse,
    Weight,
)  # fmt: skip

__all__ = ["Alternative", "CostedRoute", "Exclusion", "RouteChosen"]


class CostedRoute(Value):
    """A carrier service with its itemised price. The lines sum exactly to `total`."""

    carrier: Token
    service: Token
    account: Token
    total: Money
    lines: Lines
    billable_weight: Weight
    zone: Annotated[str, SafeStr(16)] = ""
    zone_source: Literal["table", "distance_estimate", "none"] = "none"
    promise: Promise | None = None
    tariff: Annotated[str, SafeStr(100)]
    """Tariff pack and its effective date, e.g. `usps-ground-advantage-commercial@2026-07-12`."""
    synthetic: bool = False


class Alternative(Value):
    """A route that was possible but not chosen."""

    carrier: Token
    service: Token
    total: Money
    promise: Promise | None = None


class Exclusion(Value):
    """A service that could not be used, with its coded reason."""

    carrier: Token
    service: Token
    code: Token
    detail: Annotated[str, SafeStr(200)] = ""


class RouteChosen(ShipmentEvent):
    """The route of a shipment. Aggregate: the shipment; `version` is the route attempt, the newest wins.

    Repeats what labeler needs, so that no stage asks another. `order_version` is the order content it was decided on.
    """

    TYPE = "linkstar.route.chosen.v1"

    kind: Literal["order", "return"] = "order"
    order_version: Version
    decision_id: Token
    route: CostedRoute
    alternatives: Annotated[tuple[Alternative, ...], Field(max_length=3, strict=False)] = ()
    excluded: Annotated[tuple[Exclusion, ...], Field(max_length=100, strict=False)] = ()
    notices: Annotated[tuple[Notice, ...], Field(max_length=10, strict=False)] = ()
    """What to know of the chosen route: `holiday` for each closure on its way, `peak` for a demand surcharge."""
    rules_version: Token = "none"
    model_version: Token = "none"
    warehouse: Warehouse
    destination: Destination
    consignee: SealedConsignee
    parcels: Parcels
    items: Items = ()
    options: ServiceOptions = ServiceOptions()
    test: bool = False
