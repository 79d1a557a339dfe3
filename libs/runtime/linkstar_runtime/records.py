"""Records on their way out: what a chunk in the outbox holds, byte for byte, so that re-emission changes nothing."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from linkstar_contracts.event import Headers

__all__ = ["ATTEMPTS", "OutboxRow", "OutgoingRecord", "StoredRecord", "attempts_of", "decode_chunk", "encode_chunk"]

ATTEMPTS = "linkstar-attempts"
"""Header of a redriven record: which attempt this is, so that another failure counts on."""
_VERSION = 1
_LENGTH = struct.Struct(">I")
_HEAD = struct.Struct(">qH")


@dataclass(frozen=True, slots=True)
class OutgoingRecord:
    """One Kafka record: key and value bytes, headers, wall-clock timestamp in milliseconds."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int

    @property
    def size(self) -> int:
        """Approximate encoded size in bytes."""
        return 64 + len(self.key or b"") + len(self.value or b"") + sum(len(n) + len(v) + 8 for n, v in self.headers)


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A consumed record that does not come from the client library: read back from a table, or from memory."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp: int = 0


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One committed chunk of records for one target partition. `seq` orders the chunks of a shard."""

    shard: int
    seq: int
    topic: str
    partition: int
    count: int
    chunk: bytes


def _piece(data: bytes | None) -> bytes:
    return _LENGTH.pack(0xFFFFFFFF) if data is None else _LENGTH.pack(len(data)) + data


def attempts_of(headers: Sequence[tuple[str, bytes]]) -> int:
    """Return which attempt a record is: 1 unless it was redriven."""
    found = next((value for name, value in headers if name == ATTEMPTS), b"1")
    return min(int(found), 1_000_000) if found.isdigit() else 1


def encode_chunk(records: Iterable[OutgoingRecord]) -> bytes:
    """Encode records: version byte, then per record timestamp, header count, key, value, headers, all length-prefixed."""
    parts = [bytes((_VERSION,))]
    for record in records:
        parts += (_HEAD.pack(record.timestamp_ms, len(record.headers)), _piece(record.key), _piece(record.value))
        for name, value in record.headers:
            parts += (_piece(name.encode()), _piece(value))
    return b"".join(parts)


def decode_chunk(chunk: bytes) -> Iterator[OutgoingRecord]:
    """Decode what `encode_chunk` made. Raises ValueError on another version."""
    if chunk[0] != _VERSION:
        raise ValueError(f"unknown chunk version {chunk[0]}")
    at, end = 1, len(chunk)

    def piece() -> bytes | None:
        nonlocal at
        (length,) = _LENGTH.unpack_from(chunk, at)
        at += 4
        if length == 0xFFFFFFFF:
            return None
        at += length
        return chunk[at - length : at]

    while at < end:
        timestamp_ms, count = _HEAD.unpack_from(chunk, at)
        at += _HEAD.size
        key, value = piece(), piece()
        headers = [((piece() or b"").decode(), piece() or b"") for _ in range(count)]
        yield OutgoingRecord(key, value, headers, timestamp_ms)
