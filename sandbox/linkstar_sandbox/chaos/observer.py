"""Looks at a running stack once a second: offsets in Kafka and PostgreSQL, epochs, and the services' own counters."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from linkstar_sandbox.replica import Replica

__all__ = ["Observer"]

_PERIOD_S = 1.0
_COUNTERS = re.compile(r"^linkstar_(stage_fenced|claims|stage_bisects|offset_commit_failures)_total ([0-9.e+]+)$", re.M)


class Observer:
    """Samples until cancelled. What cannot be asked just now is left out of the sample, never guessed."""

    def __init__(
        self, bootstrap: str, database_url: str, services: Sequence[str], replicas: Callable[[], Sequence[Replica]],
        path: Path,
    ) -> None:  # fmt: skip
        self._bootstrap, self._database_url, self._services = bootstrap, database_url, services
        self._replicas, self._path = replicas, path
        self._counters: dict[tuple[str, str, int], float] = {}
        self.samples = 0

    def total(self, counter: str) -> int:
        """Sum of a counter over all processes that ever lived, as last seen of each: what a kill took is missing."""
        return int(sum(value for (name, _, _), value in self._counters.items() if name == counter))

    async def run(self) -> None:
        """Look for ever."""
        with self._path.open("a", encoding="utf-8") as file:
            async with httpx.AsyncClient(timeout=1.0) as client:
                while True:
                    await self.scrape(client)
                    sample = await self.sample()
                    if sample is not None:
                        file.write(json.dumps(sample) + "\n")
                        file.flush()
                        self.samples += 1
                    await asyncio.sleep(_PERIOD_S)

    async def scrape(self, client: httpx.AsyncClient) -> None:
        """Read every process's counters."""
        await asyncio.gather(*(self._scrape(client, replica) for replica in self._replicas()))

    async def _scrape(self, client: httpx.AsyncClient, replica: Replica) -> None:
        pid = replica.pid
        with suppress(httpx.HTTPError):
            answer = await client.get(f"{replica.url}/metrics")
            for name, value in _COUNTERS.findall(answer.text):
                self._counters[name, replica.name, pid or 0] = float(value)

    async def sample(self) -> dict[str, Any] | None:
        """Kafka's offsets first, PostgreSQL's after them: then Kafka's may not be ahead. None if one is away."""
        try:
            async with asyncio.timeout(5):
                committed = await self._committed()
                stored, epochs = await self._stored()
        except (KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            return None
        return {"committed": committed, "stored": stored, "epochs": epochs}

    async def _committed(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        try:
            await admin.start()
            for service in self._services:
                offsets = await admin.list_consumer_group_offsets(service)
                found[service] = {f"{p.topic}/{p.partition}": meta.offset for p, meta in offsets.items()}
        finally:
            await admin.close()
        return found

    async def _stored(self) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, int]]]:
        stored: dict[str, dict[str, int]] = defaultdict(dict)
        epochs: dict[str, dict[str, int]] = defaultdict(dict)
        connection = await asyncpg.connect(self._database_url, timeout=3)
        try:
            for service in self._services:
                for row in await connection.fetch(f"SELECT topic, shard, next_offset FROM {service}.stage_offset"):
                    stored[service][f"{row['topic']}/{row['shard']}"] = row["next_offset"]
                for row in await connection.fetch(f"SELECT shard, epoch FROM {service}.stage_shard"):
                    epochs[service][str(row["shard"])] = row["epoch"]
        finally:
            await connection.close()
        return dict(stored), dict(epochs)
