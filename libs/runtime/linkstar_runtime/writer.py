"""Writers that are not a batch: HTTP commands and workers. They call the same handler functions in a transaction of their
own; the outbox rows are filed under the shard of their key, and only that shard's owner emits them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence, Set
from dataclasses import dataclass
from typing import Any

from linkstar_contracts.event import Event
from linkstar_runtime.batch import BatchRunner, TraceparentFor
from linkstar_runtime.failpoints import afail
from linkstar_runtime.handling import Handler, Outcome, Received, Reject
from linkstar_runtime.ports import Insertion, StageStore, StoreConflict, StoreUnavailable
from linkstar_runtime.shards import shard_of
from linkstar_runtime.telemetry import Telemetry

__all__ = ["Submitted", "Writer"]

Work = Callable[[Any], Awaitable[Sequence[Outcome]]]
ATTEMPTS = 5
"""A transaction that loses a deadlock or serialization race is run again this often."""


@dataclass(frozen=True)
class Submitted:
    """What a command led to: events now committed, and inputs that were refused."""

    events: Sequence[Event]
    rejects: Sequence[Reject]


class Writer:
    """Runs commands of one service. `kick` wakes the local sweep where rows of an `owned` shard were written; owners
    elsewhere are told after the commit, and no answer waits for that.
    """

    def __init__(
        self,
        group: str,
        runner: BatchRunner,
        store: StageStore,
        telemetry: Telemetry,
        partitions: int,
        kick: Callable[[], None],
        owned: Callable[[], Collection[int]] = frozenset,
    ) -> None:  # fmt: skip
        self._runner, self._store, self._telemetry, self._partitions = runner, store, telemetry, partitions
        self._group = group
        self._kick, self._owned = kick, owned
        self._untold: set[int] = set()
        self._telling: asyncio.Task[None] | None = None

    async def submit(self, handler: Handler, events: Sequence[Event], traceparent: str | None = None) -> Submitted:
        """Hand `events` to a stage handler as if they had come by Kafka; all are committed together or none.

        Each event starts a trace of its own unless `traceparent` is given. Raises what the handler or the store raises.
        """
        batch = [
            Received(event, event.key, shard_of(event.key, self._partitions), offset=number,
                     traceparent=self._telemetry.start_order_trace(event, traceparent))
            for number, event in enumerate(events)
        ]  # fmt: skip

        async def once() -> Submitted:
            with self._telemetry.batch(self._group, batch) as trace:
                return await self._once(lambda tx: handler(batch, tx), trace.traceparent_for)

        return await self._attempts(once)

    async def run(self, work: Work) -> Sequence[Event]:
        """Run `work(tx)` in a transaction and emit the events it returns. It may run more than once."""
        submitted = await self._attempts(lambda: self._once(work, self._telemetry.linked_traceparent))
        return submitted.events

    async def insert(self, insertion: Insertion, events: Sequence[Event]) -> bool:
        """Insert a row and emit events with it, in one statement where `run` takes four and more. False when the row was
        there already: nothing is emitted then.
        """
        outbox = self._runner.outbox()
        for event in events:
            self._runner.file(event, outbox, self._telemetry.linked_traceparent)
        rows = outbox.rows()
        await afail("http.before_commit")
        inserted = await self._store.insert(insertion, rows)
        await afail("http.after_commit")
        if inserted and rows:
            outbox.count()
            self._wake({row.shard for row in rows})
        return inserted

    async def _attempts(self, once: Callable[[], Awaitable[Submitted]]) -> Submitted:
        for _ in range(ATTEMPTS - 1):
            try:
                return await once()
            except StoreConflict:
                continue
        return await once()

    async def _once(self, work: Work, traceparent_for: TraceparentFor) -> Submitted:
        async with self._store.batch() as tx:
            outcomes = await work(tx.handle)
            outbox = self._runner.outbox()
            events = [
                self._runner.file(outcome, outbox, traceparent_for)
                for outcome in outcomes
                if not isinstance(outcome, Reject)
            ]
            rows = outbox.rows()
            await tx.insert_outbox(rows)
            await afail("http.before_commit")
        outbox.count()
        await afail("http.after_commit")
        if rows:
            self._wake({row.shard for row in rows})
        return Submitted(events, [outcome for outcome in outcomes if isinstance(outcome, Reject)])

    def _wake(self, shards: Set[int]) -> None:
        """Wake whoever owns these shards without waiting for it: what was written is durable, its answer is due."""
        owned = self._owned()
        if not shards.isdisjoint(owned):
            self._kick()
        self._untold |= shards - set(owned)
        if self._untold and self._telling is None:
            self._telling = asyncio.create_task(self._tell(), name="notices")

    async def _tell(self) -> None:
        """Tell owners elsewhere: one notice at a time, with all that was written during the one before. If that fails, their
        sweeps find the rows a little later.
        """
        try:
            while self._untold:
                shards, self._untold = sorted(self._untold), set()
                await self._store.notify(shards)
        except StoreUnavailable:
            return
        finally:
            self._telling = None
