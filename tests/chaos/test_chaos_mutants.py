"""The broken builds start as the services do, and what they break is really replaced."""

from __future__ import annotations

import subprocess
import sys

import pytest

from linkstar_sandbox.chaos.mutants import MUTANTS

REPLACED = {
    "own_chunk_only": "linkstar_runtime.postgres_store._PostgresBatch.visible_outbox",
    "publish_before_commit": "linkstar_runtime.batch.BatchRunner.run",
}


@pytest.mark.parametrize("mutant", sorted(MUTANTS))
def test_a_broken_build_runs_the_service_it_is_given(mutant: str) -> None:
    command = [sys.executable, "-m", "linkstar_sandbox.chaos.mutants", mutant, "linkstar_router", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "LinkStar router" in done.stdout


@pytest.mark.parametrize("mutant", sorted(MUTANTS))
def test_a_mutant_replaces_a_method_of_the_product(mutant: str) -> None:
    module, owner, method = REPLACED[mutant].rsplit(".", 2)
    code = (
        f"import importlib; from linkstar_sandbox.chaos.mutants import MUTANTS\n"
        f"owner = getattr(importlib.import_module({module!r}), {owner!r}); before = owner.{method}\n"
        f"MUTANTS[{mutant!r}](); print(owner.{method} is not before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "True", done.stderr
