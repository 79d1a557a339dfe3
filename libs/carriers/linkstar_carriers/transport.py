"""One call to a carrier, and which of the ways it can end it ended.

The line that matters is drawn by what left this machine: before the request's head was written nothing can have
happened (`NotSent`); after it, only a whole answer in the carrier's own form tells (`Reply`); everything between is
`OutcomeUnknown`. Logs, errors and representations hold neither secrets nor personal data: they name operations and
codes.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpx

from linkstar_carriers.breaker import CircuitBreaker
from linkstar_carriers.outcomes import NotSent, OutcomeUnknown
from linkstar_carriers.pace import Pace
from linkstar_carriers.replies import Node, Unreadable, read_json
from linkstar_carriers.standing import AccountStanding
from linkstar_runtime.clock import Clock
from linkstar_runtime.metrics import CARRIER_CALLS, CARRIER_SECONDS, CarrierCall, CarrierOperation

__all__ = ["Call", "Limits", "Reply", "Transport", "open_http"]

_LONGEST_PAUSE_S = 3600.0
_DEFAULT_PAUSE_S = 5.0
_NOT_ANSWERED = (408, 499)


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast and how long an account may call and how much an answer may bring, in real seconds and bytes."""

    connect_s: float = 5.0
    read_s: float = 20.0
    whole_s: float = 45.0
    """However slowly the answer drips in."""
    reply_bytes: int = 8 * 1024 * 1024
    unprocessed: frozenset[int] = frozenset()
    """Statuses the carrier documents as: nothing was done. 429 always is one."""
    per_s: float = 10.0
    burst: int = 20
    at_once: int = 8


@dataclass(frozen=True, slots=True)
class Call:
    """One request. With `changes` false it changes nothing at the carrier, however it ends."""

    operation: str
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Any = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    content: bytes | None = field(default=None, repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)
    changes: bool = True
    bodyless: bool = False
    """Whatever the reply's body holds is not read: what counts stands in its headers."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer in the carrier's form: success, or a refusal (a status of 400 to 499).

    Of a 401 nothing is read: whoever wrote it, the call was not let in.
    """

    status: int
    root: Node = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def accepted(self) -> bool:
        """The carrier did what it was asked."""
        return 200 <= self.status < 300


def open_http(connections: int = 64) -> httpx.AsyncClient:
    """Return the client that all connectors of a process share: TLS verified, no redirects, no proxies of the machine."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=20)
    return httpx.AsyncClient(verify=_trusted(), limits=limits, follow_redirects=False, trust_env=False)


@cache
def _trusted() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


class Transport:
    """The way to one account: circuit breaker, pace, time-outs and the classification of every end."""

    def __init__(
        self, name: str, http: httpx.AsyncClient, clock: Clock, base_url: str,
        limits: Limits, read: Callable[[bytes], Node] = read_json,
    ) -> None:  # fmt: skip
        self._name, self._base_url = name, base_url
        self._http, self._clock, self._read = http, clock, read
        self._limits = limits
        self._pace = Pace(clock, limits.per_s, limits.burst, limits.at_once)
        self._breaker = CircuitBreaker(clock)

    @property
    def standing(self) -> AccountStanding:
        """How the account stands with this process now."""
        return AccountStanding(self._pace.budget, self._breaker.state)

    async def send(self, call: Call) -> Reply | NotSent | OutcomeUnknown:
        """Make the call once. It is never repeated here: who asked decides."""
        refused = self._breaker.admit()
        if refused is not None:
            return refused
        try:
            async with self._pace.turn() as late:
                end = late or await self._measured(call)
        except BaseException:
            self._breaker.abandoned()
            raise
        if late is not None:
            self._breaker.abandoned()
            return late
        self._learn(end)
        if isinstance(end, OutcomeUnknown) and not call.changes:
            return NotSent(end.code, end.detail, _DEFAULT_PAUSE_S)
        return end

    def _learn(self, end: Reply | NotSent | OutcomeUnknown) -> None:
        if isinstance(end, Reply):
            self._pace.grow()
        if isinstance(end, Reply) or end.code == "rate_limited":
            self._breaker.succeeded()
        else:
            self._breaker.failed()

    async def _measured(self, call: Call) -> Reply | NotSent | OutcomeUnknown:
        begun = self._clock.monotonic()
        end = await self._exchange(call)
        CARRIER_SECONDS.observe(CarrierOperation(self._name, call.operation), self._clock.monotonic() - begun)
        CARRIER_CALLS.inc(CarrierCall(self._name, call.operation, _told(end)))
        return end

    async def _exchange(self, call: Call) -> Reply | NotSent | OutcomeUnknown:
        progress = _Progress()
        try:
            async with asyncio.timeout(self._limits.whole_s):
                status, headers, body = await self._talk(call, progress)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            return NotSent(_code_of(error), call.operation, _DEFAULT_PAUSE_S)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, Unreadable) as error:
            if progress.surely_not_sent:
                return NotSent(_code_of(error), call.operation, _DEFAULT_PAUSE_S)
            return OutcomeUnknown(_code_of(error), call.operation)
        return self._judge(call, status, headers, body)

    async def _talk(self, call: Call, progress: _Progress) -> tuple[int, httpx.Headers, bytes]:
        limits = self._limits
        request = self._http.build_request(
            call.method, self._base_url + call.path, params=call.query or None,
            json=call.json, data=call.form, content=call.content,
            headers={"Accept": "application/json", **call.headers, "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(limits.read_s, connect=limits.connect_s, pool=limits.connect_s),
            extensions={"trace": progress.note},
        )  # fmt: skip
        auth = httpx.BasicAuth(*call.basic) if call.basic else None
        response = await self._http.send(request, stream=True, auth=auth)
        try:
            return response.status_code, response.headers, await self._body(response)
        finally:
            await response.aclose()

    async def _body(self, response: httpx.Response) -> bytes:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise Unreadable("unexpected_encoding", "the reply is compressed, which nobody asked for")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self._limits.reply_bytes:
                raise Unreadable("reply_too_large", f"cut after {self._limits.reply_bytes} bytes")
        return bytes(body)

    def _judge(self, call: Call, status: int, headers: httpx.Headers, body: bytes) -> Reply | NotSent | OutcomeUnknown:
        if status == 429:
            pause_s = self._pause(headers)
            self._pace.slow(pause_s)
            return NotSent("rate_limited", call.operation, pause_s)
        if status in self._limits.unprocessed:
            return NotSent(f"http_{status}", call.operation, self._pause(headers))
        if (not 200 <= status < 300 and not 400 <= status < 500) or status in _NOT_ANSWERED:
            return OutcomeUnknown(f"http_{status}", call.operation)
        if status == 401:
            return Reply(status, Node(None), headers)
        if "html" in headers.get("content-type", ""):
            return OutcomeUnknown("html_reply", call.operation)
        try:
            return Reply(status, Node(None) if call.bodyless else self._read(body), headers)
        except Unreadable as fault:
            return OutcomeUnknown(fault.code, f"{call.operation}: {fault.detail}")

    def _pause(self, headers: httpx.Headers) -> float:
        """Return `Retry-After` in real seconds: a number, or a date against the wall clock."""
        given = headers.get("retry-after", "").strip()
        if given.isascii() and given.isdigit():
            return min(float(given), _LONGEST_PAUSE_S)
        try:
            moment = parsedate_to_datetime(given)
        except ValueError:
            return _DEFAULT_PAUSE_S
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return min(max((aware - self._clock.wall()).total_seconds(), 0.0), _LONGEST_PAUSE_S)


class _Progress:
    """How far a request got, as the HTTP client traces it."""

    def __init__(self) -> None:
        self._connecting = self._sending = False

    @property
    def surely_not_sent(self) -> bool:
        """A connection was begun and nothing was written to it. In doubt it was sent."""
        return self._connecting and not self._sending

    async def note(self, event: str, _about: Mapping[str, Any]) -> None:
        """Take one event of the trace."""
        self._connecting = self._connecting or event == "connection.connect_tcp.started"
        self._sending = self._sending or event.endswith("send_request_headers.started")


def _told(end: Reply | NotSent | OutcomeUnknown) -> str:
    """Return how a call ended, in one of few words."""
    if isinstance(end, Reply):
        return "accepted" if end.accepted else "refused"
    return end.code


def _code_of(error: Exception) -> str:
    if isinstance(error, Unreadable):
        return error.code
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    return "connection_lost"


_CODES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    ((httpx.ConnectTimeout, httpx.PoolTimeout), "connect_timeout"),
    (httpx.ConnectError, "no_connection"),
    ((httpx.UnsupportedProtocol, httpx.InvalidURL), "bad_base_url"),
    ((httpx.TimeoutException, TimeoutError), "timeout"),
    ((httpx.RemoteProtocolError, httpx.DecodingError), "reply_cut"),
)
