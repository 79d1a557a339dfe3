"""All simulated carriers behind one port, each below its own path."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI, Response
from starlette.types import ASGIApp

from linkstar_runtime.clock import Clock
from linkstar_sandbox.carrier_apis import control
from linkstar_sandbox.carrier_apis.canada_post import canada_post
from linkstar_sandbox.carrier_apis.canpar import canpar
from linkstar_sandbox.carrier_apis.dpd import dpd
from linkstar_sandbox.carrier_apis.evri import evri
from linkstar_sandbox.carrier_apis.faulty import CuttableConnections
from linkstar_sandbox.carrier_apis.fedex import fedex
from linkstar_sandbox.carrier_apis.hermes import hermes
from linkstar_sandbox.carrier_apis.ledger import Ledger
from linkstar_sandbox.carrier_apis.ups import ups
from linkstar_sandbox.carrier_apis.usps import usps
from linkstar_sandbox.carrier_apis.world import World

__all__ = ["CARRIERS", "application", "listen", "serve"]

CARRIERS: dict[str, Callable[[World], FastAPI]] = {
    "usps": usps,
    "ups": ups,
    "fedex": fedex,
    "dpd-de": dpd,
    "hermes-de": hermes,
    "canpar": canpar,
    "canada-post": canada_post,
    "evri": evri,
}


def application(world: World) -> ASGIApp:
    """Return the application: `/<carrier>/…` and `/_sim/…`."""
    app = FastAPI(title="carrier APIs", openapi_url=None)
    app.state.world = world
    app.include_router(control.router)
    app.add_api_route("/readyz", lambda: Response(status_code=200))
    for name, make in CARRIERS.items():
        app.mount(f"/{name}", make(world))
    return CuttableConnections(app)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Named as TCP, or asyncio would leave Nagle's delay on."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(1024)
    return listener


async def serve(listener: socket.socket, clock: Clock, stopping: asyncio.Event, ledger: Ledger | None = None) -> None:
    """Serve until told to stop, with a ledger kept earlier or an empty one."""
    config = uvicorn.Config(
        application(World(clock, ledger or Ledger())), http="h11", ws="none", lifespan="off", log_config=None,
        access_log=False, proxy_headers=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    config.load()
    serving = asyncio.create_task(server._serve(sockets=[listener]))
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    waiting.cancel()
    await serving
