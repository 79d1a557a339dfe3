"""Records on their way out: what a chunk in the outbox holds, byte for byte, so that re-emission changes nothing."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import msgspec
from cramjam import lz4

from linkstar_contracts.event import Headers

__all__ = [
    "ATTEMPTS",
    "OutboxRow",
    "OutgoingRecord",
    "Packed",
    "StoredRecord",
    "attempts_of",
    "decode_chunk",
    "encode_chunk",
]

ATTEMPTS = "linkstar-attempts"
"""Header of a redriven record: which attempt this is, so that another failure counts on."""
_VERSION = 3
_NONE = 0xFFFFFFFF
_COUNTS = struct.Struct(">II")
_ARRAY, _ARRAY_32 = struct.Struct(">BI"), 0xDD
"""How MessagePack begins an array: a chunk's records follow one another without it, to be joined as they come."""
_pack = msgspec.msgpack.Encoder().encode


class OutgoingRecord(NamedTuple):
    """One Kafka record: key and value bytes, headers, wall-clock timestamp in milliseconds."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int

    @property
    def size(self) -> int:
        """Approximate encoded size in bytes."""
        headers = sum([8 + len(name) + len(value) for name, value in self.headers])
        return 64 + len(self.key or b"") + len(self.value or b"") + headers


class Packed(NamedTuple):
    """A record and its part of a chunk."""

    record: OutgoingRecord
    packed: bytes

    @classmethod
    def of(cls, record: OutgoingRecord) -> Packed:
        """Return the record with its part."""
        return cls(record, _pack(record))


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
    """One chunk of records for one target partition. `seq`, given by the store, orders the chunks of a shard."""

    shard: int
    seq: int
    topic: str
    partition: int
    count: int
    chunk: bytes
    made: Sequence[OutgoingRecord] | None = field(default=None, compare=False, repr=False)
    """The chunk's records where they are still at hand: in the transaction that made them."""

    @classmethod
    def of(
        cls, shard: int, topic: str, partition: int, records: Sequence[Packed], most_bytes: int
    ) -> Iterator[OutboxRow]:
        """Yield the rows of these records, not yet stored, none larger than that unless by a single record."""
        for begin, end in _parts([len(each.packed) for each in records], most_bytes):
            part = records[begin:end]
            chunk = _chunk([each.packed for each in part])
            yield cls(shard, 0, topic, partition, len(part), chunk, [each.record for each in part])

    def records(self) -> Sequence[OutgoingRecord]:
        """Return the records, read from the chunk unless they are at hand."""
        return decode_chunk(self.chunk, self.count) if self.made is None else self.made

    @property
    def size(self) -> int:
        """Size of the records in bytes, not compressed."""
        return int.from_bytes(self.chunk[1:5], "little")


def attempts_of(headers: Sequence[tuple[str, bytes]]) -> int:
    """Return which attempt a record is: 1 unless it was redriven."""
    found = next((value for name, value in headers if name == ATTEMPTS), b"1")
    return min(int(found), 1_000_000) if found.isdigit() else 1


def _parts(sizes: Iterable[int], most: int) -> Iterator[tuple[int, int]]:
    """Yield from where to where pieces of these sizes go together."""
    begin = end = total = 0
    for size in sizes:
        if begin < end and total + size > most:
            yield begin, end
            begin, total = end, 0
        end, total = end + 1, total + size
    if begin < end:
        yield begin, end


def encode_chunk(records: Iterable[OutgoingRecord]) -> bytes:
    """Encode records: version byte, then, compressed, each record in MessagePack: key, value, headers, timestamp."""
    return _chunk(map(_pack, records))


def _chunk(packed: Iterable[bytes]) -> bytes:
    return bytes((_VERSION,)) + bytes(lz4.compress_block(b"".join(packed)))


def decode_chunk(chunk: bytes, count: int) -> list[OutgoingRecord]:
    """Decode what `encode_chunk` made of so many records, of this version or the one before. Raises ValueError on another
    version.
    """
    if chunk[0] not in _READERS:
        raise ValueError(f"unknown chunk version {chunk[0]}")
    return _READERS[chunk[0]](bytes(lz4.decompress_block(chunk[1:])), count)


def _unpacked(packed: bytes, count: int) -> list[OutgoingRecord]:
    return _unpack(_ARRAY.pack(_ARRAY_32, count) + packed)


def _unpacked_v2(packed: bytes, _count: int) -> list[OutgoingRecord]:
    """Read what earlier releases stored: numbers of records and pieces, per record its timestamp and number of headers,
    the lengths of all pieces, and the pieces: key, value, and name and value of each header.
    """
    count, total = _COUNTS.unpack_from(packed)
    layout = struct.Struct(f">{'qI' * count}{total}I")
    numbers = layout.unpack_from(packed, _COUNTS.size)
    pieces = _pieces(packed, numbers[2 * count :], _COUNTS.size + layout.size)
    return [_record(pieces, *numbers[at : at + 2]) for at in range(0, 2 * count, 2)]


def _pieces(packed: bytes, lengths: Sequence[int], at: int) -> Iterator[bytes | None]:
    for length in lengths:
        end = at if length == _NONE else at + length
        yield None if length == _NONE else packed[at:end]
        at = end


def _record(pieces: Iterator[bytes | None], timestamp_ms: int, count: int) -> OutgoingRecord:
    key, value = next(pieces), next(pieces)
    flat = [piece or b"" for piece in islice(pieces, 2 * count)]
    headers = [(name.decode(), text) for name, text in zip(flat[::2], flat[1::2], strict=True)]
    return OutgoingRecord(key, value, headers, timestamp_ms)


_unpack = msgspec.msgpack.Decoder(list[OutgoingRecord]).decode
_READERS = {2: _unpacked_v2, _VERSION: _unpacked}
