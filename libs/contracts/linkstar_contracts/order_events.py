"""Orders: what upstream systems publish at the door, and what LinkStar makes of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict

from linkstar_contracts.event import Event, Version
from linkstar_contracts.fields import (
    Items,
    Notices,
    Parcels,
    ShipmentEvent,
    Tags,
)
from linkstar_contracts.text import SafeStr, ShipmentId, Token
from linkstar_contracts.values import (
    Consignee,
    Destination,
    SealedConsignee,
    ServiceOptions,
    Warehouse,
)  # fmt: skip

__all__ = [
    "OrderCancelRequested", "OrderCancelled", "OrderChangeRequested", "OrderChanged", "OrderReceived",
    "OrderSubmitted",
]  # fmt: skip


class OrderSubmitted(Event):
    """A seller's order as an upstream system states it, consignee in clear. Unknown fields are refused at this door.

    `version` and `occurred_at` describe the upstream record (1 for a new order, its creation time).
    """

    TYPE = "linkstar.order.submitted.v1"
    model_config = ConfigDict(extra="forbid")

    version: Version = 1
    channel: Token
    external_ref: Annotated[str, SafeStr(100)] = ""
    warehouse: Token
    consignee: Consignee
    parcels: Parcels
    items: Items = ()
    options: ServiceOptions = ServiceOptions()
    residential: bool | None = None
    tags: Tags = ()
    test: bool = False


class OrderChangeRequested(Event):
    """Upstream asks to change an order that has not been handed over: fields left out stay as they are."""

    TYPE = "linkstar.order.change-requested.v1"
    model_config = ConfigDict(extra="forbid")

    request_id: Token
    consignee: Consignee | None = None
    parcels: Parcels | None = None
    options: ServiceOptions | None = None

    @property
    def aggregate_id(self) -> str:
        return f"{self.order_id}/{self.request_id}"


class OrderCancelRequested(Event):
    """Upstream asks to cancel an order."""

    TYPE = "linkstar.order.cancel-requested.v1"
    model_config = ConfigDict(extra="forbid")

    version: Version = 1
    reason: Annotated[str, SafeStr(200)] = ""


class OrderReceived(ShipmentEvent):
    """An order accepted by LinkStar, address graded, consignee sealed. Aggregate: the order (`kind=return`: the return).

    `shipment_id` equals the order id, or `<order_id>~R1` for a return shipment.
    """

    TYPE = "linkstar.order.received.v1"

    kind: Literal["order", "return"] = "order"
    channel: Token
    external_ref: Annotated[str, SafeStr(100)] = ""
    warehouse: Warehouse
    destination: Destination
    consignee: SealedConsignee
    parcels: Parcels
    items: Items = ()
    options: ServiceOptions = ServiceOptions()
    notices: Notices = ()
    tags: Tags = ()
    test: bool = False


class OrderChanged(Event):
    """The order's newest content after a change; carries everything routing needs. Aggregate: the order."""

    TYPE = "linkstar.order.changed.v1"

    shipment_id: ShipmentId
    channel: Token | None = None
    warehouse: Warehouse
    destination: Destination
    consignee: SealedConsignee
    parcels: Parcels
    items: Items = ()
    options: ServiceOptions = ServiceOptions()
    notices: Notices = ()
    tags: Tags = ()
    test: bool = False


class OrderCancelled(Event):
    """The order will not be shipped. Aggregate: the order. Services release what they hold for it."""

    TYPE = "linkstar.order.cancelled.v1"

    reason: Annotated[str, SafeStr(200)] = ""
