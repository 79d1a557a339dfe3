"""Lines to an HTTP service for a caller that must not be what waits: a request costs it a tenth of a full client's CPU."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

from linkstar_runtime.clock import Clock

__all__ = ["Lines", "NoAnswer"]

_Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_KEPT_S = 2.0
"""Less than the five seconds for which services keep a line that nobody uses."""
_ANSWER_S = 30.0
_BODY = b"content-length:"


class NoAnswer(Exception):
    """The service answered with something else than success, or not so that this client can read it."""


class Lines:
    """Connections that are kept: a request takes one that is free, or opens one."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._host, self._port = place.hostname or "", place.port or 80
        self._free: list[tuple[float, _Line]] = []
        self._all: list[asyncio.StreamWriter] = []
        self._clock = Clock()

    async def aclose(self) -> None:
        """Close all of them."""
        for writer in self._all:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """Return the body of a successful answer. Raises NoAnswer on any other, and OSError where none comes in time."""
        reader, writer = line = await self._line()
        told = {"host": self._host, "content-type": "application/json", "content-length": str(len(body)), **headers}
        head = "".join([f"{name}: {value}\r\n" for name, value in told.items()])
        writer.write(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        async with asyncio.timeout(_ANSWER_S):
            answer = await _answer(reader)
        self._free.append((self._clock.monotonic(), line))
        if not 200 <= answer.status < 300:
            raise NoAnswer(f"{answer.status}: {answer.body[:300]!r}")
        return answer.body

    async def _line(self) -> _Line:
        """Return the line that was used last, while the service surely keeps it."""
        since, line = self._free.pop() if self._free else (0.0, None)
        if line is not None and self._clock.monotonic() - since < _KEPT_S:
            return line
        line = await asyncio.open_connection(self._host, self._port)
        self._all.append(line[1])
        return line


class _Answer(NamedTuple):
    status: int
    body: bytes


async def _answer(reader: asyncio.StreamReader) -> _Answer:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        begin = head.index(_BODY) + len(_BODY)
        length = int(head[begin : head.index(b"\r\n", begin)])
        return _Answer(int(head[9:12]), await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ValueError) as error:
        raise NoAnswer(f"no answer of a known length: {type(error).__name__}") from error
