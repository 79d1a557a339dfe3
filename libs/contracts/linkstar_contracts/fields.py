"""Field types that several events share, and the base of events about a shipment."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from linkstar_contracts.event import Event
from linkstar_contracts.text import SafeStr, ShipmentId, Token
from linkstar_contracts.values import (
    ChargeLine,
    Item,
    Notice,
    Parcel,
)  # fmt: skip

__all__ = [
    "Detail",
    "Items",
    "Lines",
    "Notices",
    "Parcels",
    "ShipmentEvent",
    "Tags",
    "TrackingNumber",
    "TrackingNumbers",
]

Detail = Annotated[str, SafeStr(500)]
Parcels = Annotated[tuple[Parcel, ...], Field(min_length=1, max_length=20, strict=False)]
Items = Annotated[tuple[Item, ...], Field(max_length=200, strict=False)]
Notices = Annotated[tuple[Notice, ...], Field(max_length=50, strict=False)]
Tags = Annotated[tuple[Token, ...], Field(max_length=20, strict=False)]
"""The seller's own marks on an order, for routing rules."""
Lines = Annotated[tuple[ChargeLine, ...], Field(min_length=1, max_length=60, strict=False)]
TrackingNumber = Annotated[str, Field(pattern=r"^[A-Z0-9%]{6,40}$")]
TrackingNumbers = Annotated[tuple[TrackingNumber | Literal["pending"], ...], Field(max_length=20, strict=False)]


class ShipmentEvent(Event):
    """An event whose aggregate is a shipment: `<order_id>`, a reship `<order_id>~2`, or a return `<order_id>~R1`."""

    shipment_id: ShipmentId

    @property
    def aggregate_id(self) -> str:
        return self.shipment_id
