"""What LinkStar's spans are called and carry: OpenTelemetry's semantic conventions 1.44. Those of messaging are still in
development, so their names stand only here.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.trace import Span, Status, StatusCode

from linkstar_contracts import topics
from linkstar_contracts.event import Event
from linkstar_contracts.topics import TOPICS
from linkstar_runtime.handling import Received

__all__ = ["DOORS", "FOLLOW_UPS", "TOPIC_OF", "batch_attributes", "create_attributes", "fail_span", "record_attributes"]

TOPIC_OF = {event: topic.name for topic in TOPICS for event in topic.events}
DOORS = frozenset(event for topic in TOPICS if topic.door for event in topic.events)
"""Events of foreign systems: without a trace of their own they start one."""
FOLLOW_UPS = frozenset(
    event
    for topic in (
        topics.CARRIER_SCANS, topics.TRACKING_UPDATED, topics.SHIPMENTS_CURRENT, topics.EXCEPTIONS_RAISED,
        topics.SHIPMENT_ACTIONS, topics.RETURNS_REQUESTED, topics.RETURNS_UPDATED, topics.SETTLEMENTS_REQUESTED,
    )
    for event in topic.events
)  # fmt: skip
"""Events that come long after the label: they are linked to the order's trace, not part of it."""


def _operation(name: str, destination: str) -> dict[str, Any]:
    kind = "send" if name == "send" else name
    named = {"messaging.destination.name": destination} if destination else {}
    return {"messaging.system": "kafka", "messaging.operation.name": name, "messaging.operation.type": kind} | named


def batch_attributes(operation: str, destination: str, count: int, group: str = "") -> dict[str, Any]:
    """Return the attributes of a span over many records."""
    of_group = {"messaging.consumer.group.name": group} if group else {}
    return _operation(operation, destination) | of_group | {"messaging.batch.message_count": count}


def record_attributes(item: Received[Any], group: str) -> dict[str, Any]:
    """Return the attributes of the span that processes one record."""
    return _operation("process", topic_of(item)) | {
        "messaging.consumer.group.name": group,
        "messaging.destination.partition.id": str(item.shard),
        "messaging.kafka.offset": item.offset,
        "messaging.kafka.message.key": item.key,
        "messaging.message.id": item.event.ce_id,
    }


def create_attributes(event: Event) -> dict[str, Any]:
    """Return the attributes of the span that makes one event."""
    return _operation("create", TOPIC_OF.get(type(event), "")) | {
        "messaging.kafka.message.key": event.key,
        "messaging.message.id": event.ce_id,
    }


def topic_of(item: Received[Any]) -> str:
    """Return the topic a record came from, or would have come from."""
    return item.topic or TOPIC_OF.get(type(item.event), "")


def fail_span(span: Span, error_type: str) -> None:
    """Mark a span as failed: a type or code, never a message."""
    span.set_attribute("error.type", error_type)
    span.set_status(Status(StatusCode.ERROR))
