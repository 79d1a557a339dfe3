"""One access token for all calls, under a manual clock."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from unit.carriers.misbehaving_carrier import (
    BUY,
    SHORT,
    START,
    carrier,
)

from linkstar_carriers.oauth import BearerTransport, client_credentials
from linkstar_carriers.outcomes import NotSent
from linkstar_carriers.tokens import Token, TokenSource
from linkstar_carriers.transport import Call, Transport, open_http
from linkstar_runtime.clock import ManualClock


class Issuer:
    def __init__(self, *outcomes: Token | NotSent) -> None:
        self.outcomes, self.asked = list(outcomes), 0

    async def fetch(self) -> Token | NotSent:
        self.asked += 1
        await asyncio.sleep(0)
        return self.outcomes.pop(0)


async def test_token_is_fetched_once_for_all_and_renewed_before_its_end() -> None:
    clock, issuer = ManualClock(START), Issuer(Token("one", 600), Token("two", 600))
    source = TokenSource(clock, issuer.fetch)
    assert await asyncio.gather(*(source.get() for _ in range(50))) == ["one"] * 50
    clock.advance(timedelta(seconds=539))
    assert await source.get() == "one"
    clock.advance(timedelta(seconds=2))
    assert await asyncio.gather(*(source.get() for _ in range(50))) == ["two"] * 50
    assert issuer.asked == 2


async def test_failed_token_is_shared_and_not_kept() -> None:
    issuer = Issuer(NotSent("timeout", "token"), Token("one", 600))
    source = TokenSource(ManualClock(START), issuer.fetch)
    assert await asyncio.gather(*(source.get() for _ in range(9))) == [NotSent("timeout", "token")] * 9
    assert await source.get() == "one"


async def test_caller_that_leaves_does_not_take_the_token_along() -> None:
    issuer = Issuer(Token("one", 600))
    source = TokenSource(ManualClock(START), issuer.fetch)
    leaving, staying = asyncio.create_task(source.get()), asyncio.create_task(source.get())
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == "one"
    assert issuer.asked == 1


async def test_refused_token_is_dropped_only_by_who_used_it() -> None:
    issuer = Issuer(Token("one", 600), Token("two", 600))
    source = TokenSource(ManualClock(START), issuer.fetch)
    first = await source.get()
    assert isinstance(first, str)
    source.reject(first)
    assert await source.get() == "two"
    source.reject(first)
    assert await source.get() == "two"
    assert "one" not in repr(Token("one", 600))


async def test_carrier_that_refuses_every_token_is_asked_twice() -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split()[1])
        token = head.startswith(b"POST /token")
        body = b'{"access_token": "t", "expires_in": 60}' if token else b"{}"
        status = "200 OK" if token else "401 No"
        kind = "Content-Type: application/json\r\nConnection: close\r\n"
        writer.write(f"HTTP/1.1 {status}\r\n{kind}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()

    async with carrier(serve) as address, open_http() as http:
        clock = ManualClock(START)
        transport = Transport("usps", http, clock, address, SHORT)
        bearer = BearerTransport(transport, client_credentials(transport, clock, Call("token", "POST", "/token")))
        outcome = await bearer.send(BUY)
    assert isinstance(outcome, NotSent)
    assert outcome.code == "credentials_rejected"
    assert asked == [b"/token", b"/label", b"/token", b"/label"]
