"""The one emission rule, for batch, sweep, HTTP writers and claim alike: under the shard's lock take all visible,
un-acknowledged rows of the shard in `seq` order, never only one's own; stop at the first failure.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import groupby

from linkstar_runtime.failpoints import afail
from linkstar_runtime.outbox import MAX_CHUNK_BYTES
from linkstar_runtime.ports import ProduceFailed, Producer
from linkstar_runtime.records import OutboxRow, OutgoingRecord
from linkstar_runtime.telemetry import Telemetry

__all__ = ["Emitter"]


class Emitter:
    """Sends outbox rows of owned shards and remembers which are acknowledged and not yet deleted."""

    def __init__(self, producer: Producer, telemetry: Telemetry) -> None:
        self._producer, self._telemetry = producer, telemetry
        self._locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._acked: dict[int, set[int]] = defaultdict(set)

    def lock(self, shard: int) -> asyncio.Lock:
        """The emission lock of a shard: whoever reads rows in order to emit them holds it from the read on."""
        return self._locks[shard]

    def acked(self, shards: Collection[int]) -> set[tuple[int, int]]:
        """Return the (shard, seq) that may be deleted."""
        return {(shard, seq) for shard in shards for seq in self._acked[shard]}

    def forget(self, rows: Collection[tuple[int, int]]) -> None:
        """Rows that were deleted (the deletion is committed) need not be remembered."""
        for shard, seq in rows:
            self._acked[shard].discard(seq)

    async def emit(self, shard: int, rows: Sequence[OutboxRow], deleted: Collection[tuple[int, int]] = ()) -> bool:
        """Send these rows, minus those acknowledged or just deleted. The caller holds `lock(shard)`.

        Targets run side by side, the rows of one target strictly one after the other. False when anything failed: the
        caller then releases the shard, and the next claim drains what is left.
        """
        acked = self._acked[shard]
        waiting = [row for row in rows if row.seq not in acked and (shard, row.seq) not in deleted]
        if not waiting:
            return True
        by_target = sorted(waiting, key=lambda row: (row.topic, row.partition, row.seq))
        groups = [list(group) for _, group in groupby(by_target, key=lambda row: (row.topic, row.partition))]
        done = await asyncio.gather(*(self._send_target(shard, group) for group in groups))
        await afail("stage.after_ack")
        return all(done)

    async def _send_target(self, shard: int, rows: list[OutboxRow]) -> bool:
        for batch in _packed(rows):
            records = [record for row in batch for record in row.records()]
            try:
                with self._telemetry.sending(batch[0].topic, _traceparents(records)):
                    await self._producer.send(batch[0].topic, batch[0].partition, records)
            except ProduceFailed:
                return False
            self._acked[shard].update(row.seq for row in batch)
        return True


def _traceparents(records: Sequence[OutgoingRecord]) -> list[str]:
    """Return the traces of those records that have one; it is the last header. Thousands are asked at a time."""
    last = [headers[-1] for _, _, headers, _ in records if headers]
    return [value.decode("ascii", "replace") for name, value in last if name == "traceparent"]


def _packed(rows: list[OutboxRow]) -> list[list[OutboxRow]]:
    """Join neighbouring rows while they fit into one produce batch."""
    batches: list[list[OutboxRow]] = []
    size = 0
    for row in rows:
        if batches and size + row.size <= MAX_CHUNK_BYTES:
            batches[-1].append(row)
            size += row.size
        else:
            batches.append([row])
            size = row.size
    return batches
