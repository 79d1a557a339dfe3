"""`make bench-router`: decisions on one core, quotes beside orders, tight pools under kill -9, the whole product with real
rating. The last line is JSON; what `--only` leaves out is left out of it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from linkstar_bench.linkstar import set_sample_ratio
from linkstar_bench.machine import Machine, machine
from linkstar_bench.orders import build_orders
from linkstar_bench.rounds import burst, warm
from linkstar_bench.router.capping import cap
from linkstar_bench.router.crossing import cross
from linkstar_bench.router.deciding import decision_figures
from linkstar_bench.variants import linkstar
from linkstar_runtime.clock import Clock


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m linkstar_bench.router", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--questions", type=int, default=20_000, help="orders decided on one core")
    parser.add_argument("--seconds", type=int, default=30, help="how long quotes and orders are sent")
    parser.add_argument("--rate", type=int, default=200, help="quotes per second, and orders per second")
    parser.add_argument("--capped", type=int, default=6_000, help="orders decided within tight pools")
    parser.add_argument("--orders", type=int, default=20_000, help="orders through the whole product")
    parser.add_argument("--only", choices=("decisions", "quotes", "pools", "end-to-end"), help="measure only this")
    parser.add_argument("--keep", type=Path, help="a directory for logs and data that stays")
    return parser.parse_args()


def end_to_end(made: Machine, count: int, seed: int, now: datetime) -> dict[str, float]:
    """Return orders per second through all services, as `make bench` measures them."""
    set_sample_ratio(None)
    variant = linkstar(made, "whole")
    with warm(made, variant, build_orders(1_000, seed, "warm", now)) as running:
        return {
            "end_to_end_orders_per_s": round(
                burst(running, variant, build_orders(count, seed, "whole", now)).orders_per_s
            )
        }


def main() -> int:
    options, now = arguments(), Clock().now()
    figures: dict[str, float] = {}
    if options.only in (None, "decisions"):
        figures |= told("decisions", decision_figures(options.questions, options.seed, now))
    if options.only != "decisions":
        print("starting Kafka and PostgreSQL", flush=True)
        with machine(options.keep) as made:
            if options.only in (None, "quotes"):
                figures |= told("quotes", cross(made, options.rate, options.seconds, options.seed, now))
            if options.only in (None, "pools"):
                figures |= told("pools", cap(made, options.capped, options.seed, now))
            if options.only in (None, "end-to-end"):
                figures |= told("end to end", end_to_end(made, options.orders, options.seed, now))
    print(json.dumps(figures))
    return 1 if figures.get("overbooked") else 0


def told(what: str, figures: Mapping[str, float]) -> Mapping[str, float]:
    print(f"{what}: {dict(figures)}", flush=True)
    return figures


if __name__ == "__main__":
    sys.exit(main())
