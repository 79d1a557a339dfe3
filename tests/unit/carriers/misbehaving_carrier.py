"""Carriers on real sockets that misbehave in one way each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from linkstar_carriers.transport import Call, Limits

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
BUY = Call("buy", "POST", "/label", json={"parcel": 1})
LOOK = Call("look", "GET", "/label", changes=False)


@asynccontextmanager
async def carrier(serve: Serve) -> AsyncIterator[str]:
    serving: list[asyncio.Task[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.ensure_future(_until_closed(serve, reader, writer)))

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def _until_closed(serve: Serve, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await serve(reader, writer)
    finally:
        writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()
        await writer.wait_closed()


def answering(status: str, body: bytes, headers: str = "", length: int | None = None) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        size = len(body) if length is None else length
        kind = "" if "Content-Type" in headers else "Content-Type: application/json\r\n"
        writer.write(f"HTTP/1.1 {status}\r\n{kind}{headers}Content-Length: {size}\r\n\r\n".encode() + body)
        await writer.drain()

    return serve


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def hanging_up(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n")
    while not reader.at_eof():
        writer.write(b" ")
        await asyncio.sleep(0.01)


async def flooding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20000000\r\n\r\n")
    for _ in range(200):
        writer.write(b" " * 100_000)
        await writer.drain()


SHORT = Limits(connect_s=5, read_s=0.2, whole_s=0.4, reply_bytes=100_000)
