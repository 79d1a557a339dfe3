"""A TCP proxy of our own between services and servers: cuts connections, refuses new ones, holds bytes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random

__all__ = ["Proxy", "tcp", "unix"]

_CHUNK = 256 * 1024
Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


def tcp(port: int) -> Connect:
    """Connect to a loopback port."""
    return lambda: asyncio.open_connection("127.0.0.1", port)


def unix(path: str) -> Connect:
    """Connect to a Unix socket."""
    return lambda: asyncio.open_unix_connection(path)


class Proxy:
    """Forwards connections to `port` of the loopback to whatever `connect` reaches."""

    def __init__(self, port: int, connect: Connect) -> None:
        self.port, self._connect = port, connect
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._refusing = False
        self._delay_s = 0.0

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Listen no longer and end every connection."""
        if self._server is not None:
            self._server.close()
        self.cut(Random(0), 1.0)
        await asyncio.gather(*self._serving, return_exceptions=True)

    def cut(self, chance: Random, share: float) -> int:
        """Abort about `share` of the connections in mid-flow; returns how many."""
        chosen = [link for link in self._links if chance.random() < share]
        for link in chosen:
            link.abort()
        return len(chosen)

    def refuse(self, refusing: bool) -> None:
        """Take no new connection, or take them again."""
        self._refusing = refusing

    def delay(self, seconds: float) -> None:
        """Hold every chunk back for so long, in both directions; 0 ends it."""
        self._delay_s = seconds

    def swallow(self, chance: Random, share: float) -> int:
        """Make about `share` of the connections deaf one way: replies are lost, nobody is told. They end with a cut."""
        chosen = [link for link in self._links if chance.random() < share]
        for link in chosen:
            link.deaf = True
        return len(chosen)

    def cut_deaf(self) -> None:
        """Abort the connections that were made deaf."""
        for link in [link for link in self._links if link.deaf]:
            link.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        try:
            server_reader, server_writer = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, server_writer)
        self._links.add(link)
        try:
            await asyncio.gather(
                self._pump(link, reader, server_writer, answers=False),
                self._pump(link, server_reader, writer, answers=True),
            )
        finally:
            link.abort()
            self._links.discard(link)

    async def _pump(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                if link.deaf and answers:
                    continue
                writer.write(chunk)
                await writer.drain()
        link.abort()


class _Link:
    """Both halves of one connection."""

    def __init__(self, *writers: asyncio.StreamWriter) -> None:
        self._writers = writers
        self.deaf = False

    def abort(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
