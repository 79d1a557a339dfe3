"""The pipeline seen from outside while it runs: records per topic, and how far each service is behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from linkstar_sandbox.topic_log import all_partitions

__all__ = ["Pipeline", "Reading"]

SIMULATOR_GROUP = "carrier-simulator"


@dataclass(frozen=True)
class Reading:
    """One look: records on each topic, and unprocessed records of each reader."""

    topics: Mapping[str, int] = field(default_factory=dict)
    lags: Mapping[str, int] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        """True when nobody is behind."""
        return not any(self.lags.values())


class Pipeline:
    """Asks the broker for log ends, PostgreSQL for the stages' positions. Use as an async context manager."""

    def __init__(self, bootstrap: str, database_url: str, services: Iterable[str]) -> None:
        self._bootstrap, self._services = bootstrap, tuple(services)
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        self._database_url = database_url
        self._partitions: list[TopicPartition] = []
        self._database: asyncpg.Connection[Any] | None = None

    async def __aenter__(self) -> Pipeline:
        await self._consumer.start()
        await self._admin.start()
        self._partitions = await all_partitions(self._bootstrap)
        self._database = await asyncpg.connect(self._database_url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()
        await self._admin.close()
        if self._database:
            await self._database.close()

    async def read(self) -> Reading:
        """Look once."""
        positions = await self._positions()
        ends = await self._ends()
        lags = {
            reader: sum(max(0, ends.get(place, 0) - offset) for place, offset in offsets.items())
            for reader, offsets in positions.items()
        }
        topics: Counter[str] = Counter()
        for place, end in ends.items():
            topics[place.topic] += end
        return Reading(topics, lags)

    async def _ends(self) -> dict[TopicPartition, int]:
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(self._partitions)
        return ends

    async def _positions(self) -> dict[str, dict[TopicPartition, int]]:
        found = {}
        for service in self._services:
            rows = await self.fetch(f"SELECT topic, shard, next_offset FROM {service}.stage_offset")
            found[service] = {TopicPartition(row["topic"], row["shard"]): row["next_offset"] for row in rows}
        committed = await self._admin.list_consumer_group_offsets(SIMULATOR_GROUP)
        found["carriers"] = {place: meta.offset for place, meta in committed.items() if meta.offset >= 0}
        return found

    async def fetch(self, sql: str) -> list[asyncpg.Record]:
        """Run a query on the stack's database."""
        if self._database is None:
            raise RuntimeError("the pipeline is not open")
        return await self._database.fetch(sql)
