"""`make bench-router`: decisions on one core, quotes beside orders. The last line is JSON; what could not be measured is
left out of it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from linkstar_bench.machine import machine
from linkstar_bench.router.crossing import cross
from linkstar_bench.router.deciding import decision_figures
from linkstar_runtime.clock import Clock


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m linkstar_bench.router", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--questions", type=int, default=20_000, help="orders decided on one core")
    parser.add_argument("--seconds", type=int, default=30, help="how long quotes and orders are sent")
    parser.add_argument("--rate", type=int, default=200, help="quotes per second, and orders per second")
    parser.add_argument("--only", choices=("decisions", "quotes"), help="measure only this")
    parser.add_argument("--keep", type=Path, help="a directory for logs and data that stays")
    return parser.parse_args()


def main() -> int:
    options, now = arguments(), Clock().now()
    figures: dict[str, float] = {}
    if options.only != "quotes":
        figures |= decision_figures(options.questions, options.seed, now)
        print(f"decisions: {figures}", flush=True)
    if options.only != "decisions":
        print("starting Kafka, PostgreSQL, ingest and router", flush=True)
        with machine(options.keep) as made:
            crossing = cross(made, options.rate, options.seconds, options.seed, now)
        print(f"quotes: {crossing}", flush=True)
        figures |= crossing
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
