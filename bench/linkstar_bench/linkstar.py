"""LinkStar alone under load: `python -m linkstar_bench.linkstar --orders 20000`. For whoever makes it faster."""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import nullcontext
from pathlib import Path

from linkstar_bench.machine import machine
from linkstar_bench.orders import build_orders
from linkstar_bench.profile import profiled
from linkstar_bench.rounds import Burst, burst, warm
from linkstar_bench.variants import linkstar
from linkstar_runtime.clock import Clock
from linkstar_runtime.settings import Settings
from linkstar_sandbox.plan import SERVICES

__all__ = ["set_sample_ratio", "telemetry_in_use", "tell"]


def tell(round_: Burst) -> None:
    """Print a round as a table."""
    per_order = round_.usage.us_per(round_.orders)
    print(f"{round_.orders} orders in {round_.seconds:.1f} s: {round_.orders_per_s:.0f} orders/s")
    for name, spent in sorted(per_order.items(), key=lambda each: -each[1]):
        print(f"  {name:22} {spent:8.0f} us/order  {round_.usage.resident_bytes[name] / 2**20:6.0f} MiB")
    print(f"  {'all':22} {sum(per_order.values()):8.0f} us/order", flush=True)


def set_sample_ratio(ratio: float | None) -> None:
    """Have the services trace this share of the orders; None is the product's default, not the sandbox's."""
    chosen = Settings().telemetry.sample_ratio if ratio is None else ratio
    os.environ["LINKSTAR_TELEMETRY__SAMPLE_RATIO"] = str(chosen)


def telemetry_in_use() -> str:
    """Say what telemetry costs are part of the figures."""
    ratio = Settings().telemetry.sample_ratio
    return f"spans of {ratio:.0%} of the orders go to files, metrics are kept, logs are at level info"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m linkstar_bench.linkstar", description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000, help="orders per round")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--warm-up", type=int, default=1_000, help="orders published before the clock starts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample-ratio", type=float, help="share of orders traced (default: the product's)")
    parser.add_argument("--profile", choices=SERVICES, help="sample one service with py-spy")
    parser.add_argument("--output", type=Path, default=Path(), help="where profiles go")
    parser.add_argument("--keep", type=Path, help="a directory for logs and data that stays")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    set_sample_ratio(options.sample_ratio)
    now = Clock().now()
    print(f"seed {options.seed}; {telemetry_in_use()}")
    rounds = [build_orders(options.orders, options.seed, f"r{number}", now) for number in range(options.rounds)]
    results = []
    print("starting Kafka and PostgreSQL, migrating, giving sellers money", flush=True)
    with machine(options.keep) as made:
        variant = linkstar(made)
        with warm(made, variant, build_orders(options.warm_up, options.seed, "warm", now)) as running:
            name = options.profile
            pid = running.replicas[f"{name}-1"].pid if name else None
            with profiled(pid, name, options.output) if name else nullcontext():
                for orders in rounds:
                    results.append(burst(running, variant, orders, tell_every=max(1, options.orders // 10)))
                    tell(results[-1])
    middle = sorted(results, key=lambda result: result.orders_per_s)[(len(results) - 1) // 2]
    spent = {name: round(used) for name, used in middle.usage.us_per(middle.orders).items()}
    print(json.dumps({"linkstar_orders_per_s": round(middle.orders_per_s, 1), "cpu_us_per_order": spent}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
