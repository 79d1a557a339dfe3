"""`linkstar` starts without what only few of its commands need."""

from __future__ import annotations

import subprocess
import sys


def test_no_command_waits_for_the_web_framework_or_workbooks() -> None:
    program = "import sys, linkstar_cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"fastapi", "numpy", "openpyxl", "faststream"}.isdisjoint(done.stdout.split())
