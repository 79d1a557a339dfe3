"""A pytest plug-in that leaves the counts of a run in the file that LINKSTAR_TEST_COUNTS names."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

OUTCOMES = ("passed", "failed", "error", "skipped")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = {outcome: len(terminalreporter.getreports(outcome)) for outcome in OUTCOMES}
    Path(os.environ["LINKSTAR_TEST_COUNTS"]).write_text(json.dumps(counts))
