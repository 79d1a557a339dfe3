"""Watches a topic from now on and keeps when each record of each partition was made."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from types import TracebackType

from aiokafka import AIOKafkaConsumer, TopicPartition

from linkstar_sandbox.load.generator import PARTITIONS

__all__ = ["Watch"]


class Watch:
    """Use as an async context manager; belongs to no group."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._topic = topic
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="latest"
        )
        self._reading: asyncio.Task[None] | None = None
        self.made_at: dict[int, list[float]] = defaultdict(list)
        """Wall seconds by partition."""

    async def __aenter__(self) -> Watch:
        await self._consumer.start()
        self._consumer.assign([TopicPartition(self._topic, number) for number in range(PARTITIONS)])
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reading:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await self._consumer.stop()

    def flowing(self) -> bool:
        """True once every partition has moved."""
        return len(self.made_at) == PARTITIONS

    async def _read(self) -> None:
        while True:
            for records in (await self._consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    self.made_at[record.partition].append(record.timestamp / 1000)
