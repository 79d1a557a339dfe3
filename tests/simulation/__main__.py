"""Seeded simulation of the product's stage.

python -m simulation --seeds 20000           # the product on 20,000 seeds, then every broken variant
python -m simulation --replay --seed 17      # one run, its trace and its verdict
"""

from __future__ import annotations

import argparse
import json
import os
import sys

from simulation.campaign import Campaign
from simulation.chance import FAULTS, Scenario
from simulation.mutants import MUTANTS
from simulation.quiet import hush
from simulation.shrink import parts_of, shrink
from simulation.world import simulate

COMMAND = "make sim-replay SIM_ARGS="
SHRUNK = 3
"""So many failing seeds are made small and told in full."""
EXHAUSTIVE = 1_000
"""From so many seeds on, a fault, failpoint or check that was never met is a failure of the run."""


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=1_000, help="seeds of the product (1000)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (all cores)")
    parser.add_argument("--mutant-seeds", type=int, default=1_000, help="seeds within which a variant must be caught")
    parser.add_argument("--replay", action="store_true", help="run one scenario and print its trace")
    parser.add_argument("--seed", type=int, default=0, help="replay: the seed")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), default="", help="replay: a broken variant")
    parser.add_argument("--facts", type=int, default=0, help="replay: at most so many facts")
    parser.add_argument("--replicas", type=int, default=0, help="replay: at most so many replicas")
    parser.add_argument("--draw", type=int, default=0, help="replay: another course of the same plan")
    parser.add_argument("--without", default="", help=f"replay: faults switched off, of {', '.join(FAULTS)}")
    parser.add_argument("--shrink", action="store_true", help="replay: make a failing scenario small first")
    return parser.parse_args()


def _replay(options: argparse.Namespace) -> int:
    without = tuple(name for name in options.without.split(",") if name)
    scenario = Scenario(options.seed, options.mutant, options.facts, options.replicas, without, options.draw)
    result = simulate(scenario, parts_of(scenario))
    if options.shrink and result.violations:
        scenario = shrink(result).scenario
    result = simulate(scenario, parts_of(scenario), trace=True)
    print("\n".join(result.lines))
    print(f'repeat with: {COMMAND}"{result.scenario.arguments()}"')
    told = {"scenario": scenario.arguments(), "violations": dict(result.violations), "digest": result.digest}
    print(json.dumps(told))
    return 1 if result.violations else 0


def _run(options: argparse.Namespace) -> int:
    campaign = Campaign()
    print(f"{options.seeds} seeds from {options.first} on, {options.jobs} processes", flush=True)
    campaign.run(options.first, options.seeds, options.jobs, options.mutant_seeds)
    for scenario in campaign.product.failing[:SHRUNK]:
        small = shrink(simulate(scenario, parts_of(scenario)))
        print(f"seed {scenario.seed} breaks {dict(small.violations)}; made small, it repeats exactly with:")
        print(f'  {COMMAND}"{small.scenario.arguments()}"', flush=True)
    escaped = [name for name, share in campaign.mutants.items() if not share.failing]
    for name in escaped:
        print(f"variant {name} was not caught within {options.mutant_seeds} seeds")
    missed = campaign.not_exercised
    if missed:
        print(f"not_exercised: {', '.join(missed)}")
    print(json.dumps(campaign.summary()))
    return 1 if campaign.product.failing or escaped or (missed and options.seeds >= EXHAUSTIVE) else 0


def main() -> int:
    """Run what the command line asks for."""
    options = _options()
    hush()
    return _replay(options) if options.replay else _run(options)


if __name__ == "__main__":
    sys.exit(main())
