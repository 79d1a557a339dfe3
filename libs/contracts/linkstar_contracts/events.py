"""Every event on LinkStar's topics. Read top to bottom, it is the life of an order."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from linkstar_contracts.event import Event, Version
from linkstar_contracts.text import SafeStr, ShipmentId, Token
from linkstar_contracts.values import (
    ChargeLine,
    Consignee,
    Destination,
    Instant,
    Item,
    Money,
    Notice,
    OpenEnum,
    Parcel,
    Promise,
    SealedConsignee,
    ServiceOptions,
    Value,
    Warehouse,
    Weight,
)  # fmt: skip

__all__ = [
    "EVENTS", "Alternative", "CarrierScan", "CostedRoute", "ExceptionCode", "ExceptionRaised", "ExceptionState",
    "Exclusion", "LabelCreated", "LabelRejected", "LabelVoided", "LabelledParcel", "OrderCancelRequested",
    "OrderCancelled", "OrderChangeRequested", "OrderChanged", "OrderReceived", "OrderSubmitted", "Place",
    "PurchaseGuarantee", "ResponsibleParty", "ReturnItem", "ReturnRequested", "ReturnState", "ReturnUpdated",
    "RouteChosen", "SettlementRequested", "Severity", "ShipmentUpdated", "TrackingStatus", "TrackingUpdated",
]  # fmt: skip

Detail = Annotated[str, SafeStr(500)]
Parcels = Annotated[tuple[Parcel, ...], Field(min_length=1, max_length=20, strict=False)]
Items = Annotated[tuple[Item, ...], Field(max_length=200, strict=False)]
Notices = Annotated[tuple[Notice, ...], Field(max_length=50, strict=False)]
Lines = Annotated[tuple[ChargeLine, ...], Field(min_length=1, max_length=60, strict=False)]
TrackingNumber = Annotated[str, Field(pattern=r"^[A-Z0-9%]{6,40}$")]
TrackingNumbers = Annotated[tuple[TrackingNumber | Literal["pending"], ...], Field(max_length=20, strict=False)]


# ---- the door: what upstream systems publish --------------------------------------------------------------------------


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


# ---- ingest -----------------------------------------------------------------------------------------------------------


class OrderReceived(Event):
    """An order accepted by LinkStar, address graded, consignee sealed. Aggregate: the order (`kind=return`: the return).

    `shipment_id` equals the order id, or `<order_id>~R1` for a return shipment.
    """

    TYPE = "linkstar.order.received.v1"

    shipment_id: ShipmentId
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
    test: bool = False

    @property
    def aggregate_id(self) -> str:
        return self.shipment_id


class OrderChanged(Event):
    """The order's newest content after a change; carries everything routing needs. Aggregate: the order."""

    TYPE = "linkstar.order.changed.v1"

    shipment_id: ShipmentId
    warehouse: Warehouse
    destination: Destination
    consignee: SealedConsignee
    parcels: Parcels
    items: Items = ()
    options: ServiceOptions = ServiceOptions()
    notices: Notices = ()
    test: bool = False


class OrderCancelled(Event):
    """The order will not be shipped. Aggregate: the order. Services release what they hold for it."""

    TYPE = "linkstar.order.cancelled.v1"

    reason: Annotated[str, SafeStr(200)] = ""


# ---- router -----------------------------------------------------------------------------------------------------------


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


class RouteChosen(Event):
    """The route of a shipment. Aggregate: the shipment; `version` is the route attempt, the newest wins.

    Repeats what labeler needs, so that no stage asks another. `order_version` is the order content it was decided on.
    """

    TYPE = "linkstar.route.chosen.v1"

    shipment_id: ShipmentId
    kind: Literal["order", "return"] = "order"
    order_version: Version
    decision_id: Token
    route: CostedRoute
    alternatives: Annotated[tuple[Alternative, ...], Field(max_length=3, strict=False)] = ()
    excluded: Annotated[tuple[Exclusion, ...], Field(max_length=100, strict=False)] = ()
    rules_version: Token = "none"
    model_version: Token = "none"
    warehouse: Warehouse
    destination: Destination
    consignee: SealedConsignee
    parcels: Parcels
    items: Items = ()
    options: ServiceOptions = ServiceOptions()
    test: bool = False

    @property
    def aggregate_id(self) -> str:
        return self.shipment_id


# ---- labeler ----------------------------------------------------------------------------------------------------------


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


class LabelCreated(Event):
    """A label was bought and paid. Aggregate: the shipment's labels; `version` counts its label events."""

    TYPE = "linkstar.label.created.v1"

    shipment_id: ShipmentId
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

    @property
    def aggregate_id(self) -> str:
        return self.shipment_id


class LabelRejected(Event):
    """The carrier refused this route, or is unavailable until `retry_at`; router chooses anew without the service."""

    TYPE = "linkstar.label.rejected.v1"

    shipment_id: ShipmentId
    route_version: Version
    carrier: Token
    service: Token
    code: Token
    detail: Detail = ""
    retry_at: Instant | None = None

    @property
    def aggregate_id(self) -> str:
        return self.shipment_id


class LabelVoided(Event):
    """A label was voided and its charge released or refunded."""

    TYPE = "linkstar.label.voided.v1"

    shipment_id: ShipmentId
    route_version: Version
    carrier: Token
    service: Token
    reason: Token
    refund: Money
    tracking_numbers: TrackingNumbers = ()

    @property
    def aggregate_id(self) -> str:
        return self.shipment_id


# ---- tracker ----------------------------------------------------------------------------------------------------------


class TrackingStatus(OpenEnum):
    """Normalised shipment status; see `docs/adr` and the tracker for the carrier tables."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    ATTEMPT_FAILED = "attempt_failed"
    HELD = "held"
    DELIVERED = "delivered"
    RETURN_TO_SENDER = "return_to_sender"
    RETURNED = "returned"
    DAMAGED = "damaged"
    LOST = "lost"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class Place(Value):
    """Where a scan happened, as far as the carrier tells."""

    city: Annotated[str, SafeStr(80)] = ""
    region: Annotated[str, SafeStr(40)] = ""
    postcode: Annotated[str, SafeStr(16)] = ""
    country: Annotated[str, SafeStr(2)] = ""


class CarrierScan(Event):
    """One scan of one parcel as the carrier reported it. Aggregate: the scan, by hash of its natural key; `version` 1.

    `order_id` is resolved from the tracking number at the door. `retracts` names the scan this one takes back.
    """

    TYPE = "linkstar.scan.recorded.v1"

    version: Version = 1
    scan_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    shipment_id: ShipmentId
    carrier: Token
    tracking_number: TrackingNumber
    code: Annotated[str, SafeStr(40, 1)]
    text: Annotated[str, SafeStr(200)] = ""
    place: Place = Place()
    scanned_local: Annotated[str, SafeStr(40)] = ""
    timezone: Annotated[str, SafeStr(64)] = ""
    source: Literal["webhook", "poll", "file", "kafka", "manual"] = "webhook"
    retracts: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None

    @property
    def aggregate_id(self) -> str:
        return self.scan_id


class _Tracking(Event):
    shipment_id: ShipmentId
    kind: Literal["order", "return"] = "order"
    carrier: Token
    service: Token
    status: TrackingStatus
    """Roll-up over all parcels of the shipment."""
    substatus: Token | None = None
    accepted: bool = False
    first_attempt: bool = False
    delivered: bool = False
    promise: Promise | None = None
    deliver_by: Instant | None = None
    test: bool = False

    @property
    def aggregate_id(self) -> str:
        return self.shipment_id


class TrackingUpdated(_Tracking):
    """The shipment's timeline changed. Aggregate: the shipment; `version` dense. Names the parcel that moved."""

    TYPE = "linkstar.tracking.updated.v1"

    parcel: Annotated[int, Field(ge=1, le=99)]
    tracking_number: TrackingNumber
    parcel_status: TrackingStatus
    carrier_code: Annotated[str, SafeStr(40)] = ""
    carrier_text: Annotated[str, SafeStr(200)] = ""
    place: Place = Place()
    scanned_at: Instant
    scanned_local: Annotated[str, SafeStr(40)] = ""
    timezone: Annotated[str, SafeStr(64)] = ""
    source: Literal["webhook", "poll", "file", "kafka", "manual"] = "webhook"
    retraction: bool = False


class ShipmentUpdated(_Tracking):
    """Latest known state of a shipment, on the compacted topic `shipments-current`: a hint for late joiners.

    After a crash a stale duplicate can stand last until the next change; `version` tells.
    """

    TYPE = "linkstar.shipment.updated.v1"

    tracking_numbers: TrackingNumbers
    last_scan_at: Instant | None = None

    @property
    def key(self) -> str:
        """Key of the compacted topic; the record still goes to the order's shard."""
        return f"{self.tenant}/{self.shipment_id}"


# ---- exceptions: every stage raises, whoever raised it resolves it ------------------------------------------------------


class Severity(OpenEnum):
    """How urgently somebody should act."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


class ResponsibleParty(OpenEnum):
    """Who caused it, as far as is known; `unset` needs a review."""

    CARRIER = "carrier"
    SELLER = "seller"
    CONSIGNEE = "consignee"
    CUSTOMS = "customs"
    WEATHER = "weather"
    PLATFORM = "platform"
    UNSET = "unset"
    UNKNOWN = "unknown"


class ExceptionState(OpenEnum):
    """State of an exception; each change of state is a version."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    UNKNOWN = "unknown"


class ExceptionCode(OpenEnum):
    """What went wrong. The prefix names the stage that raises it."""

    ADDRESS_UNDELIVERABLE = "ingest.address_undeliverable"
    CHANGE_TOO_LATE = "ingest.change_too_late"
    NO_CANDIDATE = "route.no_candidate"
    INSUFFICIENT_BALANCE = "label.insufficient_balance"
    LABEL_FAILED = "label.failed"
    CANCEL_TOO_LATE = "label.cancel_too_late"
    NO_ACCEPTANCE = "track.no_acceptance"
    SILENT = "track.silent"
    DELIVERY_FAILED = "track.delivery_failed"
    DAMAGED = "track.damaged"
    LOST = "track.lost"
    RETURN_TO_SENDER = "track.return_to_sender"
    HELD = "track.held"
    RETURN_REJECTED = "return.rejected"
    RETURN_EXPIRED = "return.expired"
    UNKNOWN = "unknown"


class ExceptionRaised(Event):
    """Something needs attention, or no longer does. Aggregate: the exception; `version` counts its states from 1."""

    TYPE = "linkstar.exception.raised.v1"

    exception_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:#~-]{0,159}$")]
    shipment_id: ShipmentId
    stage: Token
    code: ExceptionCode
    severity: Severity
    party: ResponsibleParty
    detail: Detail
    action: Annotated[str, SafeStr(300)]
    """Recommended action, one sentence."""
    state: ExceptionState
    deadline_at: Instant | None = None
    evidence: Annotated[tuple[Annotated[str, SafeStr(200)], ...], Field(max_length=20, strict=False)] = ()

    @property
    def aggregate_id(self) -> str:
        return self.exception_id


# ---- returns ----------------------------------------------------------------------------------------------------------


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


EVENTS: dict[str, type[Event]] = {
    event.TYPE: event
    for event in (
        OrderSubmitted, OrderChangeRequested, OrderCancelRequested, OrderReceived, OrderChanged, OrderCancelled,
        RouteChosen, LabelCreated, LabelRejected, LabelVoided, CarrierScan, TrackingUpdated, ShipmentUpdated,
        ExceptionRaised, ReturnRequested, ReturnUpdated, SettlementRequested,
    )
}  # fmt: skip
"""Every event class by its CloudEvents type."""
