"""Time comes from the injected clock and chance from a seed: otherwise no run could be repeated."""

from __future__ import annotations

from pathlib import Path

import pytest
from architecture.source_tree import Module, by_member

CLOCK_CALLS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "dt.datetime.now", "datetime.datetime.now",
    "time.time", "time.time_ns",
}  # fmt: skip
CLOCK_MODULES = {"libs/runtime/linkstar_runtime/clock.py"}
CHANCE_MODULES = {"libs/runtime/linkstar_runtime/ids.py"}
SEEDED = {"random.Random", "Random"}
MEMBERS = by_member("libs", "services", "sandbox", "cli", "bench")


@pytest.mark.parametrize("member", MEMBERS)
def test_no_hidden_clock(member: str) -> None:
    found = [
        f"{module.name}:{call.lineno} {name}"
        for module in MEMBERS[member] if module.name not in CLOCK_MODULES
        for name, call in module.calls if name in CLOCK_CALLS
    ]  # fmt: skip
    assert not found


@pytest.mark.parametrize("member", MEMBERS)
def test_no_unseeded_chance(member: str) -> None:
    """Simulators of the sandbox may draw, from a generator that was given its seed."""
    found = [
        f"{module.name}:{call.lineno} {name}"
        for module in MEMBERS[member] if module.name not in CHANCE_MODULES
        for name, call in module.calls
        if (name.startswith("random.") or name in SEEDED)
        and not (module.name.startswith(("sandbox/", "bench/")) and name in SEEDED and call.args)
    ]  # fmt: skip
    assert not found


def test_rule_sees_a_planted_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("from datetime import datetime, UTC\nthen = datetime.now(UTC)\n")
    monkeypatch.setattr("architecture.source_tree.ROOT", tmp_path)
    assert {name for name, _ in Module(planted).calls} & CLOCK_CALLS
