"""Redrive of dead letters: the original bytes go back to the original topic under the same key and event id, so that the
ordinary handler path decides again. A double redrive, and other groups on the topic, are harmless by natural keys.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from linkstar_contracts.event import Headers
from linkstar_runtime.database import Database
from linkstar_runtime.decoding import REKEYED, Decoder
from linkstar_runtime.ports import Producer
from linkstar_runtime.records import ATTEMPTS, OutgoingRecord, StoredRecord, decode_chunk

__all__ = ["Redriven", "Selection", "redrive"]

_SELECT = """
SELECT topic, part, off, code, raw, key, headers, attempts FROM dead_letter
WHERE grp = $1 AND redriven_at IS NULL AND ($2::text IS NULL OR code = $2) AND ($3::text IS NULL OR tenant = $3)
  AND ($4::timestamptz IS NULL OR first_failed_at >= $4) AND ($5::text IS NULL OR topic = $5)
  AND ($6::int IS NULL OR (part = $6 AND off = $7))
ORDER BY topic, part, off LIMIT $8"""
_MARK = """
UPDATE dead_letter SET redriven_at = now()
WHERE grp = $1 AND topic = $2 AND part = $3 AND off = $4"""


@dataclass(frozen=True)
class Selection:
    """Which dead letters: by code, tenant, age, topic or exact place; all that is given must hold."""

    code: str | None = None
    tenant: str | None = None
    since: datetime | None = None
    topic: str | None = None
    place: tuple[int, int] | None = None
    limit: int = 1000


@dataclass(frozen=True)
class Redriven:
    """What became of one selected dead letter: `sent`, `still_invalid`, or `would_send` in a dry run."""

    topic: str
    partition: int
    offset: int
    result: str
    detail: str = ""


async def redrive(
    database: Database, group: str, decoder: Decoder, producer: Producer, chosen: Selection, *, dry_run: bool,
    per_second: float = 200.0,
) -> list[Redriven]:  # fmt: skip
    """Validate each selected letter with today's code, then re-publish it and mark it redriven, at a bounded rate."""
    done: list[Redriven] = []
    partition, offset = chosen.place or (None, None)
    async with database.acquire() as connection:
        rows = await connection.fetch(
            _SELECT, group, chosen.code, chosen.tenant, chosen.since, chosen.topic, partition, offset, chosen.limit
        )
        for row in rows:
            result, detail = _verdict(decoder, row)
            if result == "would_send" and not dry_run:
                headers = [*_headers(row), (ATTEMPTS, str(row["attempts"] + 1).encode())]
                record = OutgoingRecord(row["key"], row["raw"], headers, int(database.clock.wall().timestamp() * 1000))
                await producer.send(row["topic"], row["part"], [record])
                await connection.execute(_MARK, group, row["topic"], row["part"], row["off"])
                result = "sent"
                await asyncio.sleep(1 / per_second)
            done.append(Redriven(row["topic"], row["part"], row["off"], result, detail))
    return done


def _verdict(decoder: Decoder, row: asyncpg.Record) -> tuple[str, str]:
    if row["headers"] is None:
        return "still_invalid", "forgotten: its bytes were deleted once its topic would have forgotten them"
    headers: Sequence[tuple[str, bytes]] = _headers(row)
    record = StoredRecord(row["topic"], row["part"], row["off"], row["key"], row["raw"], tuple(headers))
    item = decoder.decode(record)
    return ("still_invalid", f"{item.dead.code}: {item.dead.detail}") if item.dead else ("would_send", "")


def _headers(row: asyncpg.Record) -> Headers:
    (packed,) = decode_chunk(row["headers"], 1)
    return [
        (name, value)
        for name, value in packed.headers
        if not name.startswith("dlq-") and name not in (REKEYED, ATTEMPTS)
    ]
