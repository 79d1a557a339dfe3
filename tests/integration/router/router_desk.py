"""The router's handlers on a real database, each call one committed transaction, as the stage would make it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

from unit.router.routed_orders import ORDERED

from linkstar_contracts.event import Event
from linkstar_contracts.events import (
    ExceptionRaised,
    LabelRejected,
    LabelVoided,
    OrderCancelled,
    OrderChanged,
    OrderReceived,
    RouteChosen,
)
from linkstar_router import store
from linkstar_router.domain.capacity import Pool
from linkstar_router.domain.pack_files import digest_of
from linkstar_router.domain.rules.catalogue import shipped_catalogue
from linkstar_router.domain.rules.document import parse_rules
from linkstar_router.domain.shipment import Record, Shipment
from linkstar_router.domain.snapshot import shipped
from linkstar_router.handlers import Router
from linkstar_router.store import capacity, rule_sets, tariff_packs
from linkstar_runtime.clock import ManualClock
from linkstar_runtime.database import Database
from linkstar_runtime.handling import Handler, Outcome, Received
from linkstar_runtime.migrate import migrate
from linkstar_runtime.settings import DatabaseSettings, Settings

SHARD = 3
Order = OrderReceived | OrderChanged | OrderCancelled | LabelRejected | LabelVoided


class OwnTransactions:
    """The part of a writer that commands need: work in a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, work: Any) -> None:
        async with self._database.transaction() as tx:
            await work(tx)


class RouterDesk:
    """Hands events to the handler of their topic and keeps what was told."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database = database
        self.clock = clock
        self.router = Router(shipped(), 600, clock)

    async def take(self, *events: Order) -> Sequence[Outcome]:
        """Deliver events of one topic as one batch."""
        handlers: dict[type[Order], Handler] = {
            OrderReceived: self.router.on_orders_received,
            OrderChanged: self.router.on_order_changes,
            OrderCancelled: self.router.on_order_changes,
            LabelRejected: self.router.on_labels,
            LabelVoided: self.router.on_labels,
        }
        handler = handlers[type(events[0])]
        batch = [Received(event, event.key, SHARD) for event in events]
        async with self.database.transaction() as tx:
            return await handler(batch, tx)

    async def retry(self, shards: Sequence[int] = (SHARD,)) -> Sequence[Event]:
        async with self.database.transaction() as tx:
            return await self.router.retry_held(shards, tx)

    async def shipment(self, shipment_id: str = "shopify-1") -> Shipment:
        async with self.database.transaction() as tx:
            return (await store.lock(tx, [("demo", shipment_id)]))["demo", shipment_id]

    async def decisions(self, shipment_id: str = "shopify-1") -> list[Record]:
        async with self.database.transaction() as tx:
            return await store.decisions_of(tx, "demo", shipment_id, 100)

    async def publish(self, *rules: dict[str, Any], tenant: str = "demo") -> str:
        """Put rules in force and return their version."""
        found = parse_rules({"rules": list(rules)}, shipped_catalogue())
        async with self.database.transaction() as tx:
            published = await rule_sets.publish(tx, tenant, found.digest, found.text, "", "test")
            await rule_sets.wake_held(tx, tenant)
        return published.name

    async def import_pack(self, pack: str, *agreements: str, tenant: str = "demo") -> int:
        """Import a pack of these agreements and return its version."""
        texts = {f"{number}.yaml": text for number, text in enumerate(agreements)}
        extent = tariff_packs.Extent(None, None, ())
        async with self.database.transaction() as tx:
            imported, _ = await tariff_packs.import_pack(tx, tenant, pack, texts, digest_of(texts), extent, "test")
        return imported.version

    async def withdraw(self, pack: str, tenant: str = "demo") -> None:
        async with self.database.transaction() as tx:
            await tariff_packs.withdraw(tx, tenant, pack, "test")

    async def cap(self, pool: str, cap: int, carrier: str, service: str = "", warehouse: str = "") -> None:
        """Define a capacity pool."""
        async with self.database.transaction() as tx:
            await capacity.put_pool(
                tx, Pool("demo", pool, carrier, service, warehouse, cap, 0, date(2020, 1, 1), None)
            )  # fmt: skip

    async def used(self) -> dict[str, int]:
        """What is used of each pool, over all days; always the sum of its uses."""
        async with self.database.transaction() as tx:
            days = await tx.fetch("SELECT pool, sum(used)::int AS used FROM capacity_day GROUP BY pool ORDER BY pool")
            uses = await tx.fetch("SELECT pool, sum(units)::int AS used FROM capacity_use GROUP BY pool ORDER BY pool")
        assert {row["pool"]: row["used"] for row in days if row["used"]} == {row["pool"]: row["used"] for row in uses}
        return {row["pool"]: row["used"] for row in days}

    async def empty(self) -> None:
        async with self.database.transaction() as tx:
            await tx.execute("DELETE FROM shipment")
            await tx.execute("DELETE FROM decision")
            for table in ("rule_set", "tariff_pack", "capacity_pool", "capacity_day", "capacity_use"):
                await tx.execute(f"DELETE FROM {table}")


@asynccontextmanager
async def opened_desk(database_url: str) -> AsyncIterator[RouterDesk]:
    """A desk over empty tables."""
    await migrate(database_url, "router", "linkstar_router.migrations")
    clock = ManualClock(ORDERED)
    database = await Database.connect(Settings(database=DatabaseSettings(url=database_url)), "router", clock)
    desk = RouterDesk(database, clock)
    await desk.empty()
    yield desk
    await database.close()


def attempts(outcomes: Sequence[object]) -> list[tuple[int, str]]:
    return [(e.version, f"{e.route.carrier}/{e.route.service}") for e in outcomes if isinstance(e, RouteChosen)]


def raised(outcomes: Sequence[object]) -> list[tuple[int, str]]:
    return [(e.version, e.state.value) for e in outcomes if isinstance(e, ExceptionRaised)]
