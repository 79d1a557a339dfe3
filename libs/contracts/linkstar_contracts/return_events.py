"""Returns, and the amounts that follow from them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from linkstar_contracts.event import Event, Version
from linkstar_contracts.fields import (
    Detail,
    TrackingNumber,
)
from linkstar_contracts.text import SafeStr, ShipmentId, Token
from linkstar_contracts.values import (
    Money,
    OpenEnum,
    Value,
)  # fmt: skip

__all__ = ["ReturnItem", "ReturnRequested", "ReturnState", "ReturnUpdated", "SettlementRequested"]


class ReturnItem(Value):
    """A quantity of one SKU that comes back, with its reason."""

    sku: Annotated[str, SafeStr(64, 1)]
    quantity: Annotated[int, Field(ge=1, le=100_000)]
    reason: Token = "unspecified"


ReturnItems = Annotated[tuple[ReturnItem, ...], Field(max_length=200, strict=False)]


class ReturnRequested(Event):
    """Upstream asks for a return of a delivered order. `request_id` makes it idempotent."""

    TYPE = "linkstar.return.requested.v1"
    model_config = ConfigDict(extra="forbid")

    version: Version = 1
    request_id: Token
    items: ReturnItems = ()
    reason: Token = "unspecified"

    @property
    def aggregate_id(self) -> str:
        return f"{self.order_id}/{self.request_id}"


class ReturnState(OpenEnum):
    """Life of a return."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    LABEL_ISSUED = "label_issued"
    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    CLOSED = "closed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class ReturnUpdated(Event):
    """A return moved on. Aggregate: the return `<order_id>~R<n>`; `version` dense."""

    TYPE = "linkstar.return.updated.v1"

    return_id: ShipmentId
    origin: Literal["customer", "reject"]
    """`reject`: the outbound parcel was undeliverable and comes back by itself."""
    state: ReturnState
    items: ReturnItems = ()
    tracking_number: TrackingNumber | Literal["pending"] | None = None
    reason: Token = "unspecified"

    @property
    def aggregate_id(self) -> str:
        return self.return_id


class SettlementRequested(Event):
    """Asks labeler, the only owner of money, to post an amount: claim payout, return fee, refund."""

    TYPE = "linkstar.settlement.requested.v1"

    settlement_id: Token
    kind: Literal["claim_payout", "return_fee", "refund"]
    amount: Money
    detail: Detail = ""

    @property
    def aggregate_id(self) -> str:
        return f"{self.order_id}/{self.settlement_id}"
