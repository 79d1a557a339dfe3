"""Deliberately broken builds: `python -m linkstar_sandbox.chaos.mutants NAME MODULE ARGUMENTS…` runs a service with the
product's own classes patched before it starts. The product has no switch for it.
"""

from __future__ import annotations

import runpy
import sys
from collections import defaultdict
from collections.abc import Callable, Collection
from contextvars import ContextVar
from typing import Any

from linkstar_runtime import batch, postgres_store
from linkstar_runtime.records import OutboxRow

__all__ = ["MUTANTS", "main"]


def own_chunk_only() -> None:
    """After its commit a batch emits only the rows it wrote itself, not all that are visible."""

    async def visible_outbox(self: Any, shards: Collection[int]) -> list[OutboxRow]:
        return [row for row in self._own if row.shard in shards]

    postgres_store._PostgresBatch.visible_outbox = visible_outbox  # type: ignore[method-assign]


def publish_before_commit() -> None:
    """A batch publishes its events inside its transaction, before anybody knows whether it will commit."""
    transaction, runner = postgres_store._PostgresBatch, batch.BatchRunner
    visible, run = transaction.visible_outbox, runner.run
    running: ContextVar[Any] = ContextVar("running")

    async def noted_run(self: Any, work: Any) -> Any:
        running.set(self)
        return await run(self, work)

    async def visible_outbox(self: Any, shards: Collection[int]) -> list[OutboxRow]:
        rows = await visible(self, shards)
        emitter = running.get()._emitter
        by_shard: dict[int, list[OutboxRow]] = defaultdict(list)
        for row in rows:
            by_shard[row.shard].append(row)
        for shard, waiting in by_shard.items():
            async with emitter.lock(shard):
                await emitter.emit(shard, waiting)
        return rows

    runner.run = noted_run  # type: ignore[method-assign]
    transaction.visible_outbox = visible_outbox  # type: ignore[method-assign]


MUTANTS: dict[str, Callable[[], None]] = {
    "own_chunk_only": own_chunk_only, "publish_before_commit": publish_before_commit,
}  # fmt: skip
"""Each must be caught by the checker."""


def main() -> None:
    """Break the product as named and run the module as its own command would."""
    name, module, *arguments = sys.argv[1:]
    MUTANTS[name]()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
