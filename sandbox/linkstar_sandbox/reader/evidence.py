"""What the reader found, as plain facts; the checks are functions of this and of nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

__all__ = ["Evidence", "ExpectedOrder", "Leg", "Record", "Refusal", "StoredLabel", "TrueParcel", "TrueScan", "instant"]

Shipment = tuple[str, str]
"""(tenant, shipment id)."""


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record. `type`, `id`, `version` and `subject` are what its headers claim."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes
    type: str = ""
    id: str = ""
    version: int = 0
    tenant: str = ""
    subject: str = ""
    traceparent: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """All of them, as text."""

    @property
    def shipment(self) -> Shipment:
        """The shipment the record speaks of."""
        return self.tenant, self.body.get("shipment_id") or self.body.get("return_id") or self.body.get("order_id", "")

    @property
    def order(self) -> Shipment:
        """The root order."""
        return self.tenant, self.body.get("order_id", "")


@dataclass(frozen=True, slots=True)
class ExpectedOrder:
    """One order that was handed in, and what had to become of it."""

    order_id: str
    door: str
    outcome: str
    row: int = 0
    code: str | None = None
    flaw: str | None = None
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row of a file that was refused, by name."""

    door: str
    row: int
    order_id: str
    code: str


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg of a ledger posting."""

    posting_id: str
    account: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class StoredLabel:
    """A label as the labeler's table holds it."""

    tenant: str
    shipment_id: str
    route_version: int
    active: bool


@dataclass(frozen=True, slots=True)
class TrueScan:
    """A scan that truly happened. `taken`: LinkStar answered that it has it."""

    code: str
    at: datetime
    meaning: str
    taken: bool
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class TrueParcel:
    """A parcel as its carrier knows it."""

    tenant: str
    order_id: str
    shipment_id: str
    route_version: int
    parcel: int
    tracking_number: str
    carrier: str
    kind: str
    fate: str
    delivered_at: datetime | None
    voided: bool
    scans: tuple[TrueScan, ...] = ()

    @property
    def all_told(self) -> bool:
        """True when LinkStar has every scan of the parcel."""
        return all(scan.taken for scan in self.scans)


@dataclass
class Evidence:
    """All of it."""

    expected: Sequence[ExpectedOrder] = ()
    records: Sequence[Record] = ()
    """Of all topics, each partition in offset order; `topic` without prefix."""
    refusals: Sequence[Refusal] = ()
    legs: Sequence[Leg] = ()
    labels: Sequence[StoredLabel] = ()
    parcels: Sequence[TrueParcel] = ()
    partitions: int = 12
    """Partitions of every topic."""

    @cached_property
    def _by_topic(self) -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = defaultdict(list)
        for record in self.records:
            found[record.topic].append(record)
        return found

    def on(self, topic: str) -> list[Record]:
        """Return the records of one topic."""
        return self._by_topic.get(topic, [])

    def of(self, topic: str, event: str) -> Iterator[Record]:
        """Yield the events of one type, such as `label.created`, on one topic."""
        return (record for record in self.on(topic) if record.type == f"linkstar.{event}.v1")

    def newest(self, topic: str, event: str) -> dict[Shipment, Record]:
        """Return the event of the highest version per shipment."""
        return _newest(self.of(topic, event), lambda record: record.shipment)

    @cached_property
    def dead_letters(self) -> list[Record]:
        """Records of all dead-letter topics."""
        return [record for record in self.records if record.topic.endswith("-dlq")]

    @cached_property
    def exceptions(self) -> dict[Shipment, Record]:
        """Newest state of each exception by (tenant, exception id)."""
        raised = self.of("exceptions-raised", "exception.raised")
        return _newest(raised, lambda record: (record.tenant, record.body["exception_id"]))

    def open_exceptions(self) -> dict[Shipment, set[str]]:
        """Return the codes of unresolved exceptions by shipment."""
        found: dict[Shipment, set[str]] = defaultdict(set)
        for record in self.exceptions.values():
            if record.body["state"] != "resolved":
                found[record.shipment].add(record.body["code"])
        return found


def _newest(records: Iterable[Record], key: Any) -> dict[Shipment, Record]:
    found: dict[Shipment, Record] = {}
    for record in records:
        identity = key(record)
        if identity not in found or found[identity].version <= record.version:
            found[identity] = record
    return found


def instant(text: str) -> datetime:
    """Read an RFC 3339 time, to the second, as UTC."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0)
