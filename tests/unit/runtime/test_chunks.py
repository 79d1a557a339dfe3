"""Chunks of the outbox: what goes in comes out, byte for byte."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkstar_runtime.records import OutboxRow, OutgoingRecord, Packed, decode_chunk, encode_chunk

PIECE = st.binary(max_size=50)
HEADERS = st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), PIECE), max_size=4)
RECORDS = st.lists(
    st.builds(OutgoingRecord, st.none() | PIECE, st.none() | PIECE, HEADERS, st.integers(-1, 2**62)), max_size=6
)


@given(RECORDS)
def test_a_chunk_gives_back_its_records(records: list[OutgoingRecord]) -> None:
    assert decode_chunk(encode_chunk(records), len(records)) == records


@given(RECORDS)
def test_the_same_records_make_the_same_bytes(records: list[OutgoingRecord]) -> None:
    assert encode_chunk(records) == encode_chunk(decode_chunk(encode_chunk(records), len(records)))


def test_a_row_tells_the_size_of_its_records_not_of_its_compressed_chunk() -> None:
    records = [OutgoingRecord(b"key", b"x" * 10_000, [("name", b"value")], 1)] * 5
    (row,) = OutboxRow.of(3, "topic", 3, [*map(Packed.of, records)], 100_000)
    assert len(row.chunk) < 1_000 < 50_000 <= row.size <= sum(record.size for record in records)


def test_records_that_are_not_at_hand_are_read_from_the_chunk() -> None:
    records = [OutgoingRecord(b"key", b"value", [], 1)]
    stored = OutboxRow(3, 1, "topic", 3, 1, encode_chunk(records))
    (row,) = OutboxRow.of(3, "topic", 3, [*map(Packed.of, records)], 100)
    assert stored.records() == row.records() == records


@given(RECORDS, st.integers(1, 300))
def test_rows_hold_all_records_in_order_and_none_is_larger_than_asked_unless_by_one_record(
    records: list[OutgoingRecord], most: int
) -> None:
    rows = list(OutboxRow.of(3, "topic", 3, [*map(Packed.of, records)], most))
    assert [record for row in rows for record in decode_chunk(row.chunk, row.count)] == records
    assert all(row.count == len(row.records()) == 1 or row.size <= most for row in rows)
    assert all(a.size + b.size > most for a, b in pairwise(rows))


def test_a_chunk_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 1"):
        decode_chunk(b"\x01" + encode_chunk([])[1:], 0)


def test_a_chunk_keeps_its_form() -> None:
    """Bytes as an earlier release stored them, by another library."""
    event = OutgoingRecord(b"key", b'{"a":1}', [("ce_type", b"x"), ("traceparent", b"")], 1_700_000_000_000)
    stored = bytes.fromhex(
        "0339000000f02a94c4036b6579c4077b2261223a317d9292a763655f74797065c4017892ab7472616365706172656e74c400cf0000018bcfe568"
        "0094c0c090ff"
    )
    assert decode_chunk(stored, 2) == [event, OutgoingRecord(None, None, [], -1)]
    assert encode_chunk([event, OutgoingRecord(None, None, [], -1)]) == stored


def test_a_chunk_of_the_release_before_is_read() -> None:
    stored = bytes.fromhex(
        "025d000000f00100000002000000080000018bcfe56800100013ff0100000d00830000000300000007040050010000000b1600032300f00fff"
        "6b65797b2261223a317d63655f74797065787472616365706172656e74"
    )
    event = OutgoingRecord(b"key", b'{"a":1}', [("ce_type", b"x"), ("traceparent", b"")], 1_700_000_000_000)
    assert decode_chunk(stored, 2) == [event, OutgoingRecord(None, None, [], -1)]
