"""From a raw record to a typed event, a dead letter, or nothing (a type nobody here subscribed to). Never raises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from linkstar_contracts.event import Event, Head, read_headers
from linkstar_contracts.record import RecordError, parse_body
from linkstar_contracts.topics import Topic
from linkstar_runtime.handling import Received
from linkstar_runtime.ports import DeadLetter, RawRecord
from linkstar_runtime.service import Subscription
from linkstar_runtime.shards import shard_of

__all__ = ["Decoder", "Item"]

REKEYED = "linkstar-rekeyed"
"""Header of a door record that was already re-published once under its right key."""


MAX_HEADERS = 100
MAX_HEADER_BYTES = 64 * 1024
"""Limits of what is re-published: whoever sends a record chooses its headers, and they are compressed on the way in."""


@dataclass(slots=True)
class Item:
    """One consumed record and what became of it: received, dead, re-keyed, or (all None) skipped."""

    record: RawRecord
    subscription: Subscription | None = None
    received: Received[Event] | None = None
    dead: DeadLetter | None = None
    rekeyed: Event | None = None


class Decoder:
    """Decodes the records of one service's subscriptions."""

    def __init__(self, subscriptions: tuple[Subscription, ...], prefix: str, partitions: int) -> None:
        self._topics: dict[str, Topic] = {}
        self._routes: dict[tuple[str, str], tuple[Subscription, type[Event]]] = {}
        self._partitions = partitions
        for subscription in subscriptions:
            name = prefix + subscription.topic.name
            self._topics[name] = subscription.topic
            for event in subscription.events:
                if (name, event.TYPE) in self._routes:
                    raise ValueError(f"two subscriptions for {event.TYPE} on {name}")
                self._routes[name, event.TYPE] = (subscription, event)

    @property
    def topics(self) -> Mapping[str, Topic]:
        """Subscribed topics by physical name."""
        return self._topics

    def decode(self, record: RawRecord) -> Item:
        """Decode one record."""
        head = read_headers(record.headers)
        topic = self._topics[record.topic]
        if head is None:
            return _dead(record, None, "not-cloudevents", "headers are not a CloudEvents 1.0 event with ce_tenant")
        route = self._routes.get((record.topic, head.type))
        if route is None:
            if topic.door and all(head.type != known.TYPE for known in topic.events):
                return _dead(record, head, "unknown-type", f"type {head.type[:100]!r} does not belong on this topic")
            return Item(record)
        subscription, model = route
        if subscription.skips is not None and subscription.skips(head):
            return Item(record)
        return self._typed(record, head, topic, subscription, model)

    def _typed(
        self, record: RawRecord, head: Head, topic: Topic, subscription: Subscription, model: type[Event]
    ) -> Item:
        try:
            event = parse_body(model, record.value, strict=topic.door)
        except RecordError as error:
            code = "size" if error.code in {"record.empty", "record.too_large"} else "invalid"
            return _dead(record, head, code, str(error))
        if event.tenant != head.tenant:
            return _dead(record, head, "tenant-mismatch", "ce_tenant differs from the body's tenant")
        key = event.key
        if record.key != key.encode() or (topic.door and shard_of(key, self._partitions) != record.partition):
            return self._wrong_key(record, head, topic, subscription, event)
        received = Received(event, key, record.partition, record.topic, record.offset, head.traceparent, record.value)
        return Item(record, subscription, received)

    def _shard(self, event: Event) -> int:
        return shard_of(event.key, self._partitions)

    def _wrong_key(self, record: RawRecord, head: Head, topic: Topic, subscription: Subscription, event: Event) -> Item:
        if topic.door and all(name != REKEYED for name, _ in record.headers):
            if _bulky(record):
                return _dead(record, head, "size", "a door record has at most 100 headers with 64 KiB in all")
            return Item(record, subscription, rekeyed=event)
        return _dead(record, head, "wrong-shard", f"record key must be {event.key!r} in partition {self._shard(event)}")


def _bulky(record: RawRecord) -> bool:
    """True when the headers alone could make a record that no topic takes once it is compressed anew."""
    size = sum(len(name) + len(value or b"") for name, value in record.headers)
    return len(record.headers) > MAX_HEADERS or size > MAX_HEADER_BYTES


def _dead(record: RawRecord, head: Head | None, code: str, detail: str) -> Item:
    tenant = head.tenant if head else None
    trace = head.traceparent.split("-")[1] if head and head.traceparent and head.traceparent.count("-") == 3 else None
    return Item(record, dead=DeadLetter(record, code, "permanent", detail, tenant, trace))
