"""Scans as carriers report them, and the normalised timeline made of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from linkstar_contracts.event import Event, Version
from linkstar_contracts.exception_events import ResponsibleParty
from linkstar_contracts.fields import (
    ShipmentEvent,
    TrackingNumber,
    TrackingNumbers,
)
from linkstar_contracts.text import SafeStr, ShipmentId, Token
from linkstar_contracts.values import (
    Instant,
    OpenEnum,
    Promise,
    Value,
)  # fmt: skip

__all__ = ["LABELLED", "CarrierScan", "Place", "ShipmentUpdated", "TrackingStatus", "TrackingUpdated"]

LABELLED = "labelled"
"""Milestone of a shipment with a label and nothing else."""


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


_WITHOUT_CARRIER = {TrackingStatus.PENDING: LABELLED, TrackingStatus.CANCELLED: "cancelled"}


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


class _Tracking(ShipmentEvent):
    kind: Literal["order", "return"] = "order"
    carrier: Token
    service: Token
    status: TrackingStatus
    """Roll-up over all parcels of the shipment."""
    substatus: Token | None = None
    party: ResponsibleParty = ResponsibleParty.UNSET
    """Who is responsible for what the sub-status tells."""
    accepted: bool = False
    first_attempt: bool = False
    delivered: bool = False
    promise: Promise | None = None
    deliver_by: Instant | None = None
    test: bool = False


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

    @property
    def milestone(self) -> str:
        """`labelled` before any scan, `accepted` from a carrier's first parcel on, `delivered` with the last one.

        `cancelled` when no carrier will get it; empty for what is none of these.
        """
        if self.delivered:
            return "delivered"
        return "accepted" if self.accepted else _WITHOUT_CARRIER.get(self.status, "")


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
