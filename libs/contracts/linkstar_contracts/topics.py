"""Registry of all topics: key, partitions, retention, dead letters, producers and consumers. Everything else (provisioning,
AsyncAPI, manifests, documentation) is generated from here.
"""

from __future__ import annotations

from dataclasses import dataclass

from linkstar_contracts import events as e
from linkstar_contracts.event import Event

__all__ = [
    "CARRIER_SCANS", "EXCEPTIONS_RAISED", "LABELS", "MAX_MESSAGE_BYTES", "ORDERS_INBOUND", "ORDERS_RECEIVED",
    "ORDER_CHANGES", "PARTITIONS", "RETURNS_REQUESTED", "RETURNS_UPDATED", "ROUTES_CHOSEN", "SETTLEMENTS_REQUESTED",
    "SHIPMENTS_CURRENT", "SHIPMENT_ACTIONS", "TOPICS", "TRACKING_UPDATED", "Topic", "topics_of",
]  # fmt: skip

RETENTION_DAYS = (3, 14, 28)
"""The allowed retentions: clear personal data, the working set, and what claims and scorecards look back on."""
PARTITIONS = 12
"""Partitions of every topic: one constant per deployment, so that partition number = shard everywhere."""
_DAY_MS = 24 * 3600 * 1000
MAX_MESSAGE_BYTES = 1024 * 1024
"""Broker-side limit of a record: four times the largest body, so that headers and dead letters always fit."""


@dataclass(frozen=True)
class Topic:
    """One topic. `key` describes the record key; `<name>-dlq` receives copies of what can never be processed."""

    name: str
    description: str
    events: tuple[type[Event], ...]
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    retention_ms: int = 14 * _DAY_MS
    compacted: bool = False
    personal_data: bool = False
    key: str = "<tenant>/<order_id>"
    partitions: int = PARTITIONS
    door: bool = False
    """True when foreign systems publish here: records under a wrong key are re-published once under the right one."""

    @property
    def dlq(self) -> str:
        """Name of the dead-letter topic."""
        return f"{self.name}-dlq"

    def config(self) -> dict[str, str]:
        """Return the broker-side topic settings."""
        policy = {"cleanup.policy": "compact"} if self.compacted else {"retention.ms": str(self.retention_ms)}
        return {"max.message.bytes": str(MAX_MESSAGE_BYTES), **policy}

    def dlq_config(self) -> dict[str, str]:
        """Return the settings of the dead-letter topic: at least 7 days, except where clear personal data stands."""
        retention = self.retention_ms if self.personal_data else max(self.retention_ms, 14 * _DAY_MS)
        return {"max.message.bytes": str(MAX_MESSAGE_BYTES), "retention.ms": str(retention)}


ORDERS_INBOUND = Topic(
    "orders-inbound", "Orders, changes and cancels from upstream systems, consignee in clear.",
    (e.OrderSubmitted, e.OrderChangeRequested, e.OrderCancelRequested), ("upstream",), ("ingest",),
    retention_ms=3 * _DAY_MS, personal_data=True, door=True,
)  # fmt: skip
ORDERS_RECEIVED = Topic(
    "orders-received", "Accepted orders (and return shipments), consignee sealed.",
    (e.OrderReceived,), ("ingest", "returns"), ("router", "returns"),
)  # fmt: skip
ORDER_CHANGES = Topic(
    "order-changes", "Changes and cancels of accepted orders.",
    (e.OrderChanged, e.OrderCancelled), ("ingest",), ("router", "labeler"),
)  # fmt: skip
ROUTES_CHOSEN = Topic(
    "routes-chosen", "The carrier service chosen for a shipment, with price, promise and reasons.",
    (e.RouteChosen,), ("router",), ("labeler",),
)  # fmt: skip
LABELS = Topic(
    "labels", "Labels bought, refused by the carrier, or voided.",
    (e.LabelCreated, e.LabelRejected, e.LabelVoided), ("labeler",), ("ingest", "router", "tracker", "returns"),
)  # fmt: skip
CARRIER_SCANS = Topic(
    "carrier-scans", "Raw carrier scans, resolved to their shipment.",
    (e.CarrierScan,), ("tracker", "upstream"), ("tracker",), door=True,
)  # fmt: skip
TRACKING_UPDATED = Topic(
    "tracking-updated", "Normalised timeline of every shipment.",
    (e.TrackingUpdated,), ("tracker",), ("ingest", "labeler", "returns"), retention_ms=28 * _DAY_MS,
)  # fmt: skip
SHIPMENTS_CURRENT = Topic(
    "shipments-current", "Latest state per shipment, compacted, for late joiners.",
    (e.ShipmentUpdated,), ("tracker",), (), compacted=True, key="<tenant>/<shipment_id>",
)  # fmt: skip
EXCEPTIONS_RAISED = Topic(
    "exceptions-raised", "Everything that needs attention, opened and resolved.",
    (e.ExceptionRaised, e.IncidentRaised), ("ingest", "router", "labeler", "tracker", "returns"), (),
    retention_ms=28 * _DAY_MS,
)  # fmt: skip
SHIPMENT_ACTIONS = Topic(
    "shipment-actions", "What is asked for about parcels under way, the answers, and the rules that fired.",
    (e.ActionRequested, e.ActionAnswered, e.RuleFired), ("tracker", "labeler"), ("labeler", "tracker"),
)  # fmt: skip
RETURNS_REQUESTED = Topic(
    "returns-requested", "Returns asked for by upstream systems.",
    (e.ReturnRequested,), ("upstream",), ("returns",), door=True,
)  # fmt: skip
RETURNS_UPDATED = Topic(
    "returns-updated", "Life of every return.",
    (e.ReturnUpdated,), ("returns",), (), retention_ms=28 * _DAY_MS,
)  # fmt: skip
SETTLEMENTS_REQUESTED = Topic(
    "settlements-requested", "Amounts that labeler, the owner of money, shall post.",
    (e.SettlementRequested,), ("returns",), ("labeler",),
)  # fmt: skip

TOPICS: tuple[Topic, ...] = (
    ORDERS_INBOUND, ORDERS_RECEIVED, ORDER_CHANGES, ROUTES_CHOSEN, LABELS, CARRIER_SCANS, TRACKING_UPDATED,
    SHIPMENTS_CURRENT, EXCEPTIONS_RAISED, SHIPMENT_ACTIONS, RETURNS_REQUESTED, RETURNS_UPDATED, SETTLEMENTS_REQUESTED,
)  # fmt: skip
"""All topics, in the order of an order's life."""


def topics_of(event: type[Event]) -> tuple[Topic, ...]:
    """Return the topics that carry `event`."""
    return tuple(topic for topic in TOPICS if event in topic.events)
