"""Writing to Kafka at the least cost: one closed batch per partition, partitions side by side, acks=all."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any

from aiokafka import AIOKafkaProducer

from linkstar_contracts.event import Headers
from linkstar_runtime.clock import Clock
from linkstar_runtime.kafka import CODEC

__all__ = ["PartitionWriter", "WireRecord"]

MAX_BATCH_BYTES = 512 * 1024

WireRecord = tuple[int, bytes | None, bytes | None, Headers]
"""Partition, key, value, headers."""


class PartitionWriter:
    """An idempotent producer that is told the partition of every record. Order per partition is kept."""

    def __init__(self, bootstrap: str, clock: Clock) -> None:
        self._clock = clock
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=5,
            max_batch_size=MAX_BATCH_BYTES, compression_type=CODEC,
        )  # fmt: skip

    async def __aenter__(self) -> PartitionWriter:
        await self._producer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def write(self, topic: str, records: Iterable[WireRecord]) -> None:
        """Return when every record is acknowledged."""
        parts: dict[int, list[WireRecord]] = defaultdict(list)
        for record in records:
            parts[record[0]].append(record)
        await asyncio.gather(*(self._write_part(topic, part, records) for part, records in parts.items()))

    async def _write_part(self, topic: str, partition: int, records: Sequence[WireRecord]) -> None:
        for batch in self._batches(records):
            await (await self._producer.send_batch(batch, topic, partition=partition))

    def _batches(self, records: Sequence[WireRecord]) -> list[Any]:
        at = int(self._clock.wall().timestamp() * 1000)
        batches = [self._producer.create_batch()]
        for _, key, value, headers in records:
            if batches[-1].append(timestamp=at, key=key, value=value, headers=headers) is None:
                batches.append(self._producer.create_batch())
                batches[-1].append(timestamp=at, key=key, value=value, headers=headers)
        for batch in batches:
            batch.close()
        return batches
