"""`python -m linkstar_sandbox.soak --minutes 20`: load, faults, looks, the account; ends with one line of JSON."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from linkstar_runtime.clock import Clock
from linkstar_sandbox import supervisor
from linkstar_sandbox.demo.pipeline import Pipeline
from linkstar_sandbox.home import Home
from linkstar_sandbox.load import History, LoadGenerator, Mix, Publisher, open_account, read_history
from linkstar_sandbox.plan import Plan
from linkstar_sandbox.reader.check import Check
from linkstar_sandbox.soak.account import SoakAccount, last_line
from linkstar_sandbox.soak.faults import Faults, draw_faults
from linkstar_sandbox.soak.judgement import Judgement, judge
from linkstar_sandbox.soak.sampling import Sampler
from linkstar_sandbox.stack import Stack
from linkstar_sandbox.topic_log import all_partitions, read_to_end

MIX = Mix(repeat=0.05, restated=0.02, poison=0.001)
DRAIN_S = 180.0
TELL_S = 30.0


def main() -> int:
    """Run the command; returns the exit status: 0 only if nothing was lost, doubled or growing, and all was looked at."""
    options = _options()
    path = Path(tempfile.mkdtemp(prefix="linkstar-soak-"))
    path.chmod(0o755)
    home = Home(path)
    _say(f"seed {options.seed}, {options.rate:.0f} orders/s for {options.minutes:g} minutes, home {path}")
    try:
        with Stack(home, Plan(simulate=False, log_level="warning"), _say) as stack:
            line, sound = asyncio.run(Soak(options, home, stack).perform())
    finally:
        supervisor.reset(home)
        shutil.rmtree(path, ignore_errors=True)
    _say(line)
    return 0 if sound else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m linkstar_sandbox.soak",
        description="Steady load with small faults: memory, handles, tables and lag must not grow, nothing be lost.",
    )
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=100.0, help="orders per second; about 30 %% of capacity")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fault-every", type=float, default=45.0, help="seconds between faults, on average")
    return parser.parse_args()


class Soak:
    """One run on one home."""

    def __init__(self, options: argparse.Namespace, home: Home, stack: Stack) -> None:
        self._options, self._home, self._stack = options, home, stack
        self._clock, self._history = Clock(), home.path / "soak-history.jsonl"

    async def perform(self) -> tuple[str, bool]:
        """Do everything; return the last line and whether all is well."""
        endpoints, options = self._stack.endpoints, self._options
        await open_account(endpoints, "soak")
        async with Pipeline(endpoints["kafka"], endpoints["database"], self._stack.plan.services) as pipeline:
            sampler = Sampler(pipeline, self._pids)
            services = self._stack.plan.services
            drawn = draw_faults(options.seed, options.fault_every, options.minutes * 60, services)
            faults = Faults(self._stack, drawn, _say)
            orders = await self._load([sampler.run(), faults.run(), self._tell(sampler)])
            _say("quiet: waiting until nobody is behind")
            drained = await self._drained(pipeline)
        account = SoakAccount()
        async for record in read_to_end(endpoints["kafka"], await all_partitions(endpoints["kafka"])):
            account.take(record)
        judgement = judge(sampler.looks, options.rate)
        harm = [
            Check("services were killed", "broken", examined=faults.done["kill"]),
            Check("services were cut off", "broken", examined=faults.done["cut"]),
        ]
        checks = [*account.judge(read_history(self._history)), *judgement.checks, *harm]
        figures = self._figures(orders, account.events, faults.done, judgement, drained)
        sound = drained and all(check.verdict == "ok" for check in checks)
        return last_line(figures, checks), sound

    def _pids(self) -> dict[str, int]:
        return {name: replica.pid for name, replica in self._stack.replicas.items() if replica.pid}

    async def _load(self, beside: list[Any]) -> int:
        """Hand in orders for the whole time while the rest runs; return how many."""
        orders = int(self._options.minutes * 60 * self._options.rate)
        generator = LoadGenerator(self._options.seed, self._clock.now(), prefix="soak", mix=MIX)
        with History(self._history) as history:
            async with Publisher(self._stack.endpoints["kafka"], history) as publisher:
                tasks = [asyncio.create_task(each) for each in beside]
                try:
                    per_s = self._options.rate * (1 + MIX.repeat + MIX.restated + MIX.poison)
                    await publisher.pace(generator.records(orders), per_s)
                    await publisher.settled()
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
        return orders

    async def _tell(self, sampler: Sampler) -> None:
        while True:
            await asyncio.sleep(TELL_S)
            if sampler.looks:
                look = sampler.looks[-1]
                memory = ", ".join(f"{p.name} {p.resident / 2**20:.0f}" for p in look.processes)
                _say(f"lag {look.lag}, MB: {memory}")

    async def _drained(self, pipeline: Pipeline) -> bool:
        """Wait until no service is behind and every outbox is empty, twice in a row."""
        idle = 0
        for _ in range(int(DRAIN_S)):
            await asyncio.sleep(1)
            reading = await pipeline.read()
            rows = [await pipeline.fetch(f"SELECT count(*) FROM {s}.outbox") for s in self._stack.plan.services]
            idle = idle + 1 if reading.idle and not any(found[0][0] for found in rows) else 0
            if idle == 2:
                return True
        return False

    def _figures(
        self, orders: int, events: int, faults: Counter[str], judgement: Judgement, drained: bool
    ) -> dict[str, Any]:
        options = self._options
        poison = sum(each.kind == "poison" for each in read_history(self._history))
        return {
            "minutes": options.minutes, "seed": options.seed, "orders": orders, "events": events,
            "faults": {"kill": faults["kill"], "cut": faults["cut"], "poison": poison}, "drained": drained,
            **judgement.figures,
        }  # fmt: skip


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
