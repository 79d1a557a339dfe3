"""Prometheus's own rule checker: found on this machine, or taken from Debian's package `prometheus` into the cache.

Run as `python -m linkstar_sandbox.promtool test rules FILE…`: the arguments go to promtool.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from linkstar_sandbox.errors import SandboxError
from linkstar_sandbox.places import cache_home

__all__ = ["find_promtool"]

PACKAGE = "prometheus"
FETCH_TIMEOUT_S = 60


def find_promtool() -> Path:
    """Return the program; raises a coded error that says how to get it where it cannot be had here."""
    cached = cache_home() / "promtool" / "promtool"
    if found := os.environ.get("PROMTOOL") or shutil.which("promtool"):
        return Path(found)
    if not cached.exists():
        _unpack(cached)
    return cached


def _unpack(target: Path) -> None:
    """Take the one program out of the package; nothing is installed and no root is needed."""
    try:
        with tempfile.TemporaryDirectory() as scratch:
            _run(["apt-get", "download", "-qq", PACKAGE], scratch)
            (package,) = Path(scratch).glob(f"{PACKAGE}_*.deb")
            _run(["dpkg-deb", "-x", package.name, "."], scratch)
            target.parent.mkdir(parents=True, exist_ok=True)
            fresh = target.with_name(f".{target.name}.{os.getpid()}")
            shutil.copy2(Path(scratch) / "usr/bin/promtool", fresh)
            fresh.replace(target)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise SandboxError(
            "promtool-missing", f"There is no promtool here, and Debian's package could not be had: {error}",
            "Install Prometheus, or name the program in PROMTOOL.",
        ) from error  # fmt: skip


def _run(command: list[str], directory: str) -> None:
    subprocess.run(command, cwd=directory, check=True, capture_output=True, timeout=FETCH_TIMEOUT_S)


def main() -> int:
    """Run promtool with the arguments given."""
    try:
        return subprocess.run([find_promtool(), *sys.argv[1:]], check=False).returncode
    except SandboxError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
