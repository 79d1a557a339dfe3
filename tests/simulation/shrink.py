"""Makes a failing scenario small: fewer kinds of fault, facts and replicas, as long as it breaks the same promise."""

from __future__ import annotations

from collections.abc import Iterator

from simulation.chance import Scenario
from simulation.mutants import MUTANTS
from simulation.parts import Parts
from simulation.world import Result, simulate

__all__ = ["parts_of", "shrink"]

SIZES = (1, 2, 3, 5, 8, 12, 18, 26)
OTHER_COURSES = 3
"""A smaller plan takes another course; so many are tried before it is given up."""


def parts_of(scenario: Scenario) -> Parts:
    """Return what this scenario's replicas are made of."""
    return MUTANTS[scenario.mutant].parts if scenario.mutant else Parts()


def shrink(failing: Result, budget: int = 400) -> Result:
    """Return the smallest failing result found within so many runs; every one of them repeats exactly."""
    best, kinds = failing, set(failing.violations)
    progress = True
    while progress and budget > 0:
        progress = False
        for candidate in _smaller(best):
            smaller, runs = _fails(candidate, kinds)
            budget -= runs
            if smaller is not None:
                best, progress = smaller, True
                break
            if budget <= 0:
                break
    return best


def _fails(candidate: Scenario, kinds: set[str]) -> tuple[Result | None, int]:
    for other in range(OTHER_COURSES):
        result = simulate(candidate.but(draw=candidate.draw + other), parts_of(candidate))
        if kinds & set(result.violations):
            return result, other + 1
    return None, OTHER_COURSES


def _smaller(result: Result) -> Iterator[Scenario]:
    """Offer smaller scenarios, the boldest first."""
    scenario = result.scenario
    present = sorted(fault for fault, count in result.faults.items() if count and fault not in scenario.without)
    half = len(present) // 2
    for group in (present, present[:half], present[half:]):
        if len(group) > 1:
            yield scenario.but(without=tuple(sorted({*scenario.without, *group})))
    for size in SIZES:
        if size < (scenario.facts or 1_000):
            yield scenario.but(facts=size)
    for size in (1, 2, 3):
        if size < (scenario.replicas or 4):
            yield scenario.but(replicas=size)
    for fault in present:
        yield scenario.but(without=tuple(sorted({*scenario.without, fault})))
