"""Handing out serials from leased blocks: which numbers each shipment gets, and what has to be leased anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Block", "BlockKey", "hand_out", "lease", "shortages"]

BlockKey = tuple[str, int]
"""Carrier and shard."""


@dataclass(slots=True)
class Block:
    """Serials `next_serial … last_serial` that nobody else holds."""

    next_serial: int
    last_serial: int

    @property
    def left(self) -> int:
        """How many serials are left."""
        return self.last_serial - self.next_serial + 1

    def take(self, count: int) -> range:
        """Take up to `count` serials."""
        start = self.next_serial
        self.next_serial = min(start + count, self.last_serial + 1)
        return range(start, self.next_serial)


def shortages(needs: Iterable[tuple[BlockKey, int]], blocks: Mapping[BlockKey, Block]) -> dict[BlockKey, int]:
    """Return how many serials each block lacks for all `needs`, in sorted order."""
    total: Counter[BlockKey] = Counter()
    for key, count in needs:
        total[key] += count
    lacking = {key: count - (blocks[key].left if key in blocks else 0) for key, count in sorted(total.items())}
    return {key: count for key, count in lacking.items() if count > 0}


def lease(lacking: Mapping[BlockKey, int], ranges: Mapping[str, Sequence[Block]], size: int) -> dict[BlockKey, Block]:
    """Cut a block of at least `size` serials for each key out of its carrier's ranges, as far as they reach."""
    leased = {}
    for (carrier, shard), count in lacking.items():
        for source in ranges.get(carrier, ()):
            if source.left:
                serials = source.take(max(size, count))
                leased[carrier, shard] = Block(serials.start, serials.stop - 1)
                break
    return leased


def hand_out(
    needs: Sequence[tuple[BlockKey, int]], blocks: Mapping[BlockKey, Block], leased: Mapping[BlockKey, Block]
) -> list[tuple[int, ...]]:
    """Return serials for each need in order: the old block first, then the new lease; empty where neither suffices."""
    return [_take(count, [pool[key] for pool in (blocks, leased) if key in pool]) for key, count in needs]


def _take(count: int, pools: Sequence[Block]) -> tuple[int, ...]:
    if sum(pool.left for pool in pools) < count:
        return ()
    serials: list[int] = []
    for pool in pools:
        serials.extend(pool.take(count - len(serials)))
    return tuple(serials)
