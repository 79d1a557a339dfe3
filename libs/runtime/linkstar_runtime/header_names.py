"""Reads records whose header names are not UTF-8, which aiokafka 0.14 raises for on every poll, for ever.

Kafka's brokers take such records from anyone who may write. Here such a name is read with escapes for its strange bytes,
so that the record reaches the stage like any other: our own headers are ASCII, and one more unknown header changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

__all__ = ["read_any_header_name"]

_LENGTH_END = 12


def read_any_header_name() -> None:
    """Make the consumers of this process read every header name. Costs nothing for records that aiokafka can read."""
    fetcher.MemoryRecords, fetcher.PartitionRecords = _KeptRecords, _ReadableRecords


class _KeptRecords(MemoryRecords):  # type: ignore[misc]
    """Fetched batches that keep their bytes, to be read a second time."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


class _ReadableRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """A partition's records; a batch that cannot be read goes on with the lenient reader where the strict one stopped."""

    next_fetch_offset: int

    def _unpack_records(self) -> Iterator[Any]:
        while True:
            try:
                yield from super()._unpack_records()
                return
            except (UnicodeDecodeError, CorruptRecordException) as error:
                if not isinstance(error.__cause__ or error, UnicodeDecodeError):
                    raise
            batch = _lenient_batch(self._records.data, self.next_fetch_offset)
            for record in batch:
                if record.offset >= self.next_fetch_offset:
                    self.next_fetch_offset = record.offset + 1
                    yield self._consumer_record(self._tp, record)
            self.next_fetch_offset = batch.next_offset


def _lenient_batch(data: bytes, offset: int) -> Any:
    """Return the batch that holds `offset`. aiokafka has checked its checksum already."""
    at = 0
    while True:
        end = at + _LENGTH_END + int.from_bytes(data[at + 8 : at + _LENGTH_END], "big")
        batch = _DefaultRecordBatchPy(data[at:end])
        if offset < batch.next_offset:
            batch._maybe_uncompress()
            batch._buffer = _Lenient(batch._buffer)
            return batch
        at = end


class _Lenient(bytearray):
    """Bytes whose slices decode whatever they hold."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return _Lenient(found) if isinstance(index, slice) else found

    def decode(self, encoding: str = "utf-8", _errors: str = "strict") -> str:
        return super().decode(encoding, "backslashreplace")
