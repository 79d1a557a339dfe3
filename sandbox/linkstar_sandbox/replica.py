"""One supervised process: started, watched, restarted with growing pauses, stopped."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from linkstar_sandbox.daemon import launch, stop_child

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0
STEADY_AFTER_S = 30.0
STOP_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Standing:
    """How a process stands; what `linkstar status` shows."""

    name: str
    pid: int | None
    created: float | None
    restarts: int
    last_exit: int | None
    port: int | None


class Replica:
    """A process that shall run. It is restarted 0.5 s after it died, later each time, unless it ran steadily."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path, port: int | None = None
    ) -> None:
        self.name, self.port, self.log = name, port, log
        self._command, self._environment = command, environment
        self._process: subprocess.Popen[bytes] | None = None
        self._created: float | None = None
        self._started_at = self._due = 0.0
        self._restarts = self._failures = 0
        self._last_exit: int | None = None

    @property
    def pid(self) -> int | None:
        """The pid while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def url(self) -> str | None:
        return f"http://127.0.0.1:{self.port}" if self.port else None

    def start(self) -> None:
        last = {} if self._last_exit is None else {"LINKSTAR_LAST_EXIT_CODE": str(self._last_exit)}
        self._process = launch(self._command, self.log, env={**self._environment, **last})
        self._created = psutil.Process(self._process.pid).create_time()
        self._started_at = time.monotonic()

    def revive(self) -> str | None:
        """Starts it again if it died and its pause is over. Says what happened, for the supervisor's log."""
        if self._process is None:
            return self._restart() if time.monotonic() >= self._due else None
        if (code := self._process.poll()) is None:
            return None
        steady = time.monotonic() - self._started_at > STEADY_AFTER_S
        self._failures = 1 if steady else self._failures + 1
        pause = min(FIRST_PAUSE_S * 2 ** (self._failures - 1), LONGEST_PAUSE_S)
        self._due, self._last_exit, pid = time.monotonic() + pause, code, self._process.pid
        self._process = None
        return f"{self.name} (pid {pid}) ended: {describe_exit(code)}; it starts again in {pause:.1f} s"

    def _restart(self) -> str:
        self._restarts += 1
        self.start()
        return f"{self.name} started again as pid {self.pid} (restart {self._restarts})"

    def signal(self, number: int) -> None:
        """Sends a signal to the running process; nothing if it does not run."""
        if self.pid and self._process:
            self._process.send_signal(number)

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> bool:
        """Ends it for good. True if it went by itself."""
        return stop_child(self._process, timeout_s) if self._process else True

    def standing(self) -> dict[str, Any]:
        pid = self.pid
        return asdict(
            Standing(self.name, pid, self._created if pid else None, self._restarts, self._last_exit, self.port)
        )


def describe_exit(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def ready(url: str | None, timeout_s: float = 1.0) -> bool:
    """True if the service behind the address says that it is ready."""
    try:
        return url is not None and httpx.get(f"{url}/readyz", timeout=timeout_s).status_code == 200
    except httpx.HTTPError:
        return False
