"""The shard of a key is the partition every Kafka client would choose for it."""

from __future__ import annotations

from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as reference
from hypothesis import given
from hypothesis import strategies as st

from linkstar_runtime.shards import murmur2, shard_of


@given(st.binary(max_size=80))
def test_the_hash_is_the_clients(data: bytes) -> None:
    assert murmur2(data) == reference(data)


@given(st.text(max_size=40), st.integers(1, 100))
def test_the_shard_is_the_clients_partition(key: str, count: int) -> None:
    assert shard_of(key, count) == DefaultPartitioner()(key.encode(), list(range(count)), [])
