"""`make bench-labeler`: labels bought by the stage and over HTTP, printed in every format, and read back by a scanner.

The last line is JSON; what `--only` leaves out is left out of it. `--specimens DIRECTORY` writes a sample of every carrier's
label instead.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from linkstar_bench.labeler.buying import labels_per_s_http
from linkstar_bench.labeler.paper import READERS, Tally, print_and_read, speeds
from linkstar_bench.labeler.specimens import write_specimens
from linkstar_bench.labeler.stage import labels_per_s
from linkstar_bench.linkstar import set_sample_ratio
from linkstar_bench.machine import machine
from linkstar_labeler.carriers import CARRIERS
from linkstar_runtime.clock import Clock

BARS = {"pdf_ms": 5.0, "zpl_ms": 0.1}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m linkstar_bench.labeler", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shipments", type=int, default=20, help="shipments of each carrier, printed in each format")
    parser.add_argument("--orders", type=int, default=30_000, help="orders that wait for their labels in Kafka")
    parser.add_argument("--http-orders", type=int, default=4_000, help="orders whose labels are bought over HTTP")
    parser.add_argument("--only", choices=("print", "stage", "http"), help="measure only this")
    parser.add_argument("--profile", type=Path, metavar="DIRECTORY", help="sample the labeler that buys over HTTP")
    parser.add_argument("--specimens", type=Path, metavar="DIRECTORY", help="write a sample of every label, and stop")
    parser.add_argument("--keep", type=Path, help="a directory for logs and data that stays")
    return parser.parse_args()


def tell(tally: Tally) -> None:
    """Print how many labels were read, by carrier and format, and those that were not."""
    for carrier in CARRIERS:
        print(f"  {carrier}: " + ", ".join(f"{form} {tally.read[carrier, form]}" for form in READERS), flush=True)
    for missed in tally.missed:
        print(f"  NOT READ: {missed}", flush=True)


def bought(options: argparse.Namespace) -> dict[str, float]:
    """Measure how fast labels are bought, from number ranges and over HTTP."""
    print("starting Kafka and PostgreSQL", flush=True)
    set_sample_ratio(None)
    rates: dict[str, float] = {}
    with machine(options.keep) as made:
        if options.only != "http":
            rates["labels_per_s_offline"] = labels_per_s(made, options.orders, options.seed, Clock().now())
        if options.only != "stage":
            now, profile = Clock().now(), options.profile
            rates["labels_per_s_http"] = labels_per_s_http(made, options.http_orders, options.seed, now, profile)
    return {name: round(rate) for name, rate in rates.items()}


def printed(options: argparse.Namespace) -> dict[str, float]:
    """Measure printing, and read what was printed."""
    print(f"printing and reading {options.shipments} shipments of {len(CARRIERS)} carriers", flush=True)
    figures = speeds(options.shipments, options.seed)
    tally = print_and_read(options.shipments, options.seed)
    tell(tally)
    return {**figures, "decode_ok": tally.read.total(), "decode_total": tally.total}


def main() -> int:
    options = arguments()
    if options.specimens:
        for path in write_specimens(options.specimens):
            print(path)
        return 0
    figures: dict[str, float] = {}
    if options.only != "print":
        figures |= bought(options)
    if options.only in (None, "print"):
        figures |= printed(options)
    print(json.dumps(figures))
    slow = any(figures[name] > bar for name, bar in BARS.items() if name in figures)
    return int(slow or figures.get("decode_ok") != figures.get("decode_total"))


if __name__ == "__main__":
    sys.exit(main())
