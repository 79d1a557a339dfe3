"""Where the embedded stack keeps downloads, state and sockets."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from linkstar_sandbox.errors import SandboxError

SYSTEM_STATE = Path("/var/lib/linkstar")
MIB = 1024 * 1024


def cache_home() -> Path:
    """The user's cache folder for downloads: safe to delete, refilled on demand."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "linkstar"


def run_home() -> Path:
    """Where one stack keeps its state: `LINKSTAR_HOME`, else `.linkstar` in the working directory."""
    return Path(os.environ.get("LINKSTAR_HOME") or ".linkstar").resolve()


def is_root() -> bool:
    """True where PostgreSQL refuses to run under the caller's own user."""
    return os.geteuid() == 0


def short_id(path: Path) -> str:
    """A stable short name for a path, for directories that stand outside it."""
    return hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]


def open_to_others(path: Path) -> bool:
    """True if every existing directory down to `path` may be entered by any user."""
    return all(
        directory.stat().st_mode & stat.S_IXOTH for directory in (path, *path.resolve().parents) if directory.exists()
    )


def postgres_home(home: Path) -> Path:
    """The PostgreSQL directory of a stack: inside `home`, or outside where its server user could not enter."""
    if not is_root() or open_to_others(home):
        return home / "postgres"
    return SYSTEM_STATE / short_id(home)


def socket_directory(data: Path) -> Path:
    """A private directory whose socket path stays under the operating system's limit of about 107 bytes."""
    if len(str(data)) <= 80:
        return data
    return Path(tempfile.gettempdir()) / f"linkstar-{os.geteuid()}-{short_id(data)}"


def require_space(directory: Path, needed_mib: int) -> None:
    """Refuses early when the disk could not hold what is about to be written."""
    directory.mkdir(parents=True, exist_ok=True)
    free_mib = shutil.disk_usage(directory).free // MIB
    if free_mib < needed_mib:
        raise SandboxError(
            "disk-full",
            f"{directory} has {free_mib} MiB free, {needed_mib} MiB are needed.",
            "Free some space, or point LINKSTAR_HOME / XDG_CACHE_HOME at another disk.",
        )
