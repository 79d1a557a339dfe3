"""`make bench-tracker`: scans from Kafka to TrackingUpdated, and carriers' calls beside them; 100,000 parcels under way.

The last line is JSON; what `--only` leaves out is left out of it.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from linkstar_bench.linkstar import set_sample_ratio
from linkstar_bench.machine import machine
from linkstar_bench.polling.day import poll_a_day
from linkstar_bench.profile import profiled
from linkstar_bench.tracker.calling import Load, answers
from linkstar_bench.tracker.parcels import parcels
from linkstar_bench.tracker.scanning import Sampled, Trackers, scans_per_s, settle
from linkstar_runtime.clock import Clock

__all__ = ["main"]

BAR_SCANS_PER_S, BAR_P99_MS = 10_000, 50


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m linkstar_bench.tracker", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--live", type=int, default=100_000, help="parcels under way, each scanned three times")
    parser.add_argument("--replicas", type=int, default=2, help="trackers that share the scans")
    parser.add_argument("--calls", type=int, default=100, help="calls of carriers per second")
    parser.add_argument("--beside", type=int, default=1_000, help="scans per second from Kafka beside the calls")
    parser.add_argument("--seconds", type=int, default=20, help="how long carriers call")
    parser.add_argument("--only", choices=("scans", "calls", "polls"), help="measure only this")
    parser.add_argument("--profile", type=Path, metavar="DIRECTORY", help="sample a tracker, with calls and without")
    parser.add_argument("--keep", type=Path, help="a directory for logs and data that stays")
    return parser.parse_args()


def sampled(options: argparse.Namespace, name: str) -> Sampled:
    """Return what samples a process when that was asked for."""

    def sample(pid: int | None) -> AbstractContextManager[None]:
        return profiled(pid, name, options.profile) if options.profile else nullcontext()

    return sample


def measured(options: argparse.Namespace) -> dict[str, float]:
    """Measure what is asked for on one machine."""
    set_sample_ratio(None)
    chosen, now, figures = parcels(options.live, options.seed, "live"), Clock().now(), dict[str, float]()
    print("starting Kafka and PostgreSQL", flush=True)
    with machine(options.keep) as made:
        trackers = Trackers(made, made.ground("tracking"), options.replicas)
        settle(trackers, chosen, options.seed, now)
        if options.only != "calls":
            pace = scans_per_s(trackers, chosen, options.seed, now, sampled(options, "tracker-scans"))
            for name, spent in sorted(pace.us_per_scan.items(), key=lambda each: -each[1]):
                print(f"  {name:22} {spent:8.1f} us/scan")
            figures["scans_per_s"] = round(pace.scans_per_s)
        if options.only != "scans":
            load = Load(options.calls, options.beside, options.seconds)
            waited, late = answers(trackers, chosen, options.seed, now, load, sampled(options, "tracker-calls"))
            print(f"{len(waited)} calls: half answered in {waited.quantile(0.5):.1f} ms")
            print(f"  half begun {late.quantile(0.5):.1f} ms late, 99 of 100 at most {late.quantile(0.99):.1f} ms")
            figures["webhook_p99_ms"] = round(waited.quantile(0.99), 1)
    return figures | {"live_trackers": len(chosen)}


def polled(options: argparse.Namespace) -> dict[str, float]:
    """Ask for as many live parcels for a day, beside asking for each of them every two hours, which is the budget."""
    print(f"a simulated day of polling {options.live} parcels", flush=True)
    figures = poll_a_day(options.live, seed=options.seed).figures
    print(f"  {figures}")
    return {"live_trackers": options.live, "poll_budget_used": figures["poll_budget_used"]}


def main() -> int:
    options = arguments()
    figures = measured(options) if options.only != "polls" else {}
    if options.only in (None, "polls"):
        figures |= polled(options)
    print(json.dumps(figures))
    slow = figures.get("scans_per_s", BAR_SCANS_PER_S) < BAR_SCANS_PER_S
    return int(slow or figures.get("webhook_p99_ms", 0) > BAR_P99_MS)


if __name__ == "__main__":
    sys.exit(main())
