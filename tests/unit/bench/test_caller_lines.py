"""The benchmark's own client: it keeps its lines, sends what it is told, and takes nothing but success for an answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from linkstar_bench.tracker.lines import Lines, NoAnswer

OK = b'HTTP/1.1 202 Accepted\r\nContent-Length: 14\r\nserver: test\r\n\r\n{"accepted":1}'


@asynccontextmanager
async def service(*answers: bytes) -> AsyncIterator[tuple[str, list[bytes], list[int]]]:
    """Answer requests of ten bytes in turn; tell what was asked and how many lines were opened."""
    asked, opened, left, closed = list[bytes](), list[int](), list(answers), asyncio.Semaphore(0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(1)
        while left:
            try:
                asked.append(await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(10))
            except asyncio.IncompleteReadError:
                break
            writer.write(left.pop(0))
        writer.close()
        await writer.wait_closed()
        closed.release()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked, opened
        for _ in opened:
            await closed.acquire()


async def test_requests_one_after_the_other_share_a_line() -> None:
    async with service(OK, OK, OK) as (url, asked, opened), aclosing(Lines(url)) as lines:
        for _ in range(3):
            assert await lines.post("/v1/calls", {"credential": "x"}, b'{"a":"bc"}') == b'{"accepted":1}'
    assert len(opened) == 1
    assert asked[0].startswith(b"POST /v1/calls HTTP/1.1\r\nhost: 127.0.0.1\r\n")
    assert b"\r\ncontent-length: 10\r\n" in asked[0]
    assert b"\r\ncredential: x\r\n" in asked[0]
    assert asked[0].endswith(b'\r\n\r\n{"a":"bc"}')


async def test_requests_at_once_have_a_line_each() -> None:
    async with service(OK, OK) as (url, _, opened), aclosing(Lines(url)) as lines:
        await asyncio.gather(*(lines.post("/", {}, b'{"a":"bc"}') for _ in range(2)))
    assert len(opened) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\ncut",
        b"",
    ],
)
async def test_anything_else_is_no_answer(answer: bytes) -> None:
    async with service(answer) as (url, _, _opened), aclosing(Lines(url)) as lines:
        with pytest.raises(NoAnswer):
            await lines.post("/", {}, b'{"a":"bc"}')
