"""How a call ends, on real sockets that misbehave in one way each."""

from __future__ import annotations

import socket

import pytest
from unit.carriers.misbehaving_carrier import (
    BUY,
    LOOK,
    SHORT,
    START,
    Serve,
    answering,
    carrier,
    dripping,
    flooding,
    hanging_up,
    silent,
)

from linkstar_carriers.outcomes import NotSent, OutcomeUnknown
from linkstar_carriers.transport import Call, Reply, Transport, open_http
from linkstar_runtime.clock import ManualClock
from linkstar_runtime.metrics import CARRIER_CALLS


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
