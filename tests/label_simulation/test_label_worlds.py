"""A short run of the simulated purchases: the product holds in every world, and every broken variant is exposed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
import structlog
from simulation.quiet import hush

from label_simulation.carrier import KINDS
from label_simulation.mutants import MUTANTS, play

SEEDS = range(150)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = structlog.get_config()
    hush()
    yield
    structlog.configure(**before)


def test_no_world_loses_or_doubles_a_label() -> None:
    results = [play(seed) for seed in SEEDS]
    assert [(result.seed, result.violations) for result in results if result.violations] == []
    assert {result.kind for result in results} == set(KINDS)
    seen = sum((result.faults + result.figures for result in results), Counter[str]())
    ends = {"purchased", "refused", "withdrawn", "voided", "kept", "orphans", "transient_doubles"}
    ends |= {"suspended", "erased", "unwritable"}
    assert ends <= {name for name, count in seen.items() if count}


@pytest.mark.parametrize("name", MUTANTS)
def test_every_broken_variant_is_exposed(name: str) -> None:
    assert any(play(seed, name).violations for seed in range(600))


def test_a_seed_repeats_its_world() -> None:
    first, second = play(11), play(11)
    assert (first.faults, first.figures) == (second.faults, second.figures)
