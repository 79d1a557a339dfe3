"""`make bench`: LinkStar beside the usual way and a bare relay, one run on one machine, with an offline verdict.

Prints what it finds, writes the report, and ends with one line of JSON. The exit code is 0 only if nothing was lost or
doubled.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from linkstar_bench.comparison import Comparison, Size, say
from linkstar_bench.linkstar import set_sample_ratio, telemetry_in_use
from linkstar_bench.machine import machine
from linkstar_bench.report import write_report
from linkstar_runtime.clock import Clock


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m linkstar_bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few minutes, small rounds: tries the harness")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample-ratio", type=float, help="share of orders traced (default: the product's)")
    parser.add_argument(
        "--output", type=Path, help="where the report goes (default: docs/bench; with --quick a .bench folder)"
    )
    parser.add_argument(
        "--histories",
        type=_counts,
        help="orders of history for the flatness row, such as 0,1000000 (default: to 5 million)",
    )
    parser.add_argument("--keep", type=Path, help="a directory for logs and data that stays")
    return parser.parse_args()


def _counts(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(part) for part in text.split(",")))


def main() -> int:
    options, clock = arguments(), Clock()
    set_sample_ratio(options.sample_ratio)
    began, now = clock.monotonic(), clock.now()
    say(f"seed {options.seed}; {telemetry_in_use()}")
    with machine(options.keep) as made:
        size = Size.quick() if options.quick else Size()
        run = Comparison(made, replace(size, histories=options.histories or size.histories), options.seed, now)
        for part in (run.rounds, run.single_hop, run.latency, run.scaling, run.flatness):
            say(f"— {part.__name__.replace('_', ' ')}, at {clock.monotonic() - began:.0f} s")
            part()
    figures = run.figures
    figures.seconds = clock.monotonic() - began
    directory = options.output or Path(".bench" if options.quick else "docs/bench")
    page = write_report(figures, directory, now, "make bench" + (" BENCH_ARGS=--quick" if options.quick else ""))
    say(page.read_text())
    say(f"report: {page}")
    say(json.dumps(figures.summary()))
    return 0 if figures.sound() else 1


if __name__ == "__main__":
    sys.exit(main())
