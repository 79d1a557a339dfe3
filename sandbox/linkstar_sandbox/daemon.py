"""Processes that outlive a function call: started with a log file, remembered by a pid file, stopped for certain."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Identity:
    """A process told apart from a later one with the same pid by its creation time."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> Identity:
        return cls(pid, psutil.Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        """The live process, or None if it ended (a zombie counts as ended)."""
        with suppress(psutil.Error):
            process = psutil.Process(self.pid)
            if process.create_time() == self.created and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None

    def save(self, path: Path) -> None:
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps({"pid": self.pid, "created": self.created}))
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> Identity | None:
        """The identity saved at `path`; None if there is none or it is unreadable."""
        try:
            saved = json.loads(path.read_text())
            return cls(int(saved["pid"]), float(saved["created"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None


def launch(
    command: Sequence[str | Path],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    user: int | None = None,
    group: int | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Starts a process in its own session with both outputs appended to `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            start_new_session=True,
            user=user,
            group=group,
            extra_groups=None if user is None else [],
            cwd=cwd,
        )


def detach(command: Sequence[str], log: Path) -> Identity:
    """Starts a process that is not ours to wait for; it should leave our session by itself."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    files: list[tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o644),
        (os.POSIX_SPAWN_OPEN, 2, str(log), flags, 0o644),
    ]
    return Identity.of(os.posix_spawn(command[0], list(command), os.environ, file_actions=files))


def stop(identity: Identity, timeout_s: float, stop_signal: int = signal.SIGTERM) -> bool:
    """Ends a process that need not be our child: the signal, then a kill after the timeout. True if no kill was needed."""
    for number in (stop_signal, signal.SIGKILL):
        with suppress(psutil.NoSuchProcess):
            if process := identity.find():
                process.send_signal(number)
        if _gone(identity, timeout_s):
            return number == stop_signal
    return False


def _gone(identity: Identity, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if identity.find() is None:
            with suppress(ChildProcessError):
                os.waitpid(identity.pid, os.WNOHANG)
            return True
        time.sleep(0.02)
    return False


def stop_child(process: subprocess.Popen[bytes], timeout_s: float, stop_signal: int = signal.SIGTERM) -> bool:
    """Ends our own child and reaps it. True if the signal sufficed."""
    if process.poll() is not None:
        return True
    process.send_signal(stop_signal)
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True
