"""Header names that are not UTF-8: read with escapes, in plain and compressed batches; other damage still raises."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from aiokafka import TopicPartition
from aiokafka.codec import gzip_encode, lz4_encode
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from linkstar_runtime.header_names import _KeptRecords, _ReadableRecords

HEAD = 61
CODECS: dict[int, Callable[[bytes], bytes]] = {0: bytes, 1: gzip_encode, 3: lz4_encode}


def batch(
    first: int, *names: str, codec: int = 0, damage: tuple[bytes, bytes] = (b"XX-name", b"\xff\xfe-name")
) -> bytes:
    """Records `first`, `first + 1`, … each with one header of the given name."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1_000_000)
    for delta, name in enumerate(names):
        builder.append(delta, 1_000, b"key", b"value-%d" % (first + delta), [(name, b"sense")])
    raw = bytes(builder.build()).replace(*damage)
    whole = bytearray(raw[:HEAD] + CODECS[codec](raw[HEAD:]))
    struct.pack_into(">qi", whole, 0, first, len(whole) - 12)
    struct.pack_into(">h", whole, 21, codec)
    struct.pack_into(">I", whole, 17, calc_crc32c(bytes(whole[21:])))
    return bytes(whole)


def read(data: bytes, start: int = 0) -> list[tuple[int, bytes, str]]:
    records = _ReadableRecords(TopicPartition("t", 0), _KeptRecords(data), [], start, None, None, True, 0)
    return [(record.offset, record.value, record.headers[0][0]) for record in records]


@pytest.mark.parametrize("codec", CODECS)
def test_every_record_is_read_once_and_in_order(codec: int) -> None:
    middle = batch(2, "c", "XX-name", "d", "XX-name", codec=codec)
    end = batch(6, "XX-name") + batch(7, "e", codec=codec)
    strange = "\\xff\\xfe-name"
    names = ["a", "b", "c", strange, "d", strange, strange, "e"]
    found = read(batch(0, "a", "b") + middle + end)
    assert found == [(offset, b"value-%d" % offset, name) for offset, name in enumerate(names)]
    assert [offset for offset, _, _ in read(middle + end, 4)] == [4, 5, 6, 7]


def test_a_broken_checksum_is_never_read_over() -> None:
    data = bytearray(batch(0, "XX-name"))
    data[-1] ^= 1
    with pytest.raises(CorruptRecordException, match="CRC"):
        read(bytes(data))


def test_a_broken_record_is_never_read_over() -> None:
    with pytest.raises(CorruptRecordException):
        read(batch(0, "XX-name", damage=(b"\x0eXX-name", b"\x7fXX-name")))
