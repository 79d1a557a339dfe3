"""Routes that suffer the planned faults: the handler's work is done or not, its answer arrives or not."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from linkstar_sandbox.carrier_apis.faults import Fault, FaultKind
from linkstar_sandbox.carrier_apis.world import World, account_of, world_of

__all__ = ["CuttableConnections", "FaultyRoute", "flaw_of"]

_ABORT = "linkstar.abort"
_HTML = (
    b"<!DOCTYPE html><html><head><title>Scheduled maintenance</title></head><body>We will be back soon.</body></html>"
)
_DRIP_S = 0.05
_BEFORE = {FaultKind.TIMEOUT_BEFORE, FaultKind.ERROR_BEFORE, FaultKind.CUT_BEFORE, FaultKind.RATE_LIMITED,
           FaultKind.UNAVAILABLE, FaultKind.SIGNED_OUT}  # fmt: skip


def flaw_of(request: Request) -> FaultKind | None:
    """Return the fault that spoils the content of this call's answer, if there is one."""
    fault: Fault | None = getattr(request.state, "fault", None)
    return fault.kind if fault else None


class CuttableConnections:
    """Lets routes cut the connection of their own call."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        scope[_ABORT] = getattr(transport, "abort", lambda: None)
        await self._app(scope, receive, send)


class FaultyRoute(APIRoute):
    """A route whose name is the operation; the application's title is the carrier."""

    async def call_of(self, request: Request) -> tuple[str, str]:
        """Return which operation is asked for, and by whom."""
        return self.name, account_of(request)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        work = super().get_route_handler()

        async def handle(request: Request) -> Response:
            world, carrier = world_of(request), str(request.app.title)
            operation, account = await self.call_of(request)
            world.ledger.count(carrier, operation)
            fault = world.faults.next(carrier, operation, account)
            request.state.fault = fault
            if fault is None:
                return await work(request)
            if fault.kind in _BEFORE:
                return await _before(fault, world, request, work)
            return _after(fault, await work(request))

        return handle


async def _before(
    fault: Fault, world: World, request: Request, work: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    if fault.kind == FaultKind.TIMEOUT_BEFORE:
        return _Stalled(fault.seconds)
    if fault.kind == FaultKind.CUT_BEFORE:
        return _Stalled(0)
    if fault.kind == FaultKind.SIGNED_OUT:
        world.tokens.revoke()
        return await work(request)
    status = {FaultKind.RATE_LIMITED: 429, FaultKind.UNAVAILABLE: 503}.get(fault.kind, 500)
    pause = {"Retry-After": str(int(fault.seconds))} if status in (429, 503) else {}
    return Response('{"message": "simulated fault"}', status, pause, "application/json")


def _after(fault: Fault, answer: Response) -> Response:
    body = bytes(answer.body)
    match fault.kind:
        case FaultKind.TIMEOUT_AFTER:
            return _Stalled(fault.seconds)
        case FaultKind.ERROR_AFTER:
            return Response('{"message": "simulated fault"}', 500, media_type="application/json")
        case FaultKind.CUT_AFTER:
            return _Cut(body, answer.status_code, media_type=answer.media_type)
        case FaultKind.SLOW_DRIP:
            return _Dripping(body, answer.status_code, media_type=answer.media_type)
        case FaultKind.HTML:
            return Response(_HTML, 200, media_type="text/html")
        case FaultKind.TRUNCATED:
            return Response(body[: len(body) // 2], answer.status_code, media_type="application/json")
        case FaultKind.NOT_JSON:
            return Response(b"OK " + body[:40], answer.status_code, media_type="application/json")
        case FaultKind.COMPRESSED:
            return Response(gzip.compress(body), answer.status_code, {"Content-Encoding": "gzip"}, "application/json")
        case FaultKind.FIELD_LOST:
            return Response(json.dumps({"note": "no field is where it should be"}), 200, media_type="application/json")
        case _:
            return answer


class _Stalled(Response):
    """Says nothing until the caller leaves or the time is over, then cuts the connection."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                while (await receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            pass
        scope[_ABORT]()


class _Cut(Response):
    """Announces the whole body, sends half of it and cuts the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})
        await asyncio.sleep(0.01)
        scope[_ABORT]()


class _Dripping(Response):
    """Sends the body byte by byte, so that no single read ever times out."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for at in range(len(self.body)):
            await send({"type": "http.response.body", "body": self.body[at : at + 1], "more_body": True})
            await asyncio.sleep(_DRIP_S)
        await send({"type": "http.response.body", "body": b""})
