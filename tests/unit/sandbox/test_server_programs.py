"""PostgreSQL's programs where their installed place is closed to the server's user, as below root's home."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from pathlib import Path

from linkstar_sandbox.postgres import BINARIES, WHEEL, readable_copy


def test_the_copied_programs_run(tmp_path: Path) -> None:
    spec = find_spec(WHEEL)
    assert spec is not None
    assert spec.origin is not None
    copy = readable_copy(Path(spec.origin).parents[1], tmp_path / "programs")
    for program in ("postgres", "initdb"):
        told = subprocess.run(
            [copy / BINARIES / program, "--version"], env={}, check=True, capture_output=True, text=True
        )
        assert told.stdout.startswith(f"{program} (PostgreSQL) 18")
