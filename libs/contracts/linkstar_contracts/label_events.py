"""Labels: bought, refused by the carrier, or voided."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from linkstar_contracts.event import Version
from linkstar_contracts.fields import (
    Detail,
    Lines,
    ShipmentEvent,
    TrackingNumber,
    TrackingNumbers,
)
from linkstar_contracts.text import SafeStr, Token
from linkstar_contracts.values import (
    Destination,
    Instant,
    Money,
    OpenEnum,
    Promise,
    ServiceOptions,
    Value,
    Warehouse,
    Weight,
)  # fmt: skip

__all__ = ["LabelCreated", "LabelRejected", "LabelVoided", "LabelledParcel", "PurchaseGuarantee"]


class PurchaseGuarantee(OpenEnum):
    """How "one active paid label" is kept for this carrier."""

    NATIVE = "native"
    RECOVERED = "recovered"
    RECONCILED = "reconciled"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


class LabelledParcel(Value):
    """One parcel with its tracking number; `pending` until the carrier assigns one."""

    number: Annotated[int, Field(ge=1, le=99)]
    tracking_number: TrackingNumber | Literal["pending"]
    weight: Weight
    declared_value: Money
    label_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class LabelCreated(ShipmentEvent):
    """A label was bought and paid. Aggregate: the shipment's labels; `version` counts its label events."""

    TYPE = "linkstar.label.created.v1"

    kind: Literal["order", "return"] = "order"
    route_version: Version
    carrier: Token
    service: Token
    account: Token
    parcels: Annotated[tuple[LabelledParcel, ...], Field(min_length=1, max_length=20, strict=False)]
    total: Money
    lines: Lines
    posting_id: Annotated[str, SafeStr(160, 1)]
    formats: Annotated[tuple[Token, ...], Field(max_length=8, strict=False)] = ("zpl", "pdf")
    purchase_guarantee: PurchaseGuarantee
    manifest_id: Token | None = None
    warehouse: Warehouse
    destination: Destination
    zone: Annotated[str, SafeStr(16)] = ""
    promise: Promise | None = None
    options: ServiceOptions = ServiceOptions()
    test: bool = False


class LabelRejected(ShipmentEvent):
    """The carrier refused this route, or is unavailable until `retry_at`; router chooses anew without the service."""

    TYPE = "linkstar.label.rejected.v1"

    route_version: Version
    carrier: Token
    service: Token
    code: Token
    detail: Detail = ""
    retry_at: Instant | None = None


class LabelVoided(ShipmentEvent):
    """A label was voided and its charge released or refunded."""

    TYPE = "linkstar.label.voided.v1"

    route_version: Version
    carrier: Token
    service: Token
    reason: Token
    refund: Money
    tracking_numbers: TrackingNumbers = ()
