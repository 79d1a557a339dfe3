"""Tracked files name no machine, no registry and no lock that spells registries out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from architecture.source_tree import ROOT, tracked_files

TEXT = {".py", ".md", ".toml", ".lock", ".txt", ".yaml", ".yml", ".json", ".sql", ".sh", ".cfg", ".ini", ".csv", ""}
MACHINE = re.compile(
    "|".join(("/ro" + "ot/", "/ho" + r"me/\w+/", "/Us" + r"ers/\w+/", r"(?<![\w.])/wo" + "rk/", "bash_" + "jobs"))
)
REGISTRY = re.compile(
    "|".join((
        r"https?://\S*py" + r"pi\.org/simple", "files\\.python" + "hosted", "repo1?\\.mav" + "en", "/mav" + "en2/",
        "registry\\.npm" + "js", "--(extra-)?index" + "-url", "proxy\\.gol" + "ang",
    ))
)  # fmt: skip


@pytest.mark.parametrize("pattern", [MACHINE, REGISTRY], ids=["machine", "registry"])
def test_no_text_names(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in tracked_files()
        if path.suffix in TEXT and path.stat().st_size < 5_000_000
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found


def test_no_foreign_lock() -> None:
    assert not [path for path in tracked_files() if path.name in {"uv" + ".lock", "poetry.lock", "Pipfile.lock"}]


def test_every_dependency_is_pinned_by_hash() -> None:
    lines = Path(ROOT, "requirements.lock").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert pins
    assert all("==" in pin and pin.endswith("\\") for pin in pins)
