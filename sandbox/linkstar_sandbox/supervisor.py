"""A stack that outlives the command that started it: one detached process per home, run as
`python -m linkstar_sandbox.supervisor HOME`.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from linkstar_runtime.clock import Clock
from linkstar_sandbox.daemon import Identity, detach, stop
from linkstar_sandbox.errors import SandboxError
from linkstar_sandbox.home import Home, read_json, write_json
from linkstar_sandbox.infrastructure import Infrastructure
from linkstar_sandbox.jars import ensure_jars
from linkstar_sandbox.plan import Plan
from linkstar_sandbox.stack import Stack, clear_leftovers

UP_TIMEOUT_S = 240.0
DOWN_TIMEOUT_S = 90.0
RUNNING = "running"

OnPhase = Callable[[str], None]


def up(home: Home, plan: Plan, on_phase: OnPhase = lambda _phase: None) -> dict[str, Any]:
    """Starts a detached stack and returns its endpoints once every service is ready; coded errors otherwise."""
    if running(home):
        raise _already(home)
    home.prepare()
    if not plan.kafka_bootstrap:
        ensure_jars()
    plan.save(home)
    _failure(home).unlink(missing_ok=True)
    command = [sys.executable, "-m", "linkstar_sandbox.supervisor", str(home.path)]
    _follow(home, detach(command, home.supervisor_log), on_phase)
    endpoints: dict[str, Any] = read_json(home.endpoints)
    return endpoints


def down(home: Home) -> bool:
    """Stops the stack of this home, also what a killed supervisor left behind. False if nothing ran."""
    supervisor = running(home)
    if supervisor:
        stop(supervisor, DOWN_TIMEOUT_S)
    state = read_json(home.state) or {}
    clear_leftovers(home)
    if home.plan.exists():
        servers = Infrastructure(home, Plan.load(home))
        for server in (servers.kafka, servers.postgres):
            if server:
                server.stop_leftover()
    home.supervisor_pid.unlink(missing_ok=True)
    home.endpoints.unlink(missing_ok=True)
    return supervisor is not None or state.get("phase", "stopped") != "stopped"


def reset(home: Home) -> None:
    """Stops the stack and deletes all its data."""
    down(home)
    shutil.rmtree(home.postgres, ignore_errors=True)
    shutil.rmtree(home.path, ignore_errors=True)


def running(home: Home) -> Identity | None:
    """The supervisor of this home, if it runs."""
    identity = Identity.load(home.supervisor_pid)
    return identity if identity and identity.find() else None


def endpoints_of(home: Home) -> dict[str, Any]:
    """Addresses and keys of the running stack."""
    found: dict[str, Any] | None = read_json(home.endpoints) if running(home) else None
    if found is None:
        raise SandboxError("not-running", f"No stack runs in {home.path}.", "Start one with `linkstar up`.")
    return found


def _follow(home: Home, process: Identity, on_phase: OnPhase) -> None:
    """Tells each phase until the stack runs; raises the supervisor's own error if it gave up."""
    deadline, told = time.monotonic() + UP_TIMEOUT_S, ""
    while time.monotonic() < deadline:
        state = read_json(home.state) or {}
        phase = state.get("phase", "") if state.get("supervisor") == process.pid else ""
        if phase and phase != told:
            on_phase(phase)
            told = phase
        if phase == RUNNING:
            return
        if process.find() is None:
            raise _read_failure(home)
        time.sleep(0.1)
    raise SandboxError(
        "service-start-failed", f"Not running after {UP_TIMEOUT_S:.0f} s.", f"See {home.supervisor_log}."
    )


def _failure(home: Home) -> Path:
    return home.path / "failure.json"


def _read_failure(home: Home) -> SandboxError:
    known = read_json(_failure(home))
    if known:
        return SandboxError(known["code"], known["message"], known["remedy"])
    return SandboxError("service-start-failed", "The supervisor ended at start.", f"See {home.supervisor_log}.")


def _already(home: Home) -> SandboxError:
    return SandboxError("already-running", f"A stack runs in {home.path} already.", "Stop it with `linkstar down`.")


@contextmanager
def _sole_supervisor(home: Home) -> Iterator[None]:
    """Two supervisors never share a home, even when started at the same moment."""
    with (home.path / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise _already(home) from error
        yield


def _tell(line: str) -> None:
    sys.stdout.write(json.dumps({"at": Clock().wall().isoformat(timespec="milliseconds"), "event": line}) + "\n")
    sys.stdout.flush()


def supervise(home: Home) -> int:
    """Runs the planned stack until SIGTERM; the exit code says whether it started."""
    with suppress(PermissionError):
        os.setsid()
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    try:
        with _sole_supervisor(home):
            Identity.of(os.getpid()).save(home.supervisor_pid)
            with Stack(home, Plan.load(home), _tell):
                ending.wait()
            home.supervisor_pid.unlink(missing_ok=True)
    except SandboxError as error:
        _tell(str(error))
        write_json(_failure(home), {"code": error.code, "message": error.message, "remedy": error.remedy})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(supervise(Home(Path(sys.argv[1]))))
