"""The fault schedules: drawn from the seed, complete, and each failpoint can be reached where it is armed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from linkstar_runtime.failpoints import FAILPOINTS, Failpoints
from linkstar_sandbox.chaos.failures import Failures
from linkstar_sandbox.chaos.nemesis import Nemesis
from linkstar_sandbox.chaos.schedule import FAILPOINT_PLANS, FAULT_KINDS, FaultPlan, draw_schedules
from linkstar_sandbox.chaos.stack import ArmedReplica


def test_a_seed_gives_the_same_two_schedules_and_another_seed_others() -> None:
    assert draw_schedules(7, 180) == draw_schedules(7, 180)
    assert draw_schedules(7, 180) != draw_schedules(8, 180)


def test_both_schedules_are_in_order_and_within_the_time() -> None:
    for schedule in draw_schedules(3, 180):
        times = [plan.at_s for plan in schedule]
        assert times == sorted(times)
        assert 0 < times[0] < times[-1] < 180
        assert all(3.0 <= later - earlier <= 10.0 for earlier, later in pairwise(times))


def test_every_failpoint_of_the_runtime_has_a_plan_that_the_runtime_understands() -> None:
    assert set(FAILPOINT_PLANS) == FAILPOINTS
    for name, (actions, services) in FAILPOINT_PLANS.items():
        assert services
        for action in actions:
            Failpoints(f"{name}={action}@2")


def test_every_kind_of_fault_can_be_carried_out() -> None:
    kinds = {plan.kind for seed in range(5) for schedule in draw_schedules(seed, 600) for plan in schedule}
    assert {kind for kind in kinds if kind != "failpoint" and not hasattr(Nemesis, f"_{kind}")} == set()
    assert len(kinds) == 13


@pytest.mark.parametrize("seed", range(20))
def test_every_kind_and_failpoint_is_dealt_in_a_whole_run_before_any_comes_again(seed: int) -> None:
    plans = sorted((plan for schedule in draw_schedules(seed, 180) for plan in schedule), key=lambda plan: plan.at_s)
    first = [plan.failpoint or plan.kind for plan in plans[: len(FAULT_KINDS) + len(FAILPOINT_PLANS)]]
    assert sorted(first) == sorted([*FAULT_KINDS, *FAILPOINT_PLANS])


def nemesis(tmp_path: Path, pid: int | None = None, links: int = 0, disk: bool = True) -> Nemesis:
    """A nemesis of a stack whose servers have these pids and whose proxies this many connections."""
    server = SimpleNamespace(pid=pid)
    proxy = SimpleNamespace(port=1, cut=lambda *_: links)
    stack: Any = SimpleNamespace(
        services=[], simulator=ArmedReplica("carriers", ["true"], {}, tmp_path / "log"), postgres_server=server,
        kafka_server=server, kafka_proxy=proxy, postgres_proxy=proxy,
    )  # fmt: skip
    return Nemesis(stack, Failures(tmp_path / "hits"), SimpleNamespace(mounted=disk), lambda _line: None)  # type: ignore[arg-type]


async def struck(nemesis: Nemesis, *kinds: str) -> Nemesis:
    await nemesis.follow([FaultPlan(0.0, kind, 1) for kind in kinds])
    await asyncio.gather(*nemesis._tasks)
    return nemesis


async def test_a_fault_that_came_to_nothing_is_missing(tmp_path: Path) -> None:
    harmless = await struck(nemesis(tmp_path), "kill", "pause", "pg_stop", "broker_kill", "cut")
    assert set(harmless.missing()) == set(FAULT_KINDS)


async def test_a_fault_that_happened_is_not_missing_nor_a_disk_that_cannot_be_filled(tmp_path: Path) -> None:
    cut = await struck(nemesis(tmp_path, links=3, disk=False), "cut")
    assert set(FAULT_KINDS) - set(cut.missing()) == {"cut", "disk_full"}


def test_an_armed_replica_stays_armed_until_the_failpoint_was_hit(tmp_path: Path) -> None:
    replica = ArmedReplica("router-1", ["true"], {}, tmp_path / "log")
    failures = Failures(tmp_path / "hits")
    assert failures.arm("stage.pause", [replica], Random(1)) is replica
    failures.disarm_hit([replica])
    assert replica.armed
    (tmp_path / "hits").write_text("17 stage.pause stop\n")
    failures.disarm_hit([replica])
    assert replica.armed == {}
    assert set(failures.missing()) == FAILPOINTS - {"stage.pause"}


def test_a_hit_of_an_armed_failpoint_is_noted_before_it_happens(tmp_path: Path) -> None:
    code = "import asyncio; from linkstar_runtime.failpoints import afail; asyncio.run(afail('stage.after_poll'))"
    environment = {
        "LINKSTAR_FAILPOINTS": "stage.after_poll=exit:9@1",
        "LINKSTAR_FAILPOINT_HITS": str(tmp_path / "hits"),
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    assert done.returncode == 9
    assert Failures(tmp_path / "hits").counts() == {"stage.after_poll": 1}
