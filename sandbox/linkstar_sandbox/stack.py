"""The whole of LinkStar on one machine: broker, database, every service as its own process, the carrier simulator.

`Stack` is the Python door (demo, tests); `linkstar up` runs the same class in a detached supervisor.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event, RLock, Thread
from types import TracebackType
from typing import Any

from asyncpg import PostgresError

from linkstar_runtime.migrate import MigrationError, migrate
from linkstar_sandbox.daemon import Identity, stop
from linkstar_sandbox.environment import service_environment, service_url
from linkstar_sandbox.errors import SandboxError
from linkstar_sandbox.home import Home, read_json, write_json
from linkstar_sandbox.infrastructure import Infrastructure
from linkstar_sandbox.keys import provision_keys
from linkstar_sandbox.plan import Plan, note_clock, settle_clock
from linkstar_sandbox.ports import free_ports
from linkstar_sandbox.replica import Replica, ready

READY_TIMEOUT_S = 90.0
WATCH_PERIOD_S = 0.5
LEFTOVER_TIMEOUT_S = 10.0
SIMULATOR = "carriers"
CARRIER_APIS = "carrier-apis"

Tell = Callable[[str], None]


class Stack:
    """Starts, watches and stops one stack. Use as a context manager, or `start` and `stop`."""

    def __init__(
        self, home: Home, plan: Plan | None = None, tell: Tell = lambda _line: None,
        infrastructure: Infrastructure | None = None,
    ) -> None:  # fmt: skip
        self.home, self.plan, self._tell = home, plan or Plan(), tell
        self.infrastructure = infrastructure or Infrastructure(home, self.plan)
        self.replicas: dict[str, Replica] = {}
        self._clock: Mapping[str, str] = {}
        self._keys: Mapping[str, str] = {}
        self._carrier_apis: str | None = None
        self._lock = RLock()
        self._ending = Event()
        self._watcher = Thread(target=self._watch, name="stack-watch", daemon=True)

    def start(self) -> None:
        """Leaves every service ready, or stops what it started and raises a coded error."""
        self.home.prepare()
        clear_leftovers(self.home)
        try:
            self._phase("starting Kafka and PostgreSQL")
            self.infrastructure.start()
            self._clock = settle_clock(self.home, self.plan.speed)
            self._phase("migrating the database")
            asyncio.run(self._migrate())
            self._keys = provision_keys(self.home, self.infrastructure.admin_url)
            self._phase("starting the services")
            self._launch()
            self._await_ready()
        except BaseException:
            self.stop()
            raise
        self._phase("running")
        self._watcher.start()

    def stop(self) -> None:
        """Stops the services first, then the servers; data stays."""
        self.stop_services()
        with self._lock:
            if self._clock:
                note_clock(self.home, self._clock)
            self.infrastructure.stop()
            self.home.endpoints.unlink(missing_ok=True)
            self._phase("stopped")

    def stop_services(self) -> None:
        """Stops every service and the simulator, and watches over nothing any more; the servers go on."""
        self._ending.set()
        with self._lock:
            self._phase("stopping")
            with ThreadPoolExecutor(max(len(self.replicas), 1)) as pool:
                list(pool.map(Replica.stop, self.replicas.values()))

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Sends a signal to one process (`router-2`); the watcher restarts it if it ends."""
        if name not in self.replicas:
            raise SandboxError("unknown-service", f"There is no {name}.", f"Name one of {', '.join(self.replicas)}.")
        self.replicas[name].signal(number)

    def grow(self, service: str) -> str:
        """Starts one more replica of a service; returns its name."""
        with self._lock:
            number = 1 + max(int(name.rpartition("-")[2]) for name in self._names(service))
            self._add(self._service_replica(service, number, *free_ports(1)))
        return f"{service}-{number}"

    def shrink(self, service: str) -> str | None:
        """Stops the youngest replica of a service as a roll-out would; None when only one is left."""
        with self._lock:
            names = self._names(service)
            if len(names) < 2:
                return None
            leaving = self.replicas.pop(max(names, key=lambda name: int(name.rpartition("-")[2])))
            self._note()
        leaving.stop()
        return leaving.name

    def _names(self, service: str) -> list[str]:
        return [name for name in self.replicas if name.rpartition("-")[0] == service]

    def urls(self, service: str) -> list[str]:
        """The addresses of a service's replicas."""
        return [str(r.url) for name, r in self.replicas.items() if name.rpartition("-")[0] == service and r.url]

    @property
    def endpoints(self) -> dict[str, Any]:
        """Addresses and keys as `endpoints.json` gives them."""
        return {
            "kafka": self.infrastructure.bootstrap,
            "database": self.infrastructure.admin_url,
            "services": {service: self.urls(service) for service in self.plan.services},
            "carrier_apis": self._carrier_apis,
            "keys": dict(self._keys),
            "clock": dict(self._clock),
            "spans": str(self.home.spans),
            "ledger": str(self.home.ledger),
        }

    def __enter__(self) -> Stack:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _environment(self, service: str) -> dict[str, str]:
        return service_environment(self.home, self.plan, self.endpoints, service)

    async def _migrate(self) -> None:
        """Brings every service's schema to its head: one process, because each interpreter costs more than the SQL."""
        for service in self.plan.services:
            url = service_url(self.home, self.plan, self.infrastructure.admin_url, service)
            try:
                package = f"linkstar_{service}.migrations"
                await migrate(self.infrastructure.admin_url, service, package, service_url=url)
            except (MigrationError, PostgresError) as error:
                raise SandboxError(
                    "service-start-failed",
                    f"The migrations of {service} failed: {error}",
                    "`linkstar reset` starts with empty data.",
                ) from error

    def _launch(self) -> None:
        if self.plan.carrier_apis:
            self._add(self._carriers_own(*free_ports(1)))
        names = [(service, n) for service in self.plan.services for n in range(1, self.plan.count(service) + 1)]
        for (service, number), port in zip(names, free_ports(len(names)), strict=True):
            self._add(self._service_replica(service, number, port))
        if self.plan.simulate and "tracker" in self.plan.services:
            self._add(self._replica(SIMULATOR, self._module("linkstar_sandbox.carriers"), self._simulator()))
        write_json(self.home.endpoints, self.endpoints)
        self.home.endpoints.chmod(0o600)

    def _service_replica(self, service: str, number: int, port: int) -> Replica:
        name = f"{service}-{number}"
        environment = self._environment(service) | {"LINKSTAR_HTTP__PORT": str(port)}
        if self.plan.static_members:
            environment["LINKSTAR_KAFKA__GROUP_INSTANCE_ID"] = name
        return self._replica(name, self._module(f"linkstar_{service}", "run"), environment, port)

    def _carriers_own(self, port: int) -> Replica:
        """The simulators of the carriers' APIs: before the services, which are told where they are."""
        self._carrier_apis = f"http://127.0.0.1:{port}"
        environment = self._environment("labeler")
        del environment["LINKSTAR_DATABASE__URL"]
        kept = str(self.home.path / "carrier-apis.json")
        command = self._module("linkstar_sandbox.carrier_apis", "--port", str(port), "--ledger", kept)
        return self._replica(CARRIER_APIS, command, environment, port)

    def _replica(
        self, name: str, command: list[str], environment: Mapping[str, str], port: int | None = None
    ) -> Replica:
        return Replica(name, command, environment, self._log(name), port)

    def _add(self, replica: Replica) -> None:
        replica.start()
        self.replicas[replica.name] = replica
        self._note()

    def _module(self, module: str, *arguments: str) -> list[str]:
        return [sys.executable, "-m", module, *arguments]

    def _log(self, name: str) -> Any:
        return self.home.logs / f"{name}.log"

    def _simulator(self) -> dict[str, str]:
        environment = self._environment("tracker")
        del environment["LINKSTAR_DATABASE__URL"]
        return environment | {
            "LINKSTAR_SIMULATOR__TRACKER_URL": self.urls("tracker")[0],
            "LINKSTAR_SIMULATOR__API_KEY": self._keys["carrier"],
            "LINKSTAR_SIMULATOR__SEED": str(self.plan.seed),
            "LINKSTAR_SIMULATOR__LEDGER": str(self.home.ledger),
        }

    def _await_ready(self) -> None:
        waiting = [replica for replica in self.replicas.values() if replica.url]
        deadline = time.monotonic() + READY_TIMEOUT_S
        while waiting := [replica for replica in waiting if not ready(replica.url)]:
            for replica in waiting:
                if replica.pid is None or time.monotonic() > deadline:
                    raise _unready(replica)
            time.sleep(0.1)

    def _watch(self) -> None:
        while not self._ending.wait(WATCH_PERIOD_S):
            with self._lock:
                if not self._ending.is_set():
                    self._revive()

    def _revive(self) -> None:
        try:
            told = self.infrastructure.revive()
        except SandboxError as error:
            told = [str(error)]
        told += [line for replica in self.replicas.values() if (line := replica.revive())]
        for line in told:
            self._tell(line)
        note_clock(self.home, self._clock)
        self._note()

    def _phase(self, phase: str) -> None:
        self._tell(phase)
        self._current = phase
        self._note()

    def _note(self) -> None:
        """Writes what runs, so that anyone can show it, and a later run can end what a kill left behind."""
        processes = [replica.standing() for replica in self.replicas.values()]
        write_json(
            self.home.state,
            {
                "phase": self._current,
                "supervisor": os.getpid(),
                "processes": processes,
                "servers": self.infrastructure.standings(),
            },
        )


def _unready(replica: Replica) -> SandboxError:
    with suppress(OSError):
        tail = replica.log.read_text(errors="replace")[-1500:]
        return SandboxError(
            "service-start-failed", f"{replica.name} did not become ready:\n{tail}", f"See {replica.log}."
        )
    return SandboxError("service-start-failed", f"{replica.name} did not become ready.", f"See {replica.log}.")


def clear_leftovers(home: Home) -> None:
    """Ends the processes of an earlier run on this home whose supervisor was killed."""
    for standing in (read_json(home.state) or {}).get("processes", []):
        if standing["pid"]:
            stop(Identity(standing["pid"], standing["created"]), LEFTOVER_TIMEOUT_S)
