"""Which shard a key belongs to: Kafka's own default partitioning (murmur2), so that every client agrees."""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2

__all__ = ["shard_of"]


@lru_cache(maxsize=65_536)
def shard_of(key: str, count: int) -> int:
    """Return the shard (= partition number) of `key` among `count` partitions, equal to the Java client's choice."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % count)
