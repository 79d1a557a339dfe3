"""What every HTTP request passes before the application: size limit, JSON check, request id, measurement, last resort."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from linkstar_runtime.clock import Clock
from linkstar_runtime.ids import Ids
from linkstar_runtime.json_body import check_json
from linkstar_runtime.metrics import HTTP_SECONDS, Http
from linkstar_runtime.problems import Problem, problem_response
from linkstar_runtime.turns import CALLERS

__all__ = ["BODY_LIMIT", "BODY_LIMITS", "Gate"]

BODY_LIMIT = 4 * 1024 * 1024
"""Largest body: a batch of 500 orders. One order is limited to 256 KiB by the door that takes it."""
BODY_LIMITS: Mapping[str, int] = {
    "/v1/imports": 16 * 1024 * 1024, "/v1/invoices": 16 * 1024 * 1024, "/v1/scan-files": 16 * 1024 * 1024,
    "/v1/webhooks/": 256 * 1024,
}  # fmt: skip
"""Other limits, by the beginning of the path."""
_LONG_CHECK = 64 * 1024
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
log = structlog.get_logger(__name__)


class Gate:
    """ASGI middleware. The body is read here once, bounded, whatever the client announces."""

    def __init__(self, app: ASGIApp, clock: Clock, ids: Ids | None = None) -> None:
        self._app = app
        self._clock = clock
        self._ids = ids or Ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        answer = _Answer(send, self._request_id(request))
        started = self._clock.monotonic()
        with CALLERS, structlog.contextvars.bound_contextvars(request_id=answer.request_id):
            await self._answer(request, answer)
        route = getattr(scope.get("route"), "path", "unmatched")
        HTTP_SECONDS.observe(Http(request.method, route, str(answer.status)), self._clock.monotonic() - started)

    async def _answer(self, request: Request, answer: _Answer) -> None:
        try:
            _check_address(request)
            body = await _checked(request, await _bounded_body(request))
            await self._app(request.scope, _replay(body, request.receive), answer.send)
        except Problem as problem:
            await problem_response(problem)(request.scope, request.receive, answer.send)
        except ClientDisconnect:
            answer.status = 499
        except Exception as error:
            log.error("request failed", action="request_failed", path=request.url.path, exc_info=error)
            if answer.status == 0:
                failure = Problem(500, "internal_error", "Something went wrong on our side", fix="Try again later.")
                response = problem_response(failure, request_id=answer.request_id)
                await response(request.scope, request.receive, answer.send)

    def _request_id(self, request: Request) -> str:
        given = request.headers.get("x-request-id", "")
        return given if _REQUEST_ID.match(given) else self._ids.hex(12)


class _Answer:
    """Sends the answer with its request id, and remembers the status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", []), (b"x-request-id", self.request_id.encode())]
        await self._send(message)


def _check_address(request: Request) -> None:
    """Refuse control characters and broken UTF-8 in path and query: no identifier of ours holds them."""
    try:
        address = unquote_to_bytes(request.scope["raw_path"]) + b"?" + unquote_to_bytes(request.scope["query_string"])
        text = address.decode("utf-8")
    except UnicodeDecodeError:
        text = "\x00"
    if _CONTROL.search(text):
        raise Problem(
            400, "address_invalid", "The path or the query holds a control character or is not UTF-8",
            fix="Send identifiers as they were given, percent-encoded UTF-8.",
        )  # fmt: skip


def _limit(path: str) -> int:
    return next((limit for beginning, limit in BODY_LIMITS.items() if path.startswith(beginning)), BODY_LIMIT)


async def _bounded_body(request: Request) -> bytes:
    limit = _limit(request.url.path)
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(limit: int) -> Problem:
    return Problem(413, "body_too_large", f"The body is larger than {limit} bytes", fix="Send a smaller one, or parts.")


async def _checked(request: Request, body: bytes) -> bytes:
    """Return the body for the application: checked, and without a byte-order mark, when it is JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        return body
    body = body.removeprefix(b"\xef\xbb\xbf")
    if len(body) > _LONG_CHECK:
        await asyncio.to_thread(check_json, body)
    else:
        check_json(body)
    return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body as one message; afterwards what the client does next."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
