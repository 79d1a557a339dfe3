"""Runs many worlds on several cores: the product over all seeds, each broken variant over enough of them."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from simulation.quiet import hush

from label_simulation.mutants import MUTANTS, play
from label_simulation.world import Result

__all__ = ["Campaign"]

CHUNK = 50


@dataclass
class Campaign:
    """Totals over all worlds."""

    worlds: int = 0
    seconds: float = 0.0
    violations: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    mutants: dict[str, float] = field(default_factory=dict)

    def run(self, first: int, seeds: int, jobs: int, mutant_seeds: int) -> None:
        """Run the product, then the broken variants."""
        with multiprocessing.get_context("fork").Pool(jobs, hush) as pool:
            began = told = time.monotonic()
            for results in pool.imap_unordered(partial(_chunk, ""), _starts(first, seeds)):
                for result in results:
                    self._add(result)
                if time.monotonic() - told > 10:
                    told = time.monotonic()
                    print(f"{self.worlds:,} of {seeds:,} worlds, {len(self.violations)} violations", flush=True)
            self.seconds = time.monotonic() - began
            for name in MUTANTS:
                chunks = pool.imap_unordered(partial(_chunk, name), _starts(first, mutant_seeds))
                failing = [bool(result.violations) for results in chunks for result in results]
                self.mutants[name] = round(sum(failing) / len(failing), 4)
                print(f"{name}: {sum(failing)} of {len(failing)} worlds expose it", flush=True)

    def _add(self, result: Result) -> None:
        self.worlds += 1
        self.kinds[result.kind] += 1
        self.faults.update(result.faults)
        self.figures.update(result.figures)
        self.violations += [f"seed {result.seed} ({result.kind}): {each}" for each in result.violations]

    def summary(self) -> dict[str, object]:
        """Return the totals as one JSON object."""
        return {
            "sim_schedules": self.worlds, "orders": self.figures["orders"],
            "faults": {name: count for name, count in sorted(self.faults.items()) if count},
            "ends": {name: count for name, count in sorted(self.figures.items()) if name != "orders"},
            "violations": len(self.violations), "mutants_caught": self.mutants, "seconds": round(self.seconds, 1),
        }  # fmt: skip


def _starts(first: int, seeds: int) -> Iterator[range]:
    for start in range(first, first + seeds, CHUNK):
        yield range(start, min(start + CHUNK, first + seeds))


def _chunk(name: str, seeds: range) -> list[Result]:
    return [play(seed, name) for seed in seeds]
