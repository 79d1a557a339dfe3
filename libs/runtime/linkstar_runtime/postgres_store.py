"""The stage's tables in PostgreSQL. Offsets, state, outbox and dead letters commit in one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import asyncpg

from linkstar_runtime.database import Database, infrastructure_error
from linkstar_runtime.failpoints import afail
from linkstar_runtime.handling import Transaction
from linkstar_runtime.ports import (
    Advance,
    BatchTransaction,
    Claim,
    CommitUnknown,
    DeadLetter,
    Insertion,
    StoreConflict,
    StoreUnavailable,
)  # fmt: skip
from linkstar_runtime.records import OutboxRow, OutgoingRecord, attempts_of, encode_chunk

__all__ = ["PostgresStageStore"]

_CONFLICTS = (
    asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
)  # fmt: skip

_CLAIM = """
INSERT INTO stage_shard AS s (grp, shard, epoch, owner, cluster_id) VALUES ($1, $2, 1, $3, $4)
ON CONFLICT (grp, shard) DO UPDATE SET epoch = s.epoch + 1, owner = $3, claimed_at = now()
RETURNING epoch, cluster_id"""
_NEW_TOPICS = """
INSERT INTO stage_offset (grp, shard, topic, next_offset)
SELECT $1, $2, topic, first FROM unnest($3::text[], $4::bigint[]) AS u(topic, first) ON CONFLICT DO NOTHING"""
_OFFSETS = "SELECT topic, next_offset FROM stage_offset WHERE grp = $1 AND shard = $2 AND topic = ANY($3::text[])"
_LOCK_SHARDS = """
SELECT h.shard FROM stage_shard h JOIN unnest($2::int[], $3::bigint[]) u(shard, epoch) USING (shard, epoch)
WHERE h.grp = $1 ORDER BY h.shard FOR NO KEY UPDATE OF h"""
_ADVANCE = """
UPDATE stage_offset s SET next_offset = u.new, updated_at = now()
FROM unnest($2::int[], $3::text[], $4::bigint[], $5::bigint[]) u(shard, topic, expected, new)
WHERE s.grp = $1 AND s.shard = u.shard AND s.topic = u.topic AND s.next_offset = u.expected
RETURNING s.shard, s.topic"""
_DELETE = "DELETE FROM outbox o USING unnest($2::int[], $3::bigint[]) u(shard, seq) " \
    "WHERE o.grp = $1 AND o.shard = u.shard AND o.seq = u.seq"  # fmt: skip
_INSERT = """
INSERT INTO outbox (grp, shard, target_topic, target_part, n, chunk)
SELECT $1, shard, topic, part, n, chunk
FROM unnest($2::int[], $3::text[], $4::int[], $5::int[], $6::bytea[]) WITH ORDINALITY AS u(shard, topic, part, n, chunk, at)
ORDER BY at RETURNING seq"""
_VISIBLE = """
SELECT shard, seq, target_topic, target_part, n, chunk FROM outbox
WHERE grp = $1 AND shard = ANY($2::int[]) AND seq <> ALL($3::bigint[]) ORDER BY shard, seq"""
_WAITING = "SELECT shard, seq FROM outbox WHERE grp = $1 AND shard = ANY($2::int[])"
_DEAD = """
INSERT INTO dead_letter (grp, topic, part, off, code, class, detail, raw, key, headers, record_ts, tenant, trace_id,
    service_version, first_failed_at, attempts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING"""


_FORGET = """
UPDATE dead_letter SET raw = NULL, headers = NULL, key = NULL
WHERE grp = $1 AND topic = $2 AND raw IS NOT NULL AND first_failed_at < $3"""


_INSERT_WITH = """
WITH inserted AS ({insertion} RETURNING 1), sent AS (
    INSERT INTO outbox (grp, shard, target_topic, target_part, n, chunk)
    SELECT ${0}, shard, topic, part, n, chunk
    FROM unnest(${1}::int[], ${2}::text[], ${3}::int[], ${4}::int[], ${5}::bytea[]) WITH ORDINALITY
        AS u(shard, topic, part, n, chunk, at)
    WHERE EXISTS (SELECT FROM inserted) ORDER BY at)
SELECT EXISTS (SELECT FROM inserted)"""
_NOTIFY = "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)"
"""A notice commits under a lock of the whole server and is worth nothing after a crash: it does not wait for the disk."""


class _PostgresBatch:
    """One open transaction on one connection."""

    def __init__(self, group: str, version: str, transaction: Transaction) -> None:
        self._group, self._version, self._tx = group, version, transaction
        self._own: list[OutboxRow] = []

    @property
    def handle(self) -> Transaction:
        return self._tx

    async def fence(self, epochs: Mapping[int, int], advances: Sequence[Advance]) -> Collection[int]:
        shards = sorted(epochs)
        locked = await self._tx.fetch(_LOCK_SHARDS, self._group, shards, [epochs[shard] for shard in shards])
        refused = set(shards) - {row["shard"] for row in locked}
        if advances and not refused:
            moved = await self._tx.fetch(
                _ADVANCE, self._group, [a.shard for a in advances], [a.topic for a in advances],
                [a.expected for a in advances], [a.new for a in advances],
            )  # fmt: skip
            done = {(row["shard"], row["topic"]) for row in moved}
            refused = {a.shard for a in advances if (a.shard, a.topic) not in done}
        return refused

    async def delete_outbox(self, rows: Collection[tuple[int, int]]) -> None:
        if rows:
            await self._tx.execute(_DELETE, self._group, [shard for shard, _ in rows], [seq for _, seq in rows])

    async def insert_outbox(self, rows: Sequence[OutboxRow]) -> None:
        if not rows:
            return
        numbered = sorted(row["seq"] for row in await self._tx.fetch(_INSERT, self._group, *_columns(rows)))
        self._own += [replace(row, seq=seq) for row, seq in zip(rows, numbered, strict=True)]

    async def insert_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        if letters:
            rows = [_dead_row(self._group, self._version, letter, self._tx.now) for letter in letters]
            await self._tx.connection.executemany(_DEAD, rows)

    async def visible_outbox(self, shards: Collection[int]) -> list[OutboxRow]:
        """What this transaction inserted is at hand, and is not read back."""
        own = [row for row in self._own if row.shard in shards]
        others = await self._tx.fetch(_VISIBLE, self._group, list(shards), [row.seq for row in own])
        return sorted([*(OutboxRow(*row) for row in others), *own], key=lambda row: (row.shard, row.seq))


class PostgresStageStore:
    """`StageStore` over one service's schema."""

    def __init__(self, group: str, version: str, database: Database) -> None:
        self.group, self._version, self._database = group, version, database
        self.channel = f"outbox_{group}".replace("-", "_")[:60]

    async def claim(self, shard: int, owner: str, cluster_id: str, beginnings: Mapping[str, int]) -> Claim:
        async with self._guarded() as tx:
            (row,) = await tx.fetch(_CLAIM, self.group, shard, owner[:200], cluster_id)
            topics = sorted(beginnings)
            await tx.execute(_NEW_TOPICS, self.group, shard, topics, [beginnings[topic] for topic in topics])
            offsets = await tx.fetch(_OFFSETS, self.group, shard, topics)
            return Claim(row["epoch"], row["cluster_id"], {each["topic"]: each["next_offset"] for each in offsets})

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[BatchTransaction]:
        async with self._guarded() as tx:
            yield _PostgresBatch(self.group, self._version, tx)

    async def insert(self, insertion: Insertion, rows: Sequence[OutboxRow]) -> bool:
        first = len(insertion.args) + 1
        sql = _INSERT_WITH.format(*range(first, first + 6), insertion=insertion.sql)
        with _translated():
            async with self._database.acquire() as connection:
                done: bool = await connection.fetchval(sql, *insertion.args, self.group, *_columns(rows))
        return done

    async def pending(self, shards: Collection[int]) -> list[OutboxRow]:
        with _translated():
            async with self._database.acquire() as connection:
                rows = await connection.fetch(_VISIBLE, self.group, list(shards), [])
        return [OutboxRow(*row) for row in rows]

    async def waiting(self, shards: Collection[int]) -> Collection[tuple[int, int]]:
        with _translated():
            async with self._database.acquire() as connection:
                rows = await connection.fetch(_WAITING, self.group, list(shards))
        return [(row["shard"], row["seq"]) for row in rows]

    async def delete_acked(self, epochs: Mapping[int, int], rows: Collection[tuple[int, int]]) -> Collection[int]:
        async with self._guarded() as tx:
            batch = _PostgresBatch(self.group, self._version, tx)
            refused = await batch.fence(epochs, ())
            await batch.delete_outbox([row for row in rows if row[0] not in refused])
            return refused

    async def forget_personal_data(self, topic: str, before: datetime) -> None:
        """Blank the content of dead letters of `topic` that failed before that time; code and place stay.

        For topics whose records hold personal data in clear: a dead letter must not outlive the topic's retention.
        """
        async with self._guarded() as tx:
            await tx.execute(_FORGET, self.group, topic, before)

    async def notify(self, shards: Collection[int]) -> None:
        with _translated():
            async with self._database.acquire() as connection:
                await connection.execute(_NOTIFY, self.channel, ",".join(map(str, shards)))

    @asynccontextmanager
    async def _guarded(self) -> AsyncIterator[Transaction]:
        """A transaction whose errors say what they mean: conflict, unavailable, or an unknown commit."""
        committing = False
        try:
            async with self._database.acquire() as connection:
                transaction = connection.transaction()
                await transaction.start()
                try:
                    yield Transaction(connection, self._database.clock.now())
                except BaseException:
                    await _roll_back(connection, transaction)
                    raise
                committing = True
                await transaction.commit()
                await afail("stage.commit_reply_lost")
                committing = False
        except _CONFLICTS as error:
            raise StoreConflict(str(error)) from error
        except Exception as error:
            if committing and (infrastructure_error(error) or not isinstance(error, asyncpg.PostgresError)):
                raise CommitUnknown(f"{type(error).__name__}: {error}") from error
            if infrastructure_error(error):
                raise StoreUnavailable(f"{type(error).__name__}: {error}") from error
            raise


class _translated:
    """Context: infrastructure errors of a single statement become StoreUnavailable."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None and infrastructure_error(error):
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from error


async def _roll_back(connection: asyncpg.Connection[Any], transaction: Any) -> None:
    """Roll back if the connection still lives; the server does it otherwise."""
    if connection.is_closed():
        return
    try:
        await transaction.rollback()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        connection.terminate()


def _columns(rows: Sequence[OutboxRow]) -> tuple[list[object], ...]:
    return (
        [row.shard for row in rows], [row.topic for row in rows], [row.partition for row in rows],
        [row.count for row in rows], [row.chunk for row in rows],
    )  # fmt: skip


def _text(value: str | None, limit: int) -> str | None:
    """Make any text insertable: no NUL, no lone surrogate, bounded."""
    return None if value is None else value.replace("\x00", "").encode("utf-8", "replace").decode()[:limit]


def _moment(milliseconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _dead_row(group: str, version: str, letter: DeadLetter, now: datetime) -> tuple[object, ...]:
    record = letter.record
    headers = [(name, value or b"") for name, value in record.headers]
    packed = encode_chunk([OutgoingRecord(None, None, headers[:65_000], 0)])
    return (
        group, record.topic, record.partition, record.offset, _text(letter.code, 64), letter.kind,
        _text(letter.detail, 500), record.value, record.key, packed, _moment(record.timestamp),
        _text(letter.tenant, 64), _text(letter.trace_id, 64), version, now,
        attempts_of(headers),
    )  # fmt: skip
