"""The story of a chaos run: stack up, load and faults side by side, quiet until nothing moves, everything read."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import httpx
from aiokafka.errors import KafkaError

from linkstar_runtime.clock import Clock
from linkstar_runtime.settings import ClockSettings
from linkstar_sandbox.chaos.desk import Desk
from linkstar_sandbox.chaos.disk import SmallDisk
from linkstar_sandbox.chaos.failures import Failures, wake
from linkstar_sandbox.chaos.feeding import Feeding
from linkstar_sandbox.chaos.nemesis import Nemesis
from linkstar_sandbox.chaos.observer import Observer
from linkstar_sandbox.chaos.options import WHOLE_RUN_S, ChaosOptions
from linkstar_sandbox.chaos.quotas import cap_capacity
from linkstar_sandbox.chaos.schedule import FaultPlan, draw_schedules
from linkstar_sandbox.chaos.stack import ChaosStack
from linkstar_sandbox.demo.pipeline import Pipeline
from linkstar_sandbox.home import Home
from linkstar_sandbox.keys import DEMO_TENANT
from linkstar_sandbox.load import History, Publisher, open_account
from linkstar_sandbox.reader.evidence import Evidence
from linkstar_sandbox.reader.run_evidence import RunEvidence
from linkstar_sandbox.reader.run_sources import (
    expected_orders,
    read_answers,
    read_ends,
    read_handed_in,
    read_run,
    read_samples,
)  # fmt: skip
from linkstar_sandbox.reader.sources import read_labels, read_legs, read_parcels, read_topics

__all__ = ["ChaosRun"]

OVERTIME_S = 60.0
DRAIN_S = 120.0
ROUNDS = 4
REST_S = 3.0
MOST_UNDER_WAY = 60
"""Records that may be under way when the carriers are stopped: they always tell something."""
_LOOK_S = 0.5


class ChaosRun:
    """One run on one home."""

    def __init__(
        self, options: ChaosOptions, home: Home, stack: ChaosStack, disk: SmallDisk, tell: Callable[[str], None]
    ) -> None:
        self._options, self._home, self._stack, self._disk, self._tell = options, home, stack, disk, tell
        self._watch = Clock()
        self.failures = Failures(stack.hits)
        self.nemesis = Nemesis(stack, self.failures, disk, tell)
        self.observer: Observer
        self.fed: Counter[str] = Counter()
        self.at_rest = False
        self.unsettled: list[str] = []
        """What was handed in and never answered."""

    @property
    def publications(self) -> Path:
        return self._home.path / "publications.jsonl"

    @property
    def calls(self) -> Path:
        return self._home.path / "calls.jsonl"

    @property
    def samples(self) -> Path:
        return self._home.path / "samples.jsonl"

    async def perform(self) -> RunEvidence:
        """Do everything; the stack runs before and after."""
        endpoints = self._stack.endpoints
        await open_account(endpoints, "chaos")
        await cap_capacity(self._stack.urls("router")[0], endpoints["keys"]["demo"])
        clock = Clock.from_settings(ClockSettings.model_validate(endpoints["clock"]))
        chance = Random(f"{self._options.seed}|desk")
        async with AsyncExitStack() as stack:
            history = stack.enter_context(History(self.publications))
            publisher = await stack.enter_async_context(Publisher(endpoints["kafka"], history))
            desk = await stack.enter_async_context(
                Desk(lambda: self._stack.urls("ingest"), endpoints["keys"]["demo"], self.calls, chance)
            )
            self.observer = Observer(
                endpoints["kafka"], endpoints["database"], self._stack.plan.services, lambda: self._stack.services,
                self.samples,
            )  # fmt: skip
            watching = asyncio.create_task(self.observer.run())
            stack.push_async_callback(_cancelled, watching)
            feeding = Feeding(self._options.seed, clock, publisher, desk, DEMO_TENANT)
            await self._storm(feeding)
            self._tell(f"quiet: {dict(feeding.counts)} handed in, {publisher.waiting} not yet acknowledged")
            self.fed = feeding.counts
            for what, settled in (("published", publisher.settled()), ("called", desk.settled())):
                try:
                    await asyncio.wait_for(settled, DRAIN_S)
                except TimeoutError:
                    self.unsettled.append(f"not everything that was {what} was answered within {DRAIN_S:.0f} s")
                    self._tell(self.unsettled[-1])
        await self._come_to_rest()
        return await self._collect()

    async def _storm(self, feeding: Feeding) -> None:
        """Load and both schedules at the same time; then only what has not happened yet; then everything heals."""
        waking = asyncio.create_task(self.nemesis.attend())
        schedules = draw_schedules(self._options.seed, self._options.seconds)
        try:
            await asyncio.gather(
                feeding.feed(self._options.seconds, self._options.rate), *map(self.nemesis.follow, schedules)
            )
            if self._options.seconds >= WHOLE_RUN_S:
                await self._do_the_rest(feeding)
        finally:
            await _cancelled(waking)
            await self.nemesis.heal()

    async def _do_the_rest(self, feeding: Feeding) -> None:
        chance = Random(f"{self._options.seed}|overtime")
        began, feed = self._watch.monotonic(), None
        while self._watch.monotonic() - began < OVERTIME_S:
            missing, kinds = self.failures.missing(), self.nemesis.missing()
            if not missing and not kinds:
                break
            self._tell(f"still to happen: {', '.join([*missing, *kinds])}")
            feed = feed or asyncio.create_task(feeding.feed(OVERTIME_S, self._options.rate / 2))
            for failpoint in sorted(set(missing) - self.failures.waiting(self._stack.services)):
                self.nemesis.arm(failpoint, chance)
            idle = [kind for kind in kinds if not self.nemesis.under_way[kind]]
            await self.nemesis.follow([FaultPlan(0.0, kind, chance.getrandbits(32)) for kind in idle])
            await asyncio.sleep(5)
        if feed is not None:
            await _cancelled(feed)

    # -- rest --------------------------------------------------------------------------------------------------------

    async def _come_to_rest(self) -> None:
        """Let the carriers learn of every label, stop them, and wait until nobody is behind: nothing moves any more."""
        async with Pipeline(
            self._stack.endpoints["kafka"], self._stack.endpoints["database"], self._stack.plan.services
        ) as pipeline:
            await self._until_idle(pipeline, DRAIN_S, 0.0, most=MOST_UNDER_WAY)
            for _ in range(ROUNDS):
                with self._carriers_stopped():
                    self.at_rest = await self._until_idle(pipeline, DRAIN_S / ROUNDS, REST_S)
                if self.at_rest:
                    await self._last_look()
                    return
                await asyncio.sleep(1.0)

    @contextmanager
    def _carriers_stopped(self) -> Iterator[None]:
        pid = self._stack.simulator.pid
        if pid is not None:
            os.kill(pid, signal.SIGSTOP)
        yield
        if pid is not None and not self.at_rest:
            wake(pid)

    async def _last_look(self) -> None:
        """Ask for the counters, end the services, and take the last sample of what they left."""
        async with httpx.AsyncClient(timeout=3.0) as client:
            await self.observer.scrape(client)
        await self._stack.end_services()
        if (sample := await self.observer.sample()) is not None:
            with self.samples.open("a", encoding="utf-8") as file:
                file.write(json.dumps(sample) + "\n")

    async def _until_idle(self, pipeline: Pipeline, patience_s: float, rest_s: float, most: int = 0) -> bool:
        """Wait until at most `most` records are under way, and nothing at all in outboxes, for `rest_s`."""
        began, idle_since, told = self._watch.monotonic(), None, 0.0
        while (now := self._watch.monotonic()) - began < patience_s:
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError, OSError):
                reading = await pipeline.read()
                under_way = sum(reading.lags.values())
                under_way += sum([await self._outbox(pipeline, s) for s in self._stack.plan.services])
                idle = under_way <= most
                idle_since = (idle_since or now) if idle else None
                if idle_since is not None and now - idle_since >= rest_s:
                    return True
                if now - told > 10:
                    told = now
                    self._tell(f"behind: {dict(reading.lags)}")
            await asyncio.sleep(_LOOK_S)
        return False

    async def _outbox(self, pipeline: Pipeline, service: str) -> int:
        return int((await pipeline.fetch(f"SELECT count(*) FROM {service}.outbox"))[0][0])

    # -- evidence ----------------------------------------------------------------------------------------------------

    async def _collect(self) -> RunEvidence:
        handed_in, answers = read_handed_in(self.publications), read_answers(self.calls)
        endpoints = self._stack.endpoints
        records = await read_topics(endpoints["kafka"])
        connection = await asyncpg.connect(endpoints["database"])
        try:
            topics = Evidence(
                expected=expected_orders(handed_in, answers), records=records, legs=await read_legs(connection),
                labels=await read_labels(connection), parcels=read_parcels(self._home.ledger),
            )  # fmt: skip
            histories: dict[str, Any] = {
                "handed_in": handed_in, "answers": answers, "samples": read_samples(self.samples),
                "ends": await read_ends(endpoints["kafka"]),
            }  # fmt: skip
            return await read_run(connection, self._stack.plan.services, topics, histories)
        finally:
            await connection.close()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
