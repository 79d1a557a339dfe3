"""Which shard a key belongs to: Kafka's own default partitioning (murmur2), so that every client agrees."""

from __future__ import annotations

from functools import lru_cache
from struct import unpack_from

__all__ = ["murmur2", "shard_of"]

_SEED, _FACTOR, _WORD = 0x9747B28C, 0x5BD1E995, 0xFFFFFFFF


@lru_cache(maxsize=8_192)
def shard_of(key: str, count: int) -> int:
    """Return the shard (= partition number) of `key` among `count` partitions, equal to the Java client's choice."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % count


def murmur2(data: bytes) -> int:
    """Return Kafka's 32-bit MurmurHash2 of `data`: four bytes at a time, for a door hashes the key of every record."""
    words, rest = divmod(len(data), 4)
    found = _SEED ^ len(data)
    for word in unpack_from(f"<{words}I", data):
        mixed = word * _FACTOR & _WORD
        found = (found * _FACTOR ^ (mixed ^ mixed >> 24) * _FACTOR) & _WORD
    if rest:
        found = (found ^ int.from_bytes(data[-rest:], "little")) * _FACTOR & _WORD
    found = (found ^ found >> 13) * _FACTOR & _WORD
    return found ^ found >> 15
