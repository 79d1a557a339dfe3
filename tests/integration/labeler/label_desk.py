"""Labeler's handlers on a real database, as the stage would call them: each call is one committed transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
from unit.labeler.label_samples import AT, COUNTRY_OF, SEALED, consignee, route

from linkstar_cli.ledger import examine
from linkstar_contracts.event import Event
from linkstar_contracts.events import (
    ExceptionRaised,
    LabelCreated,
    LabelRejected,
    LabelVoided,
    OrderCancelled,
    OrderChanged,
    RouteChosen,
    SettlementRequested,
    TrackingStatus,
    TrackingUpdated,
)  # fmt: skip
from linkstar_contracts.values import Consignee, Money, SealedConsignee
from linkstar_labeler import store
from linkstar_labeler.domain.ledger import FUNDING, WALLET, Entry
from linkstar_labeler.handlers import Handlers, Settler
from linkstar_labeler.jobs import continue_held
from linkstar_labeler.settings import LabelerSettings
from linkstar_runtime.clock import ManualClock
from linkstar_runtime.database import Database
from linkstar_runtime.handling import Outcome, Received, Transaction
from linkstar_runtime.master_keys import MasterKeys
from linkstar_runtime.settings import DatabaseSettings
from linkstar_runtime.vault import Vault

SHARD = 3


class OpenVault(Vault):
    """A vault whose only secret is the word `erased`: most tests are not about sealing."""

    def __init__(self) -> None:
        super().__init__(MasterKeys(()))

    async def open_many(
        self, tx: Transaction, orders: Sequence[tuple[str, str, SealedConsignee]]
    ) -> list[Consignee | None]:
        return [None if sealed.key_id == "erased" else consignee() for _, _, sealed in orders]

    async def seal_bytes(self, tx: Transaction, clear: Sequence[tuple[tuple[str, str], bytes]]) -> list[bytes | None]:
        return [content for _, content in clear]


class LabelDesk:
    """Calls handlers at the clock's time; offsets follow the order of the events."""

    def __init__(self, database: Database, clock: ManualClock, admin: asyncpg.Connection[Any]) -> None:
        self.database, self.clock, self.admin = database, clock, admin
        self.vault = OpenVault()
        self.settler = Settler(self.vault, block_size=10, clock=clock)
        self.handlers = Handlers(self.settler)

    async def routes(self, *events: RouteChosen, shard: int = SHARD) -> Sequence[Outcome]:
        async with self.database.transaction() as tx:
            return await self.handlers.on_routes_chosen(_batch(events, shard), tx)

    async def changes(self, *events: OrderChanged | OrderCancelled) -> Sequence[Outcome]:
        async with self.database.transaction() as tx:
            return await self.handlers.on_order_changes(_batch(events, SHARD), tx)

    async def tracking(self, *events: TrackingUpdated) -> Sequence[Outcome]:
        async with self.database.transaction() as tx:
            return await self.handlers.on_tracking_updated(_batch(events, SHARD), tx)

    async def settlements(self, *events: SettlementRequested) -> Sequence[Outcome]:
        async with self.database.transaction() as tx:
            return await self.handlers.on_settlements_requested(_batch(events, SHARD), tx)

    async def deliver(self, event: Event) -> Sequence[Outcome]:
        """Hand an event to the handler of its topic."""
        if isinstance(event, RouteChosen):
            return await self.routes(event)
        if isinstance(event, OrderChanged | OrderCancelled):
            return await self.changes(event)
        assert isinstance(event, TrackingUpdated)
        return await self.tracking(event)

    async def timer(self, *shards: int) -> Sequence[Event]:
        self.clock.advance(timedelta(seconds=1))
        async with self.database.transaction() as tx:
            return await continue_held(self.settler)(shards or (SHARD,), tx)

    async def top_up(self, amount: int, tenant: str = "acme", currency: str = "USD", key: str = "1") -> None:
        entry = Entry(tenant, f"topup|{key}", Money(amount_minor=amount, currency=currency), FUNDING, WALLET)
        async with self.database.transaction() as tx:
            await store.top_up(tx, entry)

    async def balance(self, tenant: str = "acme") -> int:
        async with self.database.transaction() as tx:
            return sum(wallet.balance_minor for wallet in await store.wallets(tx, tenant))

    async def state(self) -> list[tuple[Any, ...]]:
        """What stands at the end, apart from the history that led there."""
        rows = await self.admin.fetch(
            """SELECT s.tenant, s.shipment_id, s.order_version, s.route_version, s.cancelled, s.accepted,
                      l.route_version AS label, l.state, w.balance_minor
               FROM labeler.shipment s
               LEFT JOIN labeler.label l ON l.tenant = s.tenant AND l.shipment_id = s.shipment_id
                 AND l.state IN ('held', 'active')
               LEFT JOIN labeler.wallet w ON w.tenant = s.tenant ORDER BY 1, 2"""
        )
        return [tuple(row) for row in rows]

    async def check_books(self) -> None:
        """Every law of the books holds, by the audit that shares no code with what posts."""
        report = await examine(self.admin)
        assert report["ok"], report


@asynccontextmanager
async def opened_desk(database_url: str) -> AsyncIterator[LabelDesk]:
    """A desk over empty tables."""
    admin = await asyncpg.connect(database_url)
    await admin.execute(
        """TRUNCATE labeler.shipment, labeler.label, labeler.tracking_number, labeler.number_block, labeler.wallet,
             labeler.ledger_entry, labeler.waiting_posting, labeler.raised_exception, labeler.wallet_change,
             labeler.volume_agreement, labeler.carrier_account, labeler.purchase, labeler.purchase_attempt,
             labeler.orphan_label, labeler.label_document, labeler.invoice_line, labeler.dispute, labeler.invoice_policy,
             labeler.unused_policy, labeler.unused_sweep,
             labeler.account_hold, labeler.carrier_action CASCADE"""
    )
    clock = ManualClock(AT)
    settings = LabelerSettings(database=DatabaseSettings(url=database_url, pool_size=16))
    database = await Database.connect(settings, "labeler", clock)
    yield LabelDesk(database, clock, admin)
    await database.close()
    await admin.close()


def changed(version: int, order_id: str = "order-1") -> OrderChanged:
    source = route()
    return OrderChanged(
        tenant="acme", order_id=order_id, version=version, occurred_at=AT, shipment_id=order_id,
        warehouse=source.warehouse, destination=source.destination, consignee=source.consignee, parcels=source.parcels,
    )  # fmt: skip


def cancelled(version: int = 2, order_id: str = "order-1") -> OrderCancelled:
    return OrderCancelled(tenant="acme", order_id=order_id, version=version, occurred_at=AT)


def tracked(number: str, *, version: int = 2, delivered: bool = False, order_id: str = "order-1") -> TrackingUpdated:
    status = TrackingStatus.DELIVERED if delivered else TrackingStatus.ACCEPTED
    return TrackingUpdated(
        tenant="acme", order_id=order_id, version=version, occurred_at=AT, shipment_id=order_id, carrier="usps",
        service="ground_advantage", status=status, accepted=True, delivered=delivered, parcel=1, tracking_number=number,
        parcel_status=status, scanned_at=AT,
    )  # fmt: skip


def settlement(kind: str, amount: int, identity: str = "claim-1", *, order_id: str = "order-1") -> SettlementRequested:
    return SettlementRequested(
        tenant="acme", order_id=order_id, version=1, occurred_at=AT, settlement_id=identity, kind=kind,
        amount=Money(amount_minor=amount, currency="USD"),
    )  # fmt: skip


def told(outcomes: Sequence[Outcome]) -> list[str]:
    """Label events as `created 1` with their versions, exceptions as `id state`."""
    words = {LabelCreated: "created", LabelVoided: "voided", LabelRejected: "rejected"}
    return [
        f"{each.exception_id} {each.state.value}" if isinstance(each, ExceptionRaised)
        else f"{words[type(each)]} {each.version}"
        for each in outcomes
        if isinstance(each, Event)
    ]  # fmt: skip


def numbers(outcomes: Sequence[Outcome]) -> list[str]:
    return [p.tracking_number for each in outcomes if isinstance(each, LabelCreated) for p in each.parcels]


def _batch(events: Sequence[Any], shard: int) -> list[Received[Any]]:
    return [Received(event, event.key, shard, offset=offset) for offset, event in enumerate(events)]


__all__ = ["COUNTRY_OF", "SEALED", "SHARD", "LabelDesk", "cancelled", "changed", "numbers", "opened_desk", "route",
           "settlement", "told", "tracked"]  # fmt: skip
