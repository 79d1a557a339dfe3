"""What `make` prints while it installs: progress on a terminal, one line elsewhere."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = '#!/bin/sh\ncase "$*" in *sync*--quiet*) ;; *sync*) echo "+ package==1" >&2 ;; esac\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The Makefile over an environment whose uv only talks."""
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    for member in ROOT.glob("*/*/pyproject.toml"):
        copied = tmp_path / member.relative_to(ROOT)
        copied.parent.mkdir(parents=True)
        shutil.copy(member, copied)
    for name in ("sandbox", "cli", "bench"):
        (tmp_path / name).mkdir()
        shutil.copy(ROOT / name / "pyproject.toml", tmp_path / name)
    uv = tmp_path / ".venv" / "bin" / "uv"
    uv.parent.mkdir(parents=True)
    uv.write_text(UV)
    uv.chmod(0o755)
    return tmp_path


def _outside_make() -> dict[str, str]:
    """The environment of somebody's shell, although `make test` runs us: a make inside a make talks more."""
    return {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}


def test_a_log_gets_one_line(checkout: Path) -> None:
    made = subprocess.run(
        ["make", "setup"], cwd=checkout, env=_outside_make(), capture_output=True, text=True, check=True
    )
    assert made.stderr == ""
    assert len(made.stdout.splitlines()) == 1
    assert "packages" in made.stdout


def test_a_terminal_sees_the_progress(checkout: Path) -> None:
    ours, theirs = pty.openpty()
    subprocess.run(
        ["make", "setup"], cwd=checkout, env=_outside_make(), stdout=subprocess.DEVNULL, stderr=theirs, check=True
    )
    os.close(theirs)
    assert b"+ package==1" in os.read(ours, 1000)
    os.close(ours)
