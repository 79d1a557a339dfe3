"""Writers that are not a batch: HTTP commands and workers. They call the same handler functions in a transaction of their
own; the outbox rows are filed under the shard of their key, and only that shard's owner emits them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from linkstar_contracts.event import Event
from linkstar_runtime.batch import BatchRunner, TraceparentFor
from linkstar_runtime.failpoints import afail
from linkstar_runtime.handling import Handler, Outcome, Received, Reject
from linkstar_runtime.ports import StageStore, StoreConflict, StoreUnavailable
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
    """Runs commands of one service. `kick` wakes the local sweep; owners elsewhere are told after the commit."""

    def __init__(
        self,
        group: str,
        runner: BatchRunner,
        store: StageStore,
        telemetry: Telemetry,
        partitions: int,
        kick: Callable[[], None],
    ) -> None:  # fmt: skip
        self._runner, self._store, self._telemetry, self._partitions = runner, store, telemetry, partitions
        self._group = group
        self._kick = kick

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
            await self._wake(sorted({row.shard for row in rows}))
        return Submitted(events, [outcome for outcome in outcomes if isinstance(outcome, Reject)])

    async def _wake(self, shards: Sequence[int]) -> None:
        """Wake whoever owns these shards; if that fails, the owner's sweep finds the rows a little later."""
        self._kick()
        try:
            await self._store.notify(shards)
        except StoreUnavailable:
            return
