"""Labeler's doors for money over real keys and a real database, beside the desk that buys labels."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import httpx
import uvicorn
from fastapi import FastAPI
from integration.labeler.label_desk import LabelDesk, opened_desk
from typer.testing import CliRunner

from linkstar_cli.main import app as linkstar
from linkstar_labeler import api
from linkstar_labeler.handlers import AccountConnectors
from linkstar_labeler.settings import LabelerSettings
from linkstar_runtime.api_keys import Authorizer, create_key
from linkstar_runtime.health import Health
from linkstar_runtime.http import create_app
from linkstar_runtime.service import ServiceContext
from linkstar_runtime.writer import Writer

SCOPES = (
    "wallet:read", "wallet:write", "wallet:admin", "invoices:read", "invoices:write", "labels:read", "labels:write",
)  # fmt: skip


@dataclass
class MoneyCounter:
    """A tenant `acme` at labeler's HTTP door; every command has a new Idempotency-Key unless told otherwise."""

    client: httpx.AsyncClient
    desk: LabelDesk
    app: FastAPI
    key: str
    sent: int = 0

    async def send(self, method: str, path: str, *, key: str | None = None, **more: Any) -> httpx.Response:
        self.sent += 1
        headers = {"idempotency-key": key or f"key-{self.sent}", **more.pop("headers", {})}
        return await self.client.request(method, f"/v1/{path}", headers=headers, **more)

    async def get(self, path: str, **query: Any) -> Any:
        return (await self.client.get(f"/v1/{path}", params=query)).json()

    async def as_tenant(self, tenant: str, *scopes: str) -> dict[str, str]:
        """The header of another key."""
        return {"authorization": f"Bearer {await create_key(self.desk.admin, tenant, scopes or SCOPES)}"}


class Terminal:
    """The `linkstar` command, asking this counter on a port of its own."""

    def __init__(self, address: str, key: str, database_url: str) -> None:
        self._environment = {
            "LINKSTAR_LABELER_URL": address, "LINKSTAR_API_KEY": key, "LINKSTAR_DATABASE__URL": database_url,
            "LINKSTAR_DATABASE__ADMIN_URL": "",
        }  # fmt: skip

    async def run(self, *words: str, status: int = 0) -> str:
        """What the command prints."""
        done = await asyncio.to_thread(CliRunner().invoke, linkstar, words, env=self._environment)
        assert done.exit_code == status, (words, done.output, done.exception)
        return done.output


@asynccontextmanager
async def opened_terminal(counter: MoneyCounter, database_url: str) -> AsyncIterator[Terminal]:
    """A terminal while the counter serves HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        server = uvicorn.Server(uvicorn.Config(counter.app, log_level="error"))
        serving = asyncio.create_task(server.serve(sockets=[door]))
        yield Terminal(f"http://127.0.0.1:{door.getsockname()[1]}", counter.key, database_url)
        server.should_exit = True
        await serving


@asynccontextmanager
async def opened_counter(database_url: str) -> AsyncIterator[MoneyCounter]:
    """A counter over empty tables."""
    async with opened_desk(database_url) as desk:
        await desk.admin.execute("TRUNCATE labeler.idempotency_key")
        authorizer = Authorizer(desk.database, desk.clock)
        context = ServiceContext(
            LabelerSettings(), desk.database, cast("Writer", None), desk.clock, desk.vault, authorizer
        )
        door = create_app(
            "labeler",
            api.routes(desk.settler, AccountConnectors(desk.vault, desk.clock, simulators=True)),
            context,
            Health(),
        )
        key = await create_key(desk.admin, "acme", SCOPES)
        headers = {"authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(door), base_url="http://labeler", headers=headers
        ) as client:
            yield MoneyCounter(client, desk, door, key)
