"""The proxy of our own: forwards, cuts, refuses, delays, and loses answers on one way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from random import Random

import pytest

from linkstar_sandbox.chaos.proxy import Proxy, tcp
from linkstar_sandbox.ports import free_ports


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """A proxy before a server that says everything back."""
    server_port, port = free_ports(2)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(1000):
                writer.write(chunk)
        writer.transport.abort()

    server = await asyncio.start_server(echo, "127.0.0.1", server_port)
    proxy = Proxy(port, tcp(server_port))
    await proxy.start()
    yield proxy
    await proxy.stop()
    server.close()
    await asyncio.sleep(0.05)


async def said_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: bytes) -> bytes:
    writer.write(text)
    try:
        return await asyncio.wait_for(reader.read(1000), 0.5)
    except (TimeoutError, ConnectionError):
        return b""


async def test_bytes_pass_until_the_connection_is_cut(proxy: Proxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await said_back(reader, writer, b"one") == b"one"
    assert proxy.cut(Random(1), 1.0) == 1
    assert await said_back(reader, writer, b"two") == b""
    writer.close()


async def test_a_refusing_proxy_takes_no_connection_and_then_takes_them_again(proxy: Proxy) -> None:
    proxy.refuse(True)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await said_back(reader, writer, b"one") == b""
    writer.close()
    proxy.refuse(False)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await said_back(reader, writer, b"two") == b"two"
    writer.close()


async def test_a_deaf_connection_loses_answers_until_it_is_cut(proxy: Proxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await said_back(reader, writer, b"one") == b"one"
    assert proxy.swallow(Random(1), 1.0) == 1
    assert await said_back(reader, writer, b"two") == b""
    proxy.cut_deaf()
    assert await reader.read(10) == b""
    writer.close()


async def test_a_delay_holds_bytes_back_and_loses_none(proxy: Proxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    proxy.delay(0.05)
    began = asyncio.get_running_loop().time()
    assert await said_back(reader, writer, b"one") == b"one"
    assert asyncio.get_running_loop().time() - began >= 0.09
    writer.close()
