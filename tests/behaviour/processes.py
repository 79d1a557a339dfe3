"""Starts and stops replicas of the example service as real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["Replicas"]

TESTS = Path(__file__).parents[1]


class Replicas:
    """Replicas of one service on one database and broker; every process started here is ended here."""

    def __init__(self, module: str, environment: dict[str, str], logs: Path) -> None:
        self._command = [sys.executable, "-m", module, "run"]
        self._environment = {**os.environ, "PYTHONPATH": str(TESTS), **environment}
        self._logs = logs
        self._started = 0
        self._log_of: dict[int, Path] = {}
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start one more replica; `environment` adds to the common one."""
        self._started += 1
        path = self._logs / f"replica-{self._started}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(self._command, env={**self._environment, **environment}, stdout=log, stderr=log)
        self.running.append(process)
        self._log_of[process.pid] = path
        return process

    def signal(self, number: signal.Signals, process: subprocess.Popen[bytes]) -> None:
        """Send a signal to one replica; a killed one is reaped."""
        process.send_signal(number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            process.wait(30)
            self.running.remove(process)

    def stop(self) -> list[int]:
        """End all replicas gracefully and return their exit codes. One that still boots is waited for."""
        for process in self.running:
            process.send_signal(signal.SIGCONT)
            self._await_start(process)
            process.send_signal(signal.SIGTERM)
        codes = []
        for process in self.running:
            try:
                codes.append(process.wait(30))
            except subprocess.TimeoutExpired:
                process.kill()
                codes.append(process.wait())
        self.running.clear()
        return codes

    def _await_start(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 30
        while process.poll() is None and b"service_started" not in self._log_of[process.pid].read_bytes():
            if time.monotonic() > deadline:
                return
            time.sleep(0.05)

    def replay(self, *selection: str, returncode: int = 0) -> str:
        """Redrive dead letters as an operator does, and return what was printed."""
        command = [*self._command[:-1], "replay", *selection]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == returncode, done.stderr
        return done.stdout

    def logs(self) -> str:
        """Return what all replicas wrote."""
        return "\n".join(path.read_text("utf-8", "replace") for path in sorted(self._logs.glob("replica-*.log")))
