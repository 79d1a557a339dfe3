"""The handlers of returns on a real database, each call one committed transaction, as the stage would make it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from unit.returns.return_facts import START

from linkstar_contracts.event import Event
from linkstar_contracts.events import LabelCreated, LabelVoided, OrderReceived, ReturnRequested, TrackingUpdated
from linkstar_returns.domain.order_returns import OrderReturns
from linkstar_returns.domain.policy import Policy
from linkstar_returns.handlers import Returning
from linkstar_returns.store import read_order
from linkstar_runtime.clock import ManualClock
from linkstar_runtime.database import Database
from linkstar_runtime.handling import Handler, Linked, Outcome, Received
from linkstar_runtime.migrate import migrate
from linkstar_runtime.settings import DatabaseSettings, Settings

SHARD = 5


class ReturnDesk:
    """Hands events to the handler of their topic."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database, self.clock = database, clock
        self.returning = Returning(Policy())

    async def take(self, *events: Event) -> Sequence[Event]:
        """Deliver events of one topic as one batch."""
        handlers: dict[type[Event], Handler] = {
            ReturnRequested: self.returning.on_returns_requested,
            OrderReceived: self.returning.on_orders_received,
            LabelCreated: self.returning.on_labels,
            LabelVoided: self.returning.on_labels,
            TrackingUpdated: self.returning.on_tracking_updated,
        }
        batch = [Received(event, event.key, SHARD) for event in events]
        async with self.database.transaction() as tx:
            return _told(await handlers[type(events[0])](batch, tx))

    async def expire(self, now: datetime, shards: Sequence[int] = (SHARD,)) -> Sequence[Event]:
        self.clock.advance(now - self.clock.now())
        async with self.database.transaction() as tx:
            return _told(await self.returning.expire(shards, tx))

    async def order(self, order_id: str = "s-1", tenant: str = "demo") -> OrderReturns | None:
        async with self.database.transaction() as tx:
            return await read_order(tx, tenant, order_id)


def _told(outcomes: Sequence[Outcome]) -> list[Event]:
    return [outcome.event for outcome in outcomes if isinstance(outcome, Linked)]


@asynccontextmanager
async def opened_desk(database_url: str) -> AsyncIterator[ReturnDesk]:
    """A desk over empty tables."""
    await migrate(database_url, "returns", "linkstar_returns.migrations")
    clock = ManualClock(START)
    database = await Database.connect(Settings(database=DatabaseSettings(url=database_url)), "returns", clock)
    async with database.transaction() as tx:
        for table in ("returnable_order", "outbound", "return_case"):
            await tx.execute(f"DELETE FROM {table}")
    yield ReturnDesk(database, clock)
    await database.close()
