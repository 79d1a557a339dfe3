"""Virtual time, frozen and dead processes: what the simulation stands on."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Coroutine
from typing import Any

import pytest

from simulation.loop import Exhausted, Process, VirtualLoop, bury


def turn(loop: VirtualLoop, *work: Coroutine[Any, Any, None]) -> None:
    """Run until all of `work` is done."""

    async def main() -> None:
        await asyncio.gather(*work)
        loop.stop()

    loop.call_soon(lambda: loop.create_task(main()))
    loop.run()
    bury(loop.tasks)


@pytest.fixture
def loop() -> VirtualLoop:
    return VirtualLoop(random.Random(1), 10_000)


def test_time_jumps_and_sleepers_wake_in_order(loop: VirtualLoop) -> None:
    woken: list[float] = []

    async def sleeper(seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append(loop.time())

    turn(loop, sleeper(3600.0), sleeper(0.5), sleeper(86_400.0))
    assert woken == [0.5, 3600.0, 86_400.0]


def test_the_order_of_what_is_ready_is_drawn_from_the_seed() -> None:
    def course(seed: int) -> list[int]:
        seen: list[int] = []

        async def step(number: int) -> None:
            await asyncio.sleep(0)
            seen.append(number)

        turn(VirtualLoop(random.Random(seed), 10_000), *(step(number) for number in range(8)))
        return seen

    assert course(1) == course(1)
    assert len({tuple(course(seed)) for seed in range(5)}) > 1


def test_time_outs_and_locks_of_asyncio_work(loop: VirtualLoop) -> None:
    lock = asyncio.Lock()

    async def impatient() -> None:
        await lock.acquire()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lock.acquire(), 2.0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3.0):
                await asyncio.sleep(50.0)

    turn(loop, impatient())
    assert loop.time() == 5.0


def test_a_frozen_process_stands_still_and_goes_on(loop: VirtualLoop) -> None:
    process, steps = Process(loop), []

    async def work() -> None:
        for _ in range(4):
            await asyncio.sleep(1.0)
            steps.append(loop.time())

    async def watch() -> None:
        process.spawn(work())
        await asyncio.sleep(1.5)
        process.freeze(10.0)
        await asyncio.sleep(20.0)

    turn(loop, watch())
    assert steps == [1.0, 11.5, 12.5, 13.5]


def test_a_dead_process_takes_no_step_not_even_to_clean_up(loop: VirtualLoop) -> None:
    process, steps = Process(loop), []

    async def work() -> None:
        try:
            await asyncio.sleep(5.0)
            steps.append("woke")
        finally:
            steps.append("cleaned up")

    async def watch() -> None:
        process.spawn(work())
        await asyncio.sleep(1.0)
        process.kill()
        await asyncio.sleep(20.0)
        assert steps == []

    turn(loop, watch())
    bury(process.tasks)


def test_an_endless_turn_ends(loop: VirtualLoop) -> None:
    async def endless() -> None:
        for _ in iter(int, 1):
            await asyncio.sleep(0)

    with pytest.raises(Exhausted):
        turn(loop, endless())
    bury(loop.tasks)


def test_waiting_for_what_can_never_come_ends(loop: VirtualLoop) -> None:
    async def hopeless() -> None:
        await loop.create_future()

    with pytest.raises(Exhausted):
        turn(loop, hopeless())
    bury(loop.tasks)


async def failing(process: Process, kill: bool) -> None:
    """Fail; with `kill`, the process dies before anybody could hear of it."""
    if kill:
        process.kill()
    raise OSError("gone")


@pytest.mark.parametrize(
    ("kill", "told"), [(False, ["Task exception was never retrieved: OSError('gone')"]), (True, [])]
)
def test_an_error_that_nobody_asked_about_is_told_unless_its_process_died(
    loop: VirtualLoop, kill: bool, told: list[str]
) -> None:
    process = Process(loop)
    process.spawn(failing(process, kill))
    turn(loop, asyncio.sleep(1.0))
    gc.collect()
    assert loop.errors == told
