"""The Karrio SDK (LGPL-3.0, the extra `karrio`) as a guest that writes requests and reads replies, and touches nothing else.

Its HTTP client is taken out: every call goes over the account's own transport, so that time-outs, pace, TLS and the ways a
call can end are ours, and nothing is sent twice. What it changes in the process when it is imported (certificates of HTTPS
are no longer checked, cut pictures are accepted, requests are logged) is undone at once.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import io
import ssl
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NoReturn
from urllib.error import HTTPError
from urllib.response import addinfourl

from PIL import ImageFile

from linkstar_carriers.account import AccountIncomplete
from linkstar_carriers.replies import Node
from linkstar_carriers.transport import Call, Reply, Transport
from linkstar_labeler.domain.connector import NotSent, OutcomeUnknown

__all__ = ["Exchange", "Sdk", "load", "whole_body"]

_READS = frozenset({"GET", "HEAD"})


@dataclass
class Exchange:
    """What the SDK sent for one operation, and how each call ended. Closed, it lets nothing more out."""

    operation: str
    transport: Transport
    base_url: str
    loop: asyncio.AbstractEventLoop
    longest_s: float
    """How long a thread waits at most; the transport is done before, unless its loop has ended."""
    ends: list[tuple[Call, Reply | NotSent | OutcomeUnknown]] = field(default_factory=list)
    closed: bool = False

    def call(self, url: str, method: str, headers: Mapping[str, Any], data: Any) -> Reply:
        """Make one call from the SDK's thread. Raises ConnectionError for every end that is no whole answer."""
        path = url.removeprefix(self.base_url)
        kept = {name: str(value) for name, value in headers.items() if value is not None}
        content = data.encode() if isinstance(data, str) else data
        call = Call(self.operation, method, path, kept, content=content, changes=method not in _READS)
        end = self._send(call) if url.startswith(f"{self.base_url}/") else OutcomeUnknown("foreign_url", self.operation)
        self.ends.append((call, end))
        if not isinstance(end, Reply):
            raise ConnectionError(end.code)
        return end

    def _send(self, call: Call) -> Reply | NotSent | OutcomeUnknown:
        if self.closed:
            return NotSent("timeout", "nobody waits for the answer any more")
        sending = asyncio.run_coroutine_threadsafe(self.transport.send(call), self.loop)
        try:
            return sending.result(self.longest_s)
        except TimeoutError:
            return OutcomeUnknown("timeout", self.operation)


@dataclass(frozen=True)
class Sdk:
    """The loaded SDK."""

    root: Any

    def gateway(self, package: str, base_url: str, **fields: str) -> Any:
        """Return a carrier's gateway that is at `base_url`. Raises `AccountIncomplete` without the carrier's package."""
        try:
            with _undone():
                base = _module(f"mappers.{package}.settings").Settings
                settings = type("Settings", (base,), {"server_url": property(lambda _self: base_url)})
                made = self.root.gateway[package].create(settings(**fields))
        except ImportError:
            raise _missing(f"karrio-{package.replace('_', '-')} is not installed") from None
        importlib.import_module("loguru").logger.remove()
        return made

    def run(self, exchange: Exchange, work: Callable[[], Any]) -> Any:
        """Do what is asked of the SDK, in a thread of the caller's; its calls are the exchange's."""
        _EXCHANGE.set(exchange)
        return work()


_EXCHANGE: ContextVar[Exchange] = ContextVar("exchange")


@cache
def load() -> Sdk:
    """Import the SDK. Raises `AccountIncomplete` when it is missing, or when its client cannot be taken out for certain."""
    if importlib.util.find_spec("sentry_sdk"):
        raise AccountIncomplete(
            "karrio_unsafe", "with sentry-sdk in the environment Karrio may buy twice: uninstall it"
        )
    try:
        with _undone():
            root, lib, helpers = (_module(name) for name in ("sdk", "lib", "core.utils.helpers"))
    except ImportError:
        raise _missing("karrio is not installed") from None
    if not all(hasattr(helpers, name) for name in ("_urlopen_with_span", "urlopen", "decode_bytes")):
        raise AccountIncomplete("karrio_unsafe", "this version of Karrio is not known: install the one the extra names")
    helpers._urlopen_with_span = helpers.urlopen = _refused
    lib.request, lib.request_with_response = _requesting(helpers.decode_bytes), _refused
    importlib.import_module("loguru").logger.remove()
    return Sdk(root)


def whole_body(body: bytes) -> Node:
    """Leave a reply as it is: the SDK reads it."""
    return Node(body)


def _module(name: str) -> Any:
    return importlib.import_module(f"karrio.{name}")


def _missing(what: str) -> AccountIncomplete:
    return AccountIncomplete("karrio_missing", f"{what}: pip install 'linkstar-labeler[karrio]'")


@contextmanager
def _undone() -> Iterator[None]:
    """Whatever is imported, certificates go on being checked and cut pictures stay broken; nothing deprecated is told."""
    checked, lenient = ssl._create_default_https_context, ImageFile.LOAD_TRUNCATED_IMAGES
    try:
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            yield
    finally:
        ssl._create_default_https_context, ImageFile.LOAD_TRUNCATED_IMAGES = checked, lenient


def _requesting(decode: Callable[[bytes], str]) -> Callable[..., Any]:
    def request(
        url: str, method: str = "GET", headers: Mapping[str, Any] | None = None, data: Any = None,
        decoder: Callable[[bytes], Any] = decode, on_ok: Any = None, on_error: Any = None, **_told: Any,
    ) -> Any:  # fmt: skip
        reply = _EXCHANGE.get().call(url, method, headers or {}, data)
        body = reply.root.value if isinstance(reply.root.value, bytes) else b""
        told: Any = dict(reply.headers)
        if reply.accepted:
            return on_ok(addinfourl(io.BytesIO(body), told, url, reply.status)) if on_ok else decoder(body)
        return on_error(HTTPError(url, reply.status, "refused", told, io.BytesIO(body))) if on_error else decode(body)

    return request


def _refused(*_args: object, **_kwargs: object) -> NoReturn:
    raise ConnectionError("only LinkStar's own transport speaks to carriers")
