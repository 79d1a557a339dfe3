"""Looks at every process, at the hot tables and at the lag, every few seconds, from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

import asyncpg
import psutil
from aiokafka.errors import KafkaError

from linkstar_runtime.clock import Clock
from linkstar_sandbox.demo.pipeline import Pipeline
from linkstar_sandbox.soak.judgement import Look, ProcessLook, TableLook

__all__ = ["Sampler"]

_TABLES = """
SELECT schemaname || '.' || relname AS name, n_live_tup AS rows, n_dead_tup AS dead,
       pg_total_relation_size(relid) AS size
  FROM pg_stat_user_tables WHERE relname = ANY('{outbox,stage_offset,stage_shard}')"""


class Sampler:
    """Collects looks until cancelled. A look that a fault spoils is left out."""

    def __init__(self, pipeline: Pipeline, pids: Callable[[], Mapping[str, int]], every_s: float = 4.0) -> None:
        self._pipeline, self._pids, self._every_s = pipeline, pids, every_s
        self._clock = Clock()
        self.looks: list[Look] = []

    async def run(self) -> None:
        """Look for ever."""
        while True:
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError, OSError):
                self.looks.append(await self._look())
            await asyncio.sleep(self._every_s)

    async def _look(self) -> Look:
        now = self._clock.monotonic()
        processes = [look for name, pid in self._pids().items() if (look := _process(name, pid, now))]
        reading = await self._pipeline.read()
        outboxes = {name: await self._outbox(name) for name in reading.lags if name != "carriers"}
        tables = [
            TableLook(r["name"], outboxes.get(r["name"].partition(".")[0], 0), r["dead"], r["size"])
            if r["name"].endswith(".outbox") else TableLook(r["name"], r["rows"], r["dead"], r["size"])
            for r in await self._pipeline.fetch(_TABLES)
        ]  # fmt: skip
        return Look(now, processes, tables, sum(reading.lags.values()))

    async def _outbox(self, service: str) -> int:
        return int((await self._pipeline.fetch(f"SELECT count(*) FROM {service}.outbox"))[0][0])


def _process(name: str, pid: int, at: float) -> ProcessLook | None:
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        with process.oneshot():
            return ProcessLook(name, pid, at, process.memory_info().rss, process.num_fds(), process.num_threads())
    return None
