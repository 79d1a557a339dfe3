"""A router that serves HTTP for the command line: real PostgreSQL, real sockets, no Kafka."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import asyncpg
import pytest
import uvicorn
from click.testing import Result
from integration.router.router_desk import OwnTransactions, RouterDesk, opened_desk
from typer.testing import CliRunner

from linkstar_cli.main import app
from linkstar_router.api import routes_from
from linkstar_router.domain.snapshot import shipped
from linkstar_runtime.api_keys import Authorizer, create_key
from linkstar_runtime.health import Health
from linkstar_runtime.http import create_app
from linkstar_runtime.service import ServiceContext

DOCS = Path(__file__).parents[3] / "docs"


@asynccontextmanager
async def routed_stack(database_url: str, home: Path) -> AsyncIterator[RouterDesk]:
    """The desk of a router whose address and key the environment names while this is open."""
    connection = await asyncpg.connect(database_url)
    key = await create_key(connection, "demo", ["*"])
    await connection.close()
    async with opened_desk(database_url) as desk:
        authorize = Authorizer(desk.database, desk.clock)
        writer = OwnTransactions(desk.database)
        parts = SimpleNamespace(clock=desk.clock, database=desk.database, authorize=authorize, writer=writer)
        served = create_app(
            "router", routes_from(shipped(), 600), cast("ServiceContext", parts), cast("Health", SimpleNamespace())
        )
        server = uvicorn.Server(uvicorn.Config(served, log_config=None, lifespan="off"))
        listener = socket.create_server(("127.0.0.1", 0))  # takes connections from now on
        task = asyncio.create_task(server.serve([listener]))
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("LINKSTAR_HOME", str(home))
            environment.setenv("LINKSTAR_ROUTER_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
            environment.setenv("LINKSTAR_API_KEY", key)
            yield desk
        server.should_exit = True
        await task


async def linkstar(*words: str) -> Result:
    """What the command prints, run beside the server."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(words))


def shown_commands(page: str) -> list[str]:
    """The commands that a page of `docs/` shows, without their first word."""
    return re.findall(r"^    \$ linkstar (.+)$", (DOCS / page).read_text("utf-8"), re.MULTILINE)
