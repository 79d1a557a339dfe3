"""`make bench-silence`: the learned silence limits beside fixed rules, means over the seeds. The last line is JSON.

Each seed draws a world, parcels to learn from and parcels to judge on. What is judged is unknown when the threshold is set.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from linkstar_bench.silence.judging import Verdict, compared, failures, found, judge, mean
from linkstar_bench.silence.rules import MEAN_WAIT_H, Rule, fixed, learned, model_of, threshold_of
from linkstar_bench.silence.world import scans, world

FIXED_H = (72, 96, 120, 168)
DETECTOR = f"learned, {MEAN_WAIT_H:g} h"
CONSTANTS = (0.05, 0.10, 0.13, 0.20)
"""Thresholds that ask for no mean wait, shown for comparison."""


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m linkstar_bench.silence", description=__doc__)
    parser.add_argument("--seeds", default="1,2,3,4,5", help="worlds, by their seeds")
    parser.add_argument("--parcels", type=int, default=60_000, help="parcels to learn from, and as many to judge on")
    return parser.parse_args(words)


def verdicts(seed: int, parcels: int) -> dict[str, Verdict]:
    """Judge all rules on one world; what is judged on was not learned from."""
    drawn = world(seed)
    model = model_of(scans(drawn, parcels, seed + 1_000_000))
    judged = scans(drawn, parcels, seed + 2_000_000)
    rules: dict[str, Rule] = {f"fixed {hours} h": fixed(hours) for hours in FIXED_H}
    rules |= {f"posterior > {threshold:.2f}": learned(model, threshold) for threshold in CONSTANTS}
    rules[DETECTOR] = learned(model, threshold_of(model))
    return {name: judge(rule, judged) for name, rule in rules.items()}


def main(words: Sequence[str] | None = None) -> int:
    options = arguments(words)
    runs = [verdicts(int(seed), options.parcels) for seed in options.seeds.split(",")]
    print(
        f"{len(runs)} worlds of {options.parcels} parcels; means, and each world's alerts beside the fixed 96 h rule's"
    )
    print("rule                 alerts  lost  lost or stalled  mean delay h  of lost  alerts/fixed 96 h by world")
    means = {name: mean([run[name] for run in runs]) for name in runs[0]}
    for name, v in means.items():
        beside = " ".join(f"{run[name].alerts / run['fixed 96 h'].alerts:.2f}" for run in runs)
        print(
            f"{name:18} {v.alerts:8.0f} {v.lost:5.3f} {v.in_trouble:16.3f} {v.delay_h:13.1f} {v.lost_delay_h:8.1f}  {beside}"
        )
    figures = compared(means[DETECTOR], means["fixed 96 h"])
    share = found(means[DETECTOR], means["fixed 96 h"])
    print(f"lost parcels that {DETECTOR} alerts about: {share:.0%} of those that fixed 96 h does")
    missed = failures(figures)
    for bar in missed:
        print(f"MISSED: {bar}")
    print(json.dumps(figures))
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
