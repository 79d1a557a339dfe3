"""`make chaos-labels RUNS=2000`: simulated purchases, then real processes, then broken ones. The last line is JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import label_simulation.campaign as simulated

from label_chaos.campaign import CALM_S, Campaign
from label_chaos.evidence import Evidence
from label_chaos.ground import Ground, LabelStack, carriers
from label_chaos.judgement import Verdict, judge
from label_chaos.mutants import MUTANTS
from label_chaos.schedule import FAILPOINT_ACTIONS
from linkstar_runtime.clock import Clock
from linkstar_sandbox import supervisor
from linkstar_sandbox.home import Home

WHOLE_RUN = 1_000
"""From so many runs on, a fault that never happened and a crash point never hit fail the campaign."""
MUTANT_RUNS = 100
MUTANT_CALM_S = 45.0
MUST_END = ("label voided", "label refused", "label withdrawn", "rejected price_changed", "orphans")
"""Ends of labels that a whole campaign must have met."""
MOST_SHOWN = 20
_WATCH = Clock()
_BEGAN = _WATCH.monotonic()


def tell(line: str) -> None:
    """Print one line of the diary."""
    print(f"[{_WATCH.monotonic() - _BEGAN:6.1f} s] {line}", flush=True)


def main() -> int:
    """Run everything that was asked for; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m label_chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sim-schedules", type=int, default=100_000)
    parser.add_argument("--mutant-runs", type=int, default=MUTANT_RUNS)
    parser.add_argument(
        "--mutant", choices=sorted(MUTANTS), default="", help="only this broken labeler, over --runs runs"
    )
    parser.add_argument("--home", type=Path, default=Path(".linkstar-label-chaos"))
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    home = options.home.resolve()
    if options.mutant:
        verdict, line = play(home, options.seed, options.runs, options.mutant)
        print(json.dumps(line))
        return not verdict.violations
    worlds = simulated.Campaign()
    if options.sim_schedules:
        tell(f"{options.sim_schedules:,} schedules in simulation")
        worlds.run(0, options.sim_schedules, options.jobs, max(options.sim_schedules // 100, 50))
    tell(f"{options.runs:,} runs with real processes, seed {options.seed}")
    verdict, line = play(home, options.seed, options.runs)
    caught = {name: _caught(home, options, name) for name in MUTANTS if options.mutant_runs}
    print(*worlds.violations[:MOST_SHOWN], sep="\n", end="")
    line = {
        "runs": options.runs, "sim_schedules": worlds.worlds, "sim_violations": len(worlds.violations), **line,
        "mutants_caught": {
            name: {"violations": found, "sim_share": worlds.mutants.get(name)} for name, found in caught.items()
        },
        "seconds": round(_WATCH.monotonic() - _BEGAN),
    }  # fmt: skip
    print(json.dumps(line))
    sound = not verdict.violations and not worlds.violations and all(caught.values()) and all(worlds.mutants.values())
    return not sound


def play(home_path: Path, seed: int, runs: int, mutant: str = "") -> tuple[Verdict, dict[str, Any]]:
    """Play one campaign on a fresh home and judge it."""
    home = Home(home_path)
    supervisor.reset(home)
    home.prepare()
    stack = LabelStack(home, tell if not mutant else _quiet, mutant)
    with carriers(home) as simulators, stack:
        calm_s = MUTANT_CALM_S if mutant else CALM_S
        campaign, evidence = asyncio.run(_perform(stack, simulators, seed, runs, calm_s))
        hits, processes = campaign.saboteur.hits(), campaign.saboteur.done
    verdict = judge(evidence)
    verdict.lost_labels += _gaps(runs, campaign.faults + processes, hits, verdict.counts) if not mutant else []
    for violation in verdict.violations[: MOST_SHOWN if not mutant else 3]:
        tell(f"VIOLATION {violation}")
    if not verdict.violations or mutant:
        supervisor.reset(home)
    return verdict, _line(evidence, verdict, campaign.faults + processes, hits)


async def _perform(
    stack: LabelStack, simulators: str, seed: int, runs: int, calm_s: float
) -> tuple[Campaign, Evidence]:
    async with Ground(stack, simulators) as ground:
        campaign = Campaign(ground, stack, seed, runs, tell, calm_s)
        return campaign, await campaign.perform()


def _gaps(runs: int, faults: Counter[str], hits: Counter[str], ends: Counter[str]) -> list[str]:
    """What a whole campaign must have met."""
    if runs < WHOLE_RUN:
        return []
    missing = [name for name in FAILPOINT_ACTIONS if not hits[name]]
    missing += [name for name in ("kill", "pause", "database_cut", "timeout_after", "cut_after") if not faults[name]]
    missing += [name for name in MUST_END if not ends[name]]
    return [f"{name} never happened" for name in missing]


def _line(evidence: Evidence, verdict: Verdict, faults: Counter[str], hits: Counter[str]) -> dict[str, Any]:
    return {
        "orders": len(evidence.wanted), "sales": len(evidence.sold),
        "faults": {**dict(sorted(faults.items())), **dict(sorted(hits.items()))},
        "double_charged": len(verdict.double_charged), "unrepaired": len(verdict.unrepaired),
        "lost_labels": len(verdict.lost_labels), "ledger_sum": evidence.books["ledger_sum"],
        "ledger_laws_broken": len(verdict.ledger), "simulator_ledger_equal": not verdict.simulator_ledger,
        "ends": dict(sorted(verdict.counts.items())),
    }  # fmt: skip


def _caught(home: Path, options: argparse.Namespace, name: str) -> int:
    verdict, _ = play(home, options.seed, options.mutant_runs, name)
    tell(f"{name}: {len(verdict.violations)} violations in {options.mutant_runs} runs")
    return len(verdict.violations)


def _quiet(_line: str) -> None:
    """Say nothing."""


if __name__ == "__main__":
    sys.exit(main())
