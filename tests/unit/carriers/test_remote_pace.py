"""How fast an account is called, and when no more, under a manual clock."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from unit.carriers.misbehaving_carrier import (
    BUY,
    SHORT,
    START,
    answering,
    carrier,
    silent,
)

from linkstar_carriers.breaker import CircuitBreaker
from linkstar_carriers.outcomes import NotSent, OutcomeUnknown
from linkstar_carriers.pace import Pace
from linkstar_carriers.transport import Limits, Transport, open_http
from linkstar_runtime.clock import ManualClock


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
