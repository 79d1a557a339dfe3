"""The watchdog ends a process that is stuck, and never one that is only busy."""

from __future__ import annotations

import asyncio
from typing import Any

from behaviour.member import Member, cancel_request, count_cancels, publish

from linkstar_runtime.clock import Clock
from linkstar_runtime.testing import MemoryBroker, MemoryStore
from linkstar_runtime.watchdog import Watchdog


class _HandClock(Clock):
    """A clock that a test moves by hand."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


def _watched(handler: Any = count_cancels) -> tuple[MemoryBroker, Member, _HandClock, Watchdog]:
    broker, clock = MemoryBroker(), _HandClock()
    member = Member(broker, MemoryStore(clock), handler, clock=clock)
    return broker, member, clock, Watchdog(member.stage, member.ownership, member.sweep, lambda: True, clock, 60)


async def test_deliveries_without_a_pause_are_no_stall() -> None:
    verdicts: list[str | None] = []

    async def busy(batch: Any, tx: Any) -> Any:
        clock.seconds += 1
        member.sweep.last_turn = clock.seconds
        verdicts.append(watchdog.stalled())
        return await count_cancels(batch, tx)

    broker, member, clock, watchdog = _watched(busy)
    await member.turn()
    for number in range(200):
        publish(broker, cancel_request(f"order-{number}"))
        await member.stage.deliver(member.consumer.poll())
    assert verdicts == [None] * 200


async def test_a_delivery_that_does_not_end_is_a_stall() -> None:
    async def stuck(_batch: Any, _tx: Any) -> Any:
        await asyncio.Event().wait()

    broker, member, clock, watchdog = _watched(stuck)
    await member.turn()
    publish(broker, cancel_request("order-1"))
    delivery = asyncio.create_task(member.stage.deliver(member.consumer.poll()))
    await asyncio.sleep(0.01)
    verdicts = []
    for _ in range(70):
        clock.seconds += 1
        member.sweep.last_turn = clock.seconds
        verdicts.append(watchdog.stalled())
    delivery.cancel()
    assert verdicts[:60] == [None] * 60
    assert verdicts[-1] == "delivery does not end"


async def test_a_loop_that_ended_and_a_sweep_that_hangs_are_stalls() -> None:
    _, member, clock, _ = _watched()
    ended = Watchdog(member.stage, member.ownership, member.sweep, lambda: False, clock, 60)
    hanging = Watchdog(member.stage, member.ownership, member.sweep, lambda: True, clock, 60)
    found = []
    for _ in range(70):
        clock.seconds += 1
        found.append((ended.stalled(), hanging.stalled()))
    assert found[0] == (None, None)
    assert found[-1] == ("consume loop ended", "sweep does not turn")
    assert not ended.turning(5)


async def test_an_outage_of_any_length_only_slows_the_retries() -> None:
    broker, member, _, _ = _watched()
    await member.turn()
    publish(broker, cancel_request("order-1"))
    member.stage._failures = dict.fromkeys(range(12), 5_000)
    member.store.faults.append("unavailable")
    await member.stage.deliver(member.consumer.poll())
    assert max(member.stage._paused_until.values()) <= 0.015


async def test_a_consume_loop_that_crashes_again_and_again_is_a_stall() -> None:
    _, member, clock, _ = _watched()
    await member.turn()
    crashes = 0
    watchdog = Watchdog(member.stage, member.ownership, member.sweep, lambda: True, clock, 60, lambda: crashes)
    verdicts = []
    for second in range(150):
        crashes += second < 20 or second > 60
        clock.seconds += 1
        member.sweep.last_turn = clock.seconds
        verdicts.append(watchdog.stalled())
    assert verdicts[:121] == [None] * 121
    assert verdicts[-1] == "consume loop keeps crashing"


async def test_a_rebalance_that_does_not_end_is_a_stall() -> None:
    _, member, clock, watchdog = _watched()
    await member.turn()
    member.ownership.revoked()
    verdicts = []
    for _ in range(70):
        clock.seconds += 1
        member.sweep.last_turn = clock.seconds
        verdicts.append(watchdog.stalled())
    assert verdicts[50] is None
    assert verdicts[-1] == "rebalance does not end"
