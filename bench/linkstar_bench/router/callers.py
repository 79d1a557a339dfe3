"""HTTP callers that cost next to nothing themselves: kept connections, requests at due times, answers read whole."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from urllib.parse import urlsplit

from linkstar_runtime.clock import Clock

__all__ = ["Callers"]

_CONNECTIONS = 32
_STREAM = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Callers:
    """A pool of connections to one address, with one key."""

    def __init__(self, url: str, key: str, clock: Clock) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._head = f"host: {parts.netloc}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n"
        self._clock = clock
        self._idle: asyncio.Queue[_STREAM] = asyncio.Queue()
        self.began = self.seconds = 0.0

    async def __aenter__(self) -> Callers:
        for _ in range(_CONNECTIONS):
            self._idle.put_nowait(await asyncio.open_connection(self._host, self._port))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while not self._idle.empty():
            self._idle.get_nowait()[1].close()

    async def paced(self, path: str, bodies: Sequence[bytes], rate: float) -> list[float]:
        """Post each body when it is due, whatever became of the others; return the seconds from due time to answer."""
        self.began = self._clock.monotonic()
        calls = []
        for number, body in enumerate(bodies):
            due = self.began + number / rate
            await asyncio.sleep(max(0.0, due - self._clock.monotonic()))
            calls.append(asyncio.create_task(self._timed(path, body, due)))
        took = await asyncio.gather(*calls)
        self.seconds = self._clock.monotonic() - self.began
        return took

    async def _timed(self, path: str, body: bytes, due: float) -> float:
        stream = await self._idle.get()
        try:
            await self._post(stream, path, body)
        finally:
            self._idle.put_nowait(stream)
        return self._clock.monotonic() - due

    async def _post(self, stream: _STREAM, path: str, body: bytes) -> None:
        reader, writer = stream
        head = f"POST {path} HTTP/1.1\r\n{self._head}content-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(answer.partition("content-length: ")[2].partition("\r\n")[0])
        content = await reader.readexactly(length)
        if " 200 " not in answer.partition("\r\n")[0]:
            raise RuntimeError(f"{path} answered {answer.partition(chr(13))[0]}: {content[:300]!r}")
