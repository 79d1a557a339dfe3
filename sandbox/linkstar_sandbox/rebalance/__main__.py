"""`python -m linkstar_sandbox.rebalance`: measures the pauses of both kinds of membership; ends with one JSON line."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from linkstar_contracts.topics import PARTITIONS, ROUTES_CHOSEN
from linkstar_runtime.clock import Clock
from linkstar_sandbox import supervisor
from linkstar_sandbox.demo.seller import Seller
from linkstar_sandbox.home import Home
from linkstar_sandbox.load import LoadGenerator, Publisher
from linkstar_sandbox.plan import Plan
from linkstar_sandbox.rebalance.pauses import Pauses, pauses
from linkstar_sandbox.rebalance.replicas import SERVICE, SESSION_S, Crew
from linkstar_sandbox.rebalance.waiting import until
from linkstar_sandbox.rebalance.watching import Watch
from linkstar_sandbox.stack import Stack

MEMBERS = 3
CALM_S = SESSION_S + 4
"""After each step: long enough for a member that left without a word to be missed."""
MODES = {"static": True, "dynamic": False}


def main() -> int:
    """Run the command; returns the exit status: 0 only when every step was seen on every shard."""
    options = _options()
    _say(
        f"seed {options.seed}, {options.rate:.0f} orders/s, {MEMBERS} replicas of {SERVICE}, session {SESSION_S:.0f} s"
    )
    found = {mode: _measured(mode, options) for mode in options.modes}
    _say(_table(found))
    examined = {mode: {step: each.examined for step, each in steps.items()} for mode, steps in found.items()}
    whole = all(count == PARTITIONS for steps in examined.values() for count in steps.values())
    summary = {mode: {step: each.summary() for step, each in steps.items()} for mode, steps in found.items()}
    _say(json.dumps({"seed": options.seed, "orders_per_s": options.rate, "not_exercised": not whole, **summary}))
    return 0 if whole else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m linkstar_sandbox.rebalance",
        description="Measure how long each shard stands still when replicas come and go (about five minutes).",
    )
    parser.add_argument("--rate", type=float, default=180.0, help="orders per second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--modes", nargs="+", choices=list(MODES), default=list(MODES), help="kinds of membership")
    return parser.parse_args()


def _measured(mode: str, options: argparse.Namespace) -> dict[str, Pauses]:
    path = Path(tempfile.mkdtemp(prefix="linkstar-rebalance-"))
    path.chmod(0o755)
    home = Home(path)
    plan = Plan(
        services=("ingest", SERVICE), replicas={SERVICE: MEMBERS}, simulate=False, log_level="warning",
        static_members=MODES[mode],
    )  # fmt: skip
    try:
        with Stack(home, plan) as stack:
            return asyncio.run(_observe(mode, stack, Crew(stack, MEMBERS), options))
    finally:
        supervisor.reset(home)
        shutil.rmtree(path, ignore_errors=True)


async def _observe(mode: str, stack: Stack, crew: Crew, options: argparse.Namespace) -> dict[str, Pauses]:
    clock = Clock()
    windows: dict[str, tuple[float, float]] = {}
    generator = LoadGenerator(options.seed, clock.now(), prefix=mode)
    bootstrap = stack.endpoints["kafka"]
    seller = Seller(stack.endpoints["services"], stack.endpoints["keys"]["demo"])
    await seller.register_master_data()
    await seller.close()
    async with Watch(bootstrap, ROUTES_CHOSEN.name) as watch, Publisher(bootstrap) as publisher:
        feeding = asyncio.create_task(publisher.pace(generator.records(10**9), options.rate))
        await until(watch.flowing, 60)
        for step, act in crew.steps().items():
            await asyncio.sleep(3)
            began = clock.wall().timestamp()
            await act()
            await asyncio.sleep(CALM_S)
            windows[step] = began, clock.wall().timestamp()
            _say(f"{mode}: {step}: {json.dumps(pauses(watch.made_at, *windows[step]).summary())}")
        _say(f"{mode}: restarts took {', '.join(f'{seconds:.1f} s' for seconds in crew.restart_s)}")
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        return {step: pauses(watch.made_at, *window) for step, window in windows.items()}


def _table(found: dict[str, dict[str, Pauses]]) -> str:
    """The figures as a Markdown table: median and longest pause, and how many shards paused noticeably."""
    steps = next(iter(found.values()))
    head = ["| what happens | " + " | ".join(found) + " |", "|---|" + "---|" * len(found)]
    return "\n".join(head + [_row(step, [each[step].summary() for each in found.values()]) for step in steps])


def _row(step: str, summaries: list[dict[str, Any]]) -> str:
    cells = (f"{s['p50_s']} s · {s['max_s']} s · {s['shards_paused']} of {s['shards']}" for s in summaries)
    return f"| {step} | " + " | ".join(cells) + " |"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
