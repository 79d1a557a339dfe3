"""What the stage needs of a database and of Kafka. Implemented for PostgreSQL and aiokafka, and in memory for simulation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from linkstar_runtime.records import OutboxRow, OutgoingRecord

__all__ = [
    "Advance",
    "BatchTransaction",
    "BrokerUnavailable",
    "Claim",
    "CommitUnknown",
    "Consumer",
    "DeadLetter",
    "Insertion",
    "ProduceFailed",
    "Producer",
    "RawRecord",
    "StageStore",
    "StoreConflict",
    "StoreUnavailable",
]  # fmt: skip


class StoreUnavailable(Exception):
    """The database cannot be reached or used just now; nothing was committed."""


class StoreConflict(Exception):
    """A lock time-out, deadlock or serialization failure: this transaction lost, another one may succeed."""


class CommitUnknown(Exception):
    """The connection broke while COMMIT was under way: all or nothing was committed; the claim will tell."""


class BrokerUnavailable(Exception):
    """Kafka did not answer a question about its logs."""


class ProduceFailed(Exception):
    """A batch was not acknowledged. It may or may not stand in the topic."""


class RawRecord(Protocol):
    """A consumed Kafka record (aiokafka's ConsumerRecord has this shape)."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...
    @property
    def timestamp(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Advance:
    """Move one topic's offset of a shard from `expected` to `new`; refused when it stands elsewhere."""

    shard: int
    topic: str
    expected: int
    new: int


@dataclass(frozen=True, slots=True)
class Claim:
    """Result of claiming a shard: the new epoch, the cluster it was first claimed on, and the next offsets."""

    epoch: int
    cluster_id: str
    offsets: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that can never be processed, with its coded reason. `kind` is `permanent`, `rejected` or `bug`."""

    record: RawRecord
    code: str
    kind: str
    detail: str
    tenant: str | None = None
    trace_id: str | None = None


class Insertion(NamedTuple):
    """An INSERT of the service's own, without RETURNING: one row, or none where it is there already."""

    sql: str
    args: tuple[object, ...]


class BatchTransaction(Protocol):
    """One open transaction of the stage. Leaving its context normally commits; an exception rolls back."""

    @property
    def handle(self) -> Any:
        """What handlers get as `tx`."""

    async def fence(self, epochs: Mapping[int, int], advances: Sequence[Advance]) -> Collection[int]:
        """Lock the shards in order, check their epochs, advance the offsets; return the shards that were refused."""

    async def delete_outbox(self, rows: Collection[tuple[int, int]]) -> None:
        """Delete acknowledged rows by explicit (shard, seq)."""

    async def insert_outbox(self, rows: Sequence[OutboxRow]) -> None:
        """Insert rows in this order and number them; must come after the handler's aggregate locks."""

    async def insert_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Insert dead letters; one that is already there stays."""

    async def visible_outbox(self, shards: Collection[int]) -> list[OutboxRow]:
        """Return all visible rows of these shards in (shard, seq) order."""


class StageStore(Protocol):
    """The stage's tables."""

    async def claim(self, shard: int, owner: str, cluster_id: str, beginnings: Mapping[str, int]) -> Claim:
        """Raise the shard's epoch for `owner` and return its offsets; a new topic starts at its beginning."""

    def batch(self) -> AbstractAsyncContextManager[BatchTransaction]:
        """Open a transaction; raises StoreUnavailable, StoreConflict or CommitUnknown for infrastructure trouble."""

    async def insert(self, insertion: Insertion, rows: Sequence[OutboxRow]) -> bool:
        """Insert a row, and the outbox rows with it, in one statement that commits itself. False when the row was there
        already: nothing is written then.
        """

    async def pending(self, shards: Collection[int]) -> list[OutboxRow]:
        """Return all visible outbox rows of these shards in (shard, seq) order."""

    async def waiting(self, shards: Collection[int]) -> Collection[tuple[int, int]]:
        """Return (shard, seq) of all visible outbox rows of these shards, without their chunks."""

    async def delete_acked(self, epochs: Mapping[int, int], rows: Collection[tuple[int, int]]) -> Collection[int]:
        """Delete acknowledged rows of shards whose epoch still holds; return the shards that were refused."""

    async def notify(self, shards: Collection[int]) -> None:
        """Tell the owners of these shards, in whatever process, that rows wait."""


class Producer(Protocol):
    """Keyed output: one batch to one partition, acknowledged by all replicas or failed."""

    async def send(self, topic: str, partition: int, records: Sequence[OutgoingRecord]) -> None:
        """Return when all records are acknowledged; raise ProduceFailed otherwise."""


class Consumer(Protocol):
    """The assigned partitions of this group member."""

    def assignment(self) -> Collection[tuple[str, int]]: ...
    def seek(self, topic: str, partition: int, offset: int) -> None: ...
    def pause(self, partitions: Collection[tuple[str, int]]) -> None: ...
    def resume(self, partitions: Collection[tuple[str, int]]) -> None: ...
    async def bounds(self, partitions: Collection[tuple[str, int]]) -> dict[tuple[str, int], tuple[int, int]]:
        """Return (beginning, end) offsets; raises BrokerUnavailable."""

    async def reached(self, partitions: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Return up to where each was handed over, markers of transactions included; raises BrokerUnavailable."""

    async def commit(self, offsets: Mapping[tuple[str, int], int]) -> None: ...


@dataclass(slots=True)
class Owned:
    """A hold of a shard by one member: the epoch it claimed and the next offset of each topic."""

    epoch: int
    expected: dict[str, int]
    since: datetime | None = field(default=None)
