"""Runs many seeds on several cores: the product over all of them, each broken variant over enough of them."""

from __future__ import annotations

import gc
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from linkstar_runtime.failpoints import FAILPOINTS
from simulation.chance import FAULTS, Scenario
from simulation.mutants import MUTANTS
from simulation.quiet import hush
from simulation.shrink import parts_of
from simulation.world import Result, simulate

__all__ = ["Campaign", "Share"]

CHUNK = 25
GLANCE = 200
"""Seeds that every broken variant is run on; one that was not caught by then gets more."""


@dataclass
class Share:
    """How many of how many seeds failed, and the first that did."""

    seeds: int = 0
    failing: list[Scenario] = field(default_factory=list)

    @property
    def value(self) -> float:
        return round(len(self.failing) / self.seeds, 4) if self.seeds else 0.0


@dataclass
class Campaign:
    """Totals over all seeds of the product."""

    product: Share = field(default_factory=Share)
    violations: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)
    examined: Counter[str] = field(default_factory=Counter)
    mutants: dict[str, Share] = field(default_factory=dict)

    def run(self, first: int, seeds: int, jobs: int, mutant_seeds: int) -> None:
        """Run the product, then the broken variants."""
        with multiprocessing.get_context("fork").Pool(jobs, _begin) as pool:
            began = told = time.monotonic()
            for results in pool.imap_unordered(_run_chunk, _chunks("", first, seeds)):
                for result in results:
                    self._add(result)
                if time.monotonic() - told > 10:
                    told = time.monotonic()
                    self._tell(seeds, told - began)
            for name in MUTANTS if mutant_seeds else ():
                self.mutants[name] = share = Share()
                glance = min(GLANCE, mutant_seeds)
                self._try(pool, name, share, first, glance)
                while not share.failing and share.seeds < mutant_seeds:
                    self._try(pool, name, share, first + share.seeds, min(GLANCE, mutant_seeds - share.seeds))
                print(f"  {name:24} caught by {len(share.failing)} of {share.seeds} seeds", flush=True)

    def _add(self, result: Result) -> None:
        self.product.seeds += 1
        self.seconds += result.seconds
        for total, part in (
            (self.faults, result.faults), (self.points, result.points), (self.figures, result.figures),
            (self.examined, result.examined),
        ):  # fmt: skip
            total.update(part)
        if result.violations:
            self.product.failing.append(result.scenario)
            self.violations.update(result.violations.keys())
            print(f"  seed {result.scenario.seed} fails: {dict(result.violations)}", flush=True)

    def _tell(self, seeds: int, seconds: float) -> None:
        done = self.product.seeds
        print(
            f"  {done} of {seeds} seeds, {len(self.product.failing)} failing, {done / seconds:.0f}/s, "
            f"{self.seconds / 3600:.1f} virtual hours", flush=True,
        )  # fmt: skip

    def _try(self, pool: Any, name: str, share: Share, first: int, seeds: int) -> None:
        for results in pool.imap(_run_chunk, _chunks(name, first, seeds)):
            share.seeds += len(results)
            share.failing += [result.scenario for result in results if result.violations]

    @property
    def not_exercised(self) -> list[str]:
        """Faults, failpoints and checks that nothing in this campaign has touched."""
        examined = [name for name in EXAMINED if not self.examined[name]]
        return [name for name in FAULTS if not self.faults[name]] + sorted(FAILPOINTS - set(self.points)) + examined

    def summary(self) -> dict[str, object]:
        """Return the last line."""
        return {
            "seeds": self.product.seeds,
            "failures": len(self.product.failing),
            "virtual_days": round(self.seconds / 86_400, 2),
            "faults": dict(sorted(self.faults.items())),
            "mutants": {name: share.value for name, share in self.mutants.items()},
            "mutant_seeds": {name: share.seeds for name, share in self.mutants.items()},
            "failpoints": dict(sorted(self.points.items())),
            "figures": dict(sorted(self.figures.items())),
            "examined": dict(sorted(self.examined.items())),
            "not_exercised": self.not_exercised,
            "violations": dict(self.violations),
        }


EXAMINED = (
    "effects", "versions", "ledger", "events", "repeats", "dead_letters", "offsets", "gauge", "fenced_commits",
    "wallet_waits",
)  # fmt: skip


def _chunks(mutant: str, first: int, seeds: int) -> Iterator[tuple[str, int, int]]:
    for start in range(first, first + seeds, CHUNK):
        yield mutant, start, min(start + CHUNK, first + seeds)


def _begin() -> None:
    hush()
    gc.disable()
    gc.freeze()


def _run_chunk(chunk: tuple[str, int, int]) -> list[Result]:
    mutant, first, end = chunk
    results = []
    for seed in range(first, end):
        scenario = Scenario(seed, mutant)
        results.append(simulate(scenario, parts_of(scenario)))
    gc.collect()
    return results
