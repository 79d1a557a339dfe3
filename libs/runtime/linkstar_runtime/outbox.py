"""Turns a batch's events and dead letters into outbox rows: one row per shard and target, split only by size."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from linkstar_contracts.event import MAX_EVENT_BYTES, Event, Headers
from linkstar_contracts.topics import Topic
from linkstar_runtime.bodies import body_of
from linkstar_runtime.metrics import EVENTS_OUT, OfType
from linkstar_runtime.ports import DeadLetter
from linkstar_runtime.records import OutboxRow, OutgoingRecord, Packed, attempts_of
from linkstar_runtime.shards import shard_of

__all__ = ["MAX_CHUNK_BYTES", "EventTooLarge", "Outbox", "UnknownTarget"]

MAX_CHUNK_BYTES = 450 * 1024
"""Below the producer's batch size (512 KiB) less 10 %, so that a committed chunk can always be sent."""

MAX_COPY_BYTES = 900 * 1024
"""Largest dead-letter copy that a topic accepts; of a larger record only the reason is copied, the row keeps all."""


MAX_COPY_HEADERS = 1_000
"""Most headers a dead-letter copy carries; of a record with more, only the reason is copied, the row keeps them."""


class EventTooLarge(ValueError):
    """An event exceeds 256 KiB encoded; it must not be committed, because it could never be sent."""


class UnknownTarget(LookupError):
    """A handler returned an event that the service does not declare in `emits`."""


class Outbox:
    """Collects outgoing records of one transaction."""

    def __init__(self, source: str, emits: Iterable[Topic], prefix: str, partitions: int, timestamp_ms: int) -> None:
        self._source, self._prefix, self._partitions = source, prefix, partitions
        self._targets = {event.TYPE: prefix + topic.name for topic in emits for event in topic.events}
        self._timestamp_ms = timestamp_ms
        self._records: dict[tuple[int, str, int], list[Packed]] = defaultdict(list)
        self._types: Counter[str] = Counter()

    def add(self, event: Event, traceparent: str | None = None, body: bytes | None = None) -> None:
        """File `event` under the shard of its order; its target partition is that shard. Its trace goes with it, and its
        `body` where it is written already.
        """
        target = self._targets.get(event.TYPE)
        if target is None:
            raise UnknownTarget(f"{event.TYPE} is not emitted by {self._source}")
        body = body_of(event) if body is None else body
        if len(body) > MAX_EVENT_BYTES:
            raise EventTooLarge(f"{event.TYPE} has {len(body)} bytes, {MAX_EVENT_BYTES} are allowed")
        shard = shard_of(f"{event.tenant}/{event.order_id}", self._partitions)
        headers = event.headers(self._source, traceparent)
        self._put(shard, target, shard, OutgoingRecord(event.key.encode(), body, headers, self._timestamp_ms))
        self._types[event.TYPE] += 1

    def add_rekeyed(self, letter_shard: int, topic: str, event: Event, body: bytes, headers: Headers) -> None:
        """Re-publish a door record once under its right key, in the shard it came from."""
        partition = shard_of(event.key, self._partitions)
        self._put(letter_shard, topic, partition, OutgoingRecord(event.key.encode(), body, headers, self._timestamp_ms))

    def add_dead_letter(self, letter: DeadLetter, service: str, failed_at: str) -> None:
        """Copy a dead letter to `<topic>-dlq`: bytes and key as received, `dlq-*` headers replaced, never appended."""
        record = letter.record
        added: Mapping[str, str] = {
            "dlq-code": letter.code,
            "dlq-class": letter.kind,
            "dlq-service": service,
            "orig-topic": record.topic,
            "orig-partition": str(record.partition),
            "orig-offset": str(record.offset),
            "orig-timestamp": str(record.timestamp),
            "first-failed-at": failed_at,
            "attempts": str(attempts_of(record.headers)),
            "trace-id": letter.trace_id or "",
            "tenant": letter.tenant or "",
        }
        kept = [(name, value or b"") for name, value in record.headers if name not in added]
        marks = [(name, value.encode()) for name, value in added.items()]
        copy = OutgoingRecord(record.key, record.value, marks + kept, self._timestamp_ms)
        if copy.size > MAX_COPY_BYTES or len(kept) > MAX_COPY_HEADERS:
            copy = OutgoingRecord(None, None, [*marks, ("dlq-truncated", b"1")], self._timestamp_ms)
        self._put(record.partition, f"{record.topic}-dlq", record.partition, copy)

    def _put(self, shard: int, topic: str, partition: int, record: OutgoingRecord) -> None:
        self._records[shard, topic, partition].append(Packed.of(record))

    def count(self) -> None:
        """After the commit: count the events that are now certain to go out."""
        for name, number in self._types.items():
            EVENTS_OUT.inc(OfType(name), number)

    def rows(self) -> list[OutboxRow]:
        """Return the rows to store, ordered by shard; large groups are split by size."""
        return [
            row
            for (shard, topic, partition), records in sorted(self._records.items(), key=lambda entry: entry[0][0])
            for row in OutboxRow.of(shard, topic, partition, records, MAX_CHUNK_BYTES)
        ]
