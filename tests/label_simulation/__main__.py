"""`make sim-labels SEEDS=100000`: purchases in simulated worlds, then each broken variant. The last line is JSON."""

from __future__ import annotations

import argparse
import json
import sys

from simulation.quiet import hush

from label_simulation.campaign import Campaign
from label_simulation.mutants import MUTANTS, play


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m label_simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--mutant-seeds", type=int, default=1_000)
    parser.add_argument("--replay", type=int, help="run this seed only and tell what it shows")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), default="", help="with --replay: of this broken variant")
    options = parser.parse_args()
    if options.replay is not None:
        hush()
        result = play(options.replay, options.mutant)
        print(*result.violations, sep="\n")
        print(json.dumps({"seed": result.seed, "kind": result.kind, "violations": result.violations}))
        return bool(result.violations)
    campaign = Campaign()
    campaign.run(options.first, options.seeds, options.jobs, options.mutant_seeds)
    print(*campaign.violations[:20], sep="\n")
    print(json.dumps(campaign.summary()))
    return bool(campaign.violations) or not all(campaign.mutants.values())


if __name__ == "__main__":
    sys.exit(main())
