"""A small disk for PostgreSQL that can be filled: a tmpfs, where the system lets us mount one."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

__all__ = ["SmallDisk"]

SIZE_MIB = 1_536
_CHUNK = 1024 * 1024


class SmallDisk:
    """Mounted over `place` while in use. Where mounting is forbidden, `mounted` stays False and `why_not` says why."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._balloon = place / "balloon"
        self.mounted = False
        self.why_not = ""

    def mount(self) -> None:
        """Mount it if we may; a disk an earlier, killed run left behind is taken away first."""
        self._place.mkdir(parents=True, exist_ok=True)
        while os.path.ismount(self._place) and _run("umount", "--lazy", str(self._place)) is None:
            pass
        self.why_not = _run("mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m,mode=755", "tmpfs", str(self._place)) or ""
        self.mounted = not self.why_not

    def fill(self) -> None:
        """Leave not a byte."""
        with suppress(OSError), self._balloon.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * _CHUNK)

    def free(self) -> None:
        """Give the space back."""
        self._balloon.unlink(missing_ok=True)

    def unmount(self) -> None:
        """Take the disk away with everything on it."""
        if self.mounted:
            _run("umount", "--lazy", str(self._place))
            self.mounted = False


def _run(*command: str) -> str | None:
    """None if the command worked, else what it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return None if done.returncode == 0 else (done.stderr.strip() or f"exit code {done.returncode}")
