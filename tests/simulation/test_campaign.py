"""A short run of `make sim`: the product keeps its promises on 150 seeds, and nothing depends on anything but the seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from simulation.mutants import MUTANTS

TESTS = Path(__file__).parents[1]
REQUIRED = {
    "no_epoch", "inherited_rows_ignored", "own_chunk_only", "deleted_before_ack", "no_natural_key", "offset_first",
    "no_dirty_check", "round_robin", "sequence_before_lock", "unsorted_wallets",
}  # fmt: skip


def run(*arguments: str, hash_seed: str = "random") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-m", "simulation", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=110, check=False)


def last_line(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    found = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def test_150_seeds_keep_every_promise() -> None:
    done = run("--seeds", "150", "--jobs", "2", "--mutant-seeds", "0")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    told = last_line(done)
    assert (told["seeds"], told["failures"], told["violations"]) == (150, 0, {})
    assert all(told["examined"].values())  # type: ignore[attr-defined]


def test_the_same_seed_takes_the_same_course_in_every_process() -> None:
    first, second = (run("--replay", "--seed", "7", hash_seed=hash_seed) for hash_seed in ("1", "2"))
    assert first.returncode == 0
    assert len(first.stdout.splitlines()) > 50
    assert first.stdout == second.stdout


def test_a_failing_seed_says_how_it_repeats() -> None:
    known = MUTANTS["own_chunk_only"].known
    done = run("--replay", "--seed", str(known), "--mutant", "own_chunk_only")
    assert done.returncode == 1
    assert f'repeat with: make sim-replay SIM_ARGS="--seed {known} --mutant own_chunk_only"' in done.stdout
    assert "order" in last_line(done)["violations"]  # type: ignore[operator]


def test_the_variants_that_the_design_names_exist() -> None:
    assert set(MUTANTS) >= REQUIRED


def test_nonsense_is_refused() -> None:
    assert run("--replay", "--mutant", "unheard-of").returncode == 2
