"""How a call ends, on real sockets that misbehave in one way each; and pace, breaker and token under a manual clock."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from linkstar_labeler.carriers.remote import AccountIncomplete, CarrierAccount, connect, open_http
from linkstar_labeler.carriers.remote.breaker import CircuitBreaker
from linkstar_labeler.carriers.remote.oauth import BearerTransport, client_credentials
from linkstar_labeler.carriers.remote.pace import Pace
from linkstar_labeler.carriers.remote.tokens import Token, TokenSource
from linkstar_labeler.carriers.remote.transport import Call, Limits, Reply, Transport
from linkstar_labeler.domain.connector import NotSent, OutcomeUnknown
from linkstar_runtime.clock import ManualClock
from linkstar_runtime.metrics import CARRIER_CALLS

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


async def ending(serve: Serve, call: Call = BUY) -> Reply | NotSent | OutcomeUnknown:
    async with carrier(serve) as address, open_http() as http:
        return await Transport("usps", http, ManualClock(START), address, SHORT).send(call)


HTML = b"<html><body>maintenance</body></html>"
NESTED = b"[" * 100_000


@pytest.mark.parametrize(
    ("serve", "code"),
    [
        (silent, "timeout"),
        (dripping, "timeout"),
        (hanging_up, "reply_cut"),
        (answering("200 OK", b'{"a": 1', length=50), "reply_cut"),
        (answering("200 OK", b'{"a": 1'), "malformed_reply"),
        (answering("200 OK", NESTED), "malformed_reply"),
        (answering("200 OK", b""), "malformed_reply"),
        (answering("200 OK", HTML, "Content-Type: text/html\r\n"), "html_reply"),
        (answering("403 Forbidden", HTML, "Content-Type: text/html\r\n"), "html_reply"),
        (answering("200 OK", b"\x1f\x8b", "Content-Encoding: gzip\r\n"), "unexpected_encoding"),
        (flooding, "reply_too_large"),
        (answering("500 Oops", b"{}"), "http_500"),
        (answering("503 Busy", b"{}"), "http_503"),
        (answering("302 Found", b"{}", "Location: /elsewhere\r\n"), "http_302"),
        (answering("408 Request Timeout", b"{}"), "http_408"),
    ],
)  # fmt: skip
async def test_sent_and_not_answered_is_unknown(serve: Serve, code: str) -> None:
    outcome = await ending(serve)
    assert isinstance(outcome, OutcomeUnknown), outcome
    assert outcome.code == code


@pytest.mark.parametrize("serve", [silent, hanging_up, answering("500 Oops", b"{}")], ids=["silent", "cut", "500"])
async def test_what_changes_nothing_is_never_unknown(serve: Serve) -> None:
    assert isinstance(await ending(serve, LOOK), NotSent)


async def test_every_call_is_counted_by_how_it_ended() -> None:
    ends = {"accepted": answering("200 OK", b"{}"), "refused": answering("400 No", b"{}"), "reply_cut": hanging_up}
    before = {end: CARRIER_CALLS.read(("usps", "buy", end)) for end in ends}
    for serve in ends.values():
        await ending(serve)
    assert {end: CARRIER_CALLS.read(("usps", "buy", end)) - before[end] for end in ends} == dict.fromkeys(ends, 1)


async def test_whole_answers_are_replies() -> None:
    accepted = await ending(answering("200 OK", b'{"price": 5.10}'))
    assert isinstance(accepted, Reply)
    assert accepted.accepted
    assert accepted.root["price"].money("USD").amount_minor == 510
    refused = await ending(answering("400 Bad", b'{"code": "x"}'))
    assert isinstance(refused, Reply)
    assert not refused.accepted


async def test_nobody_there_is_not_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with open_http() as http:
            outcome = await Transport("usps", http, ManualClock(START), address, SHORT).send(BUY)
    assert isinstance(outcome, NotSent)
    assert outcome.code == "no_connection"


async def test_name_that_does_not_resolve_is_not_sent() -> None:
    async with open_http() as http:
        outcome = await Transport("usps", http, ManualClock(START), "https://carrier.invalid", SHORT).send(BUY)
    assert isinstance(outcome, NotSent)
    assert outcome.code == "no_connection"


@pytest.mark.parametrize(
    ("header", "after_s"),
    [
        ("Retry-After: 30\r\n", 30.0),
        ("Retry-After: Mon, 23 Nov 2026 09:02:00 GMT\r\n", 120.0),
        ("Retry-After: 99999999\r\n", 3600.0),
        ("Retry-After: soon\r\n", 5.0),
        ("", 5.0),
    ],
)
async def test_too_many_requests_is_not_sent_and_says_when(header: str, after_s: float) -> None:
    outcome = await ending(answering("429 Slow", b"{}", header))
    assert outcome == NotSent("rate_limited", "buy", after_s)


def test_calls_and_replies_show_nothing_of_their_content() -> None:
    call = Call(
        "buy", "POST", "/label", {"Authorization": "Bearer s3cret"}, json={"name": "Ada"}, basic=("me", "s3cret")
    )
    assert "s3cret" not in repr(call)
    assert "Ada" not in repr(call)


# -- pace -------------------------------------------------------------------------------------------------------------


async def test_pace_lets_a_burst_pass_and_then_its_rate() -> None:
    clock = ManualClock(START)
    pace = Pace(clock, per_s=2, burst=3, at_once=8)
    for _ in range(7):
        async with pace.turn() as late:
            assert late is None
    assert clock.monotonic() == pytest.approx(2.0)


async def test_pace_halves_on_429_and_grows_back_by_steps() -> None:
    clock = ManualClock(START)
    pace = Pace(clock, per_s=8, burst=1, at_once=8)
    pace.slow(30)
    assert pace.budget.per_s == 4
    assert pace.budget.blocked_for_s == 30
    async with pace.turn() as late:
        assert late is not None
        assert late.after_s > 30
    clock.advance(timedelta(seconds=31))
    for _ in range(100):
        pace.grow()
    assert pace.budget.per_s == 8
    for _ in range(100):
        pace.slow(0)
    assert pace.budget.per_s == pytest.approx(0.4)


async def test_pace_bounds_what_is_under_way() -> None:
    pace = Pace(ManualClock(START), per_s=1000, burst=1000, at_once=2)
    under_way, most = 0, 0

    async def call() -> None:
        nonlocal under_way, most
        async with pace.turn():
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1

    await asyncio.gather(*(call() for _ in range(20)))
    assert most == 2


# -- breaker ----------------------------------------------------------------------------------------------------------


def test_breaker_opens_probes_and_closes() -> None:
    clock = ManualClock(START)
    breaker = CircuitBreaker(clock, failures=3, open_s=10, longest_s=25)
    for _ in range(3):
        assert breaker.admit() is None
        breaker.failed()
    refused = breaker.admit()
    assert refused == NotSent("carrier_unavailable", "the carrier has not answered of late", 10.0)
    clock.advance(timedelta(seconds=10))
    assert breaker.state == "half_open"
    assert breaker.admit() is None
    assert breaker.admit() is not None, "one probe at a time"
    breaker.failed()
    for pause_s in (20, 25, 25):
        clock.advance(timedelta(seconds=pause_s - 1))
        assert breaker.admit() is not None
        clock.advance(timedelta(seconds=1))
        assert breaker.admit() is None
        breaker.failed()
    clock.advance(timedelta(seconds=25))
    assert breaker.admit() is None
    breaker.abandoned()
    assert breaker.admit() is None
    breaker.succeeded()
    assert breaker.state == "closed"


async def test_dead_carrier_is_left_alone() -> None:
    clock = ManualClock(START)
    asked = 0

    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await answering("500 Oops", b"{}", "Connection: close\r\n")(reader, writer)

    async with carrier(broken) as address, open_http() as http:
        transport = Transport("usps", http, clock, address, SHORT)
        outcomes = [await transport.send(BUY) for _ in range(9)]
    assert asked == 5
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown] * 5 + [NotSent] * 4
    assert outcomes[-1].code == "carrier_unavailable"  # type: ignore[union-attr]


async def test_cancelled_call_frees_the_probe() -> None:
    clock = ManualClock(START)
    async with carrier(silent) as address, open_http() as http:
        transport = Transport("usps", http, clock, address, Limits(read_s=30))
        task = asyncio.create_task(transport.send(BUY))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


# -- tokens -----------------------------------------------------------------------------------------------------------


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


# -- accounts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "base_url",
    [
        "http://carrier.example",
        "ftp://127.0.0.1",
        "carrier.example",
        "https://me:secret@carrier.example",
        "https://a?b=c",
    ],
)
def test_credentials_never_travel_in_clear(base_url: str) -> None:
    with pytest.raises(AccountIncomplete) as refused:
        CarrierAccount("usps", base_url, "1")
    assert refused.value.code == "bad_base_url"
    assert "secret" not in str(refused.value)


def usps(base_url: str = "https://apis.usps.com", **settings: str) -> CarrierAccount:
    secrets = {"client_id": "x", "client_secret": "hush"}
    return CarrierAccount("usps", base_url, "1", secrets, {"crid": "1", "mid": "123456", **settings})


@pytest.mark.parametrize(
    ("account", "code", "says"),
    [
        (dataclasses.replace(usps(), credentials={"client_id": "x"}), "missing_setting", "client_secret"),
        (CarrierAccount("pigeon", "https://carrier.example", "1"), "unknown_connector", "pigeon"),
        (usps("https://metadata.internal"), "unknown_host", "metadata.internal"),
        (usps("https://apis.usps.com.evil.example"), "unknown_host", "evil"),
        (usps("https://apis.fedex.com"), "unknown_host", "no host of usps"),
        (usps(auth_url="https://elsewhere.example"), "unknown_host", "elsewhere"),
        (usps(calls_per_s="0"), "bad_setting", "calls_per_s"),
        (usps(calls_at_once="many"), "bad_setting", "calls_at_once"),
        (usps(label_format="DOC"), "bad_setting", "label_format"),
    ],
)
async def test_accounts_that_cannot_work_are_named_not_tried(account: CarrierAccount, code: str, says: str) -> None:
    async with open_http() as http:
        with pytest.raises(AccountIncomplete, match=says) as refused:
            connect(account, http, ManualClock(START), simulators=False)
    assert refused.value.code == code
    assert "hush" not in repr(account) + str(refused.value)


async def test_simulators_are_for_machines_that_allow_them() -> None:
    async with open_http() as http:
        for host in ("127.0.0.1:8090", "localhost", "[::1]:80"):
            connect(usps(f"http://{host}/usps"), http, ManualClock(START))
            with pytest.raises(AccountIncomplete, match="no host of usps"):
                connect(usps(f"http://{host}/usps"), http, ManualClock(START), simulators=False)
        connect(usps("https://apis-tem.usps.com", calls_per_s="0.5"), http, ManualClock(START), simulators=False)
