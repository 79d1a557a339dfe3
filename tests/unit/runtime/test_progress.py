"""Lag is seen where it is: in records, in seconds, and as a process that no longer moves."""

from __future__ import annotations

from typing import Any

from behaviour.member import Member, cancel_request, count_cancels, publish
from behaviour.stage import one_shard

from linkstar_contracts.events import OrderCancelled
from linkstar_runtime.clock import Clock
from linkstar_runtime.metrics import (
    EVENTS_OUT,
    KAFKA_REACHABLE,
    LAG_RECORDS,
    LAG_SECONDS,
    NO_PROGRESS_SECONDS,
    RECORDS_IN,
    OfTopic,
    OfType,
)
from linkstar_runtime.ports import BrokerUnavailable
from linkstar_runtime.progress import Progress
from linkstar_runtime.testing import MemoryBroker, MemoryStore
from linkstar_runtime.watchdog import Watchdog

INBOUND = OfTopic("orders-inbound")


class _HandClock(Clock):
    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


class _Desk:
    """A member whose progress is looked at every five seconds of a clock moved by hand."""

    def __init__(self) -> None:
        self.broker, self.clock = MemoryBroker(), _HandClock()
        self.member = Member(self.broker, MemoryStore(self.clock), count_cancels, clock=self.clock)
        self.progress = Progress(self.member.stage, self.member.ownership, self.clock)
        self.watchdog = Watchdog(
            self.member.stage, self.member.ownership, self.member.sweep, lambda: True, self.clock, 60,
            progress=self.progress,
        )  # fmt: skip

    async def pass_time(self, seconds: int) -> str | None:
        for _ in range(seconds // 5):
            self.clock.seconds += 5
            self.member.sweep.last_turn = self.clock.seconds
            await self.progress.look()
        return self.watchdog.stalled()


async def test_a_consumer_that_no_longer_fetches_is_seen_and_ended() -> None:
    desk = _Desk()
    await desk.member.turn()
    for order in one_shard(3):
        publish(desk.broker, cancel_request(order))
    assert await desk.pass_time(60) is None
    assert LAG_RECORDS.read(INBOUND) == 3
    assert LAG_SECONDS.read() == 55
    assert NO_PROGRESS_SECONDS.read() == 55
    assert await desk.pass_time(15) == "records wait and no offset moves"


async def test_an_idle_member_and_a_slow_one_are_no_stall() -> None:
    desk = _Desk()
    await desk.member.turn()
    assert await desk.pass_time(600) is None
    assert LAG_SECONDS.read() == 0
    for order in one_shard(30):
        publish(desk.broker, cancel_request(order))
    for _ in range(20):
        await desk.member.stage.deliver(desk.member.consumer.poll(1))
        assert await desk.pass_time(30) is None
    assert LAG_RECORDS.read(INBOUND) == 10
    assert LAG_SECONDS.read() >= 500
    assert NO_PROGRESS_SECONDS.read() <= 30


async def test_a_marker_behind_the_last_record_is_no_lag() -> None:
    """Upstream transactions end with markers that are handed to nobody: no stored offset ever passes them."""
    desk = _Desk()
    await desk.member.turn()
    publish(desk.broker, cancel_request("order-1"))
    partition, _ = publish(desk.broker, cancel_request("order-1"))
    await desk.pass_time(30)
    assert LAG_SECONDS.read() > 0
    desk.member.consumer.positions["orders-inbound", partition] = 2
    assert await desk.pass_time(600) is None
    assert (LAG_RECORDS.read(INBOUND), LAG_SECONDS.read(), NO_PROGRESS_SECONDS.read()) == (0, 0, 0)


async def test_an_outage_is_not_held_against_the_process() -> None:
    """Neither a broker that does not answer nor shards that back off make a restart useful."""
    desk = _Desk()
    await desk.member.turn()
    publish(desk.broker, cancel_request("order-1"))
    await desk.pass_time(30)
    answer = desk.member.consumer.bounds

    async def away(_places: Any) -> Any:
        raise BrokerUnavailable("away")

    desk.member.consumer.bounds = away  # type: ignore[method-assign]
    assert await desk.pass_time(300) is None
    assert KAFKA_REACHABLE.read() == 0
    desk.member.consumer.bounds = answer  # type: ignore[method-assign]
    desk.member.stage._paused_until = dict.fromkeys(range(12), 1e9)
    assert await desk.pass_time(300) is None
    assert KAFKA_REACHABLE.read() == 1
    assert NO_PROGRESS_SECONDS.read() > 300


async def test_records_and_events_count_once_committed() -> None:
    desk = _Desk()
    await desk.member.turn()
    cancelled = OfType(OrderCancelled.TYPE)
    records, events = RECORDS_IN.read(INBOUND), EVENTS_OUT.read(cancelled)
    publish(desk.broker, cancel_request("order-1"))
    desk.member.store.faults.append("unavailable")
    await desk.member.stage.deliver(desk.member.consumer.poll())
    assert (RECORDS_IN.read(INBOUND), EVENTS_OUT.read(cancelled)) == (records, events)
    desk.clock.seconds += 60
    await desk.member.settle(3)
    assert (RECORDS_IN.read(INBOUND), EVENTS_OUT.read(cancelled)) == (records + 1, events + 1)


async def test_what_was_handed_over_and_is_not_done_still_waits() -> None:
    """Attempts that hang and back off in turn hand the same records over again and again: that is no progress."""
    desk = _Desk()
    await desk.member.turn()
    for order in one_shard(3):
        publish(desk.broker, cancel_request(order))
    records = desk.member.consumer.poll()
    desk.member.ownership.admit(records[0].topic, records[0].partition, records[-1].offset + 1)
    await desk.pass_time(300)
    assert LAG_RECORDS.read(INBOUND) == 3
    assert NO_PROGRESS_SECONDS.read() >= 290
