"""The content of an accepted order: what its events carry, personal data sealed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from linkstar_contracts.assembly import assembled
from linkstar_contracts.event import Event
from linkstar_contracts.events import OrderChanged, OrderReceived
from linkstar_contracts.facts.parcel_sizes import parcel_notices
from linkstar_contracts.fields import Items, Notices, Parcels, Tags
from linkstar_contracts.text import SafeStr, Token
from linkstar_contracts.values import Destination, Notice, SealedConsignee, ServiceOptions, Value, Warehouse

__all__ = ["ContentPatch", "OrderContent"]


class ContentPatch(Value):
    """A change of content, address already assessed and sealed; fields left out stay as they are."""

    destination: Destination | None = None
    consignee: SealedConsignee | None = None
    address_notices: Notices = ()
    problem: Annotated[str, SafeStr(300)] = ""
    parcels: Parcels | None = None
    options: ServiceOptions | None = None


class OrderContent(Value):
    """Everything downstream stages need of an order."""

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

    def patched(self, patch: ContentPatch) -> OrderContent:
        """Return the content with `patch` applied and the notices that follow from it."""
        changed: dict[str, Any] = {}
        about_address: tuple[Notice, ...] = tuple(notice for notice in self.notices if notice.parcel is None)
        if patch.destination is not None:
            changed |= {"destination": patch.destination, "consignee": patch.consignee}
            about_address = patch.address_notices
        changed["parcels"] = patch.parcels or self.parcels
        changed["options"] = patch.options or self.options
        changed["notices"] = about_address + parcel_notices(self.warehouse.country, changed["parcels"])
        return self.model_copy(update=changed)

    def received(self, tenant: str, order_id: str, now: datetime) -> Event:
        """Return the event of version 1. Each part was validated with the order, and has its type here, too."""
        return assembled(OrderReceived, {**_head(tenant, order_id, 1, now), "kind": "order", **vars(self)})

    def changed(self, tenant: str, order_id: str, version: int, now: datetime) -> Event:
        """Return the event of a later version."""
        body: dict[str, Any] = {name: value for name, value in self if name != "external_ref"}
        return OrderChanged(**_head(tenant, order_id, version, now), **body)


def _head(tenant: str, order_id: str, version: int, now: datetime) -> dict[str, Any]:
    return {"tenant": tenant, "order_id": order_id, "shipment_id": order_id, "version": version, "occurred_at": now}
