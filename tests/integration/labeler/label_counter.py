"""Labeler behind its HTTP door, with real keys, a real vault and a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
from integration.labeler.label_desk import told
from unit.labeler.label_samples import AT, consignee, route

from linkstar_contracts import topics
from linkstar_contracts.topics import PARTITIONS
from linkstar_labeler import api
from linkstar_labeler.handlers import AccountConnectors, Handlers, Settler
from linkstar_labeler.settings import LabelerSettings
from linkstar_runtime.api_keys import Authorizer, create_key
from linkstar_runtime.batch import BatchRunner
from linkstar_runtime.clock import ManualClock
from linkstar_runtime.database import Database
from linkstar_runtime.dead_letters import Circuit
from linkstar_runtime.emitter import Emitter
from linkstar_runtime.handling import Outcome, Received
from linkstar_runtime.health import Health
from linkstar_runtime.http import create_app
from linkstar_runtime.migrate import migrate
from linkstar_runtime.postgres_store import PostgresStageStore
from linkstar_runtime.service import ServiceContext
from linkstar_runtime.settings import DatabaseSettings, Settings, TelemetrySettings, VaultSettings
from linkstar_runtime.telemetry import Telemetry
from linkstar_runtime.testing import MemoryBroker, MemoryProducer
from linkstar_runtime.vault import Vault
from linkstar_runtime.writer import Writer

SHARD = 1
SCOPES = ["labels:read", "labels:write", "wallet:read", "wallet:write", "accounts:read", "accounts:write"]
TABLES = [
    "vault.dek", "labeler.shipment", "labeler.label", "labeler.tracking_number", "labeler.wallet", "labeler.ledger_entry",
    "labeler.raised_exception", "labeler.idempotency_key", "labeler.outbox",
    "labeler.label_print", "labeler.carrier_account", "labeler.purchase_attempt",
]  # fmt: skip


@dataclass
class Counter:
    """A labeler with its HTTP door, and the ingest rights that seal a consignee."""

    client: httpx.AsyncClient
    database: Database
    ingest: Database
    vault: Vault
    settler: Settler
    connectors: AccountConnectors
    writer: Writer
    clock: ManualClock
    admin: asyncpg.Connection[asyncpg.Record]

    async def order(self, order_id: str, name: str, total: int = 500, parcels: int = 1, **changed: object) -> list[str]:
        """Seal a consignee as ingest does and hand its route to the stage."""
        async with self.ingest.transaction() as tx:
            [sealed] = await self.vault.seal_many(tx, [("acme", order_id, consignee(name=name))])
        event = route(order_id=order_id, total=total, sealed=sealed, parcels=parcels)
        event = event.model_copy(update=changed)
        async with self.database.transaction() as tx:
            outcomes: list[Outcome] = list(
                await Handlers(self.settler).on_routes_chosen([Received(event, event.key, SHARD)], tx)
            )
        return told(outcomes)

    async def top_up(self, amount: int, key: str) -> httpx.Response:
        body = {"amount_minor": amount, "currency": "USD", "reference": f"transfer {key}"}
        return await self.client.post("/v1/wallet/topups", json=body, headers={"idempotency-key": key})


@asynccontextmanager
async def opened_counter(database_url: str, tmp_path: Path, simulator_url: str = "") -> AsyncIterator[Counter]:
    """A counter over empty tables; test orders are bought at `simulator_url`."""
    clock = ManualClock(AT)
    settings = LabelerSettings(database=DatabaseSettings(url=database_url))
    await migrate(database_url, "ingest", "linkstar_runtime.runtime_migrations")
    admin = await asyncpg.connect(database_url)
    await admin.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
    database = await Database.connect(settings, "labeler", clock)
    ingest = await Database.connect(Settings(database=settings.database), "ingest", clock)
    Vault.create_master_key(tmp_path / "master.key")
    vault = Vault.from_settings(VaultSettings(master_key_file=tmp_path / "master.key"))
    connectors = AccountConnectors(vault, clock, simulators=True, simulator_url=simulator_url)
    settler = Settler(vault, 10, clock, connectors.simulated_services())
    telemetry = Telemetry.from_settings(TelemetrySettings(), "labeler")
    store = PostgresStageStore("labeler", "0", database)
    emitter = Emitter(MemoryProducer(MemoryBroker()), telemetry)
    emits = (topics.LABELS, topics.EXCEPTIONS_RAISED)
    runner = BatchRunner(
        "labeler", "0", (), emits, "", PARTITIONS, store, emitter, Circuit(0.5, 100, 100), clock, telemetry
    )
    writer = Writer("labeler", runner, store, telemetry, PARTITIONS, lambda: None)
    context = ServiceContext(settings, database, writer, clock, vault, Authorizer(database, clock))
    key = await create_key(admin, "acme", SCOPES)
    transport = httpx.ASGITransport(create_app("labeler", api.routes(settler, connectors), context, Health()))
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://labeler", headers=headers) as client:
        yield Counter(client, database, ingest, vault, settler, connectors, writer, clock, admin)
    for opened in (database, ingest, admin):
        await opened.close()
    if connectors._http is not None:
        await connectors._http.aclose()  # a service keeps it for life; here it would outlive its event loop
