"""What is known of a run under faults beyond its topics: input histories, tables, and samples taken while it ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from linkstar_sandbox.reader.evidence import Evidence

__all__ = ["Answer", "DeadLetterRow", "HandedIn", "PoolDay", "RunEvidence", "Sample", "Wallet"]

Place = tuple[str, int, int]
"""(topic, partition, offset)."""


@dataclass(frozen=True, slots=True)
class HandedIn:
    """One record an upstream system published. Without offset its fate is unknown, and it was published again."""

    kind: str
    order_id: str
    partition: int
    offset: int | None
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What LinkStar answered to an HTTP call."""

    kind: str
    order_id: str
    request_id: str
    status: int
    code: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetterRow:
    """A row of a service's dead-letter table."""

    service: str
    topic: str
    partition: int
    offset: int
    code: str


@dataclass(frozen=True, slots=True)
class Wallet:
    """A wallet, and what its ledger legs sum to."""

    tenant: str
    currency: str
    balance_minor: int
    credit_limit_minor: int
    legs_minor: int


@dataclass(frozen=True, slots=True)
class PoolDay:
    """A capacity pool on one day: what counts as used, what the uses sum to, and how many of them no route accounts for."""

    tenant: str
    pool: str
    day: str
    cap: int
    used: int
    taken: int
    astray: int


@dataclass(frozen=True, slots=True)
class Sample:
    """Offsets and epochs at one moment, by service and `topic/partition` or shard; Kafka's were read first."""

    committed: Mapping[str, Mapping[str, int]]
    stored: Mapping[str, Mapping[str, int]]
    epochs: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class RunEvidence:
    """All of it. `samples` in the order they were taken; the last one at rest."""

    topics: Evidence
    handed_in: Sequence[HandedIn] = ()
    answers: Sequence[Answer] = ()
    letters: Sequence[DeadLetterRow] = ()
    requests: frozenset[tuple[str, str, str]] = frozenset()
    """(order id, kind, request id) of every change and cancel ingest has stored."""
    stored_orders: Mapping[str, str] = field(default_factory=dict)
    """State of every order ingest has stored, by order id."""
    versions: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    """Stored version of every aggregate, by (stream, tenant, aggregate id)."""
    decisions: frozenset[tuple[str, str, int]] = frozenset()
    """(tenant, shipment, attempt) of every route the router has stored."""
    labels: frozenset[tuple[str, str, int]] = frozenset()
    """(tenant, shipment, route version) of every label the labeler has stored."""
    scans: frozenset[tuple[str, str, str]] = frozenset()
    """(tenant, shipment, scan id) of every scan the tracker has folded."""
    wallets: Sequence[Wallet] = ()
    pool_days: Sequence[PoolDay] = ()
    samples: Sequence[Sample] = ()
    ends: Mapping[str, int] = field(default_factory=dict)
    """Log end of every `topic/partition`, at rest."""
    outbox_rows: Mapping[str, int] = field(default_factory=dict)
    """Rows left in each service's outbox, at rest."""
