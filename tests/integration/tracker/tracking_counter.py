"""The tracker's HTTP doors over real keys and a real database, and the command line in front of them; no Kafka.

What a door emits is delivered to the tracker's own handler at once, as its topic would.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import httpx
import pytest
import uvicorn
from integration.tracker.desk import Desk, opened_desk
from typer.testing import CliRunner

from linkstar_cli.main import app as command_line
from linkstar_contracts.event import Event
from linkstar_contracts.events import CarrierScan
from linkstar_runtime.api_keys import Authorizer, create_key
from linkstar_runtime.handling import Received
from linkstar_runtime.health import Health
from linkstar_runtime.http import create_app
from linkstar_runtime.master_keys import MasterKeys
from linkstar_runtime.ports import Insertion
from linkstar_runtime.postgres_store import PostgresStageStore
from linkstar_runtime.service import ServiceContext
from linkstar_runtime.vault import Vault
from linkstar_tracker import api
from linkstar_tracker.carriers import TrackingClients
from linkstar_tracker.settings import Settings


@dataclass
class Counter:
    """A tenant `demo` at the tracker's doors; `desk` hands labels over and moves the clock."""

    url: str
    client: httpx.AsyncClient
    desk: Desk

    async def linkstar(self, *words: str) -> str:
        """What a command prints; it must succeed."""
        result = await asyncio.to_thread(CliRunner().invoke, command_line, list(words))
        assert result.exit_code == 0, result.output
        return result.output


class _Delivering:
    """The part of a writer that doors need: work in a transaction of its own, and its scans delivered."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def run(self, work: Any) -> None:
        async with self._desk.database.transaction() as tx:
            events = await work(tx)
        await self._deliver(events)

    async def insert(self, insertion: Insertion, events: Sequence[Event]) -> bool:
        inserted = await PostgresStageStore("tracker", "0", self._desk.database).insert(insertion, ())
        if inserted:
            await self._deliver(events)
        return inserted

    async def _deliver(self, events: Sequence[Event]) -> None:
        scans = [Received(event, event.key, 3) for event in events if isinstance(event, CarrierScan)]
        if scans:
            async with self._desk.database.transaction() as tx:
                async for _ in self._desk.tracking.on_carrier_scans(scans, tx):
                    pass


@asynccontextmanager
async def opened_counter(
    database_url: str, folder: Path, clients: TrackingClients | None = None
) -> AsyncIterator[Counter]:
    """A counter over empty tables, which the environment names while it is open."""
    connection = await asyncpg.connect(database_url)
    key = await create_key(connection, "demo", ["*"])
    await connection.close()
    async with opened_desk(database_url) as desk:
        parts = SimpleNamespace(
            settings=Settings(), clock=desk.clock, database=desk.database, writer=_Delivering(desk),
            vault=Vault(MasterKeys([bytes(32)])), authorize=Authorizer(desk.database, desk.clock),
        )  # fmt: skip
        served = create_app(
            "tracker",
            partial(api.routes, clients=clients),
            cast("ServiceContext", parts),
            cast("Health", SimpleNamespace()),
        )
        server = uvicorn.Server(uvicorn.Config(served, log_config=None, lifespan="off"))
        listener = socket.create_server(("127.0.0.1", 0))
        task = asyncio.create_task(server.serve([listener]))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            with pytest.MonkeyPatch.context() as environment:
                environment.setenv("LINKSTAR_HOME", str(folder))
                environment.setenv("LINKSTAR_TRACKER_URL", url)
                environment.setenv("LINKSTAR_API_KEY", key)
                async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}) as client:
                    yield Counter(url, client, desk)
        finally:
            server.should_exit = True
            await task
