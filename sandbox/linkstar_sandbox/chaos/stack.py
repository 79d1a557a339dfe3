"""A stack whose processes reach Kafka and PostgreSQL through our proxies, and can be started with a failure armed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from linkstar_sandbox.chaos.proxy import Proxy, tcp, unix
from linkstar_sandbox.errors import SandboxError
from linkstar_sandbox.home import Home
from linkstar_sandbox.infrastructure import Infrastructure
from linkstar_sandbox.kafka import Detour
from linkstar_sandbox.plan import DATABASE, Plan
from linkstar_sandbox.ports import free_ports
from linkstar_sandbox.replica import Replica
from linkstar_sandbox.stack import SIMULATOR, Stack, Tell

__all__ = ["SESSION_TIMEOUT_S", "ArmedReplica", "ChaosStack"]

SESSION_TIMEOUT_S = 6.0
_UNDER_CHAOS = {
    "LINKSTAR_KAFKA__SESSION_TIMEOUT_MS": str(int(SESSION_TIMEOUT_S * 1000)),
    "LINKSTAR_STAGE__BACKOFF_MAX_S": "5",
    "LINKSTAR_STAGE__PRODUCE_TIMEOUT_S": "8",
}
_ORIGIN = "LINKSTAR_CLOCK__ORIGIN"


class ArmedReplica(Replica):
    """A replica that starts with a failpoint armed until it was hit, and once with a clock that goes wrong."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path, port: int | None = None
    ) -> None:
        super().__init__(name, command, environment, log, port)
        self._plain = dict(environment)
        self.armed: dict[str, str] = {}
        """What each armed failpoint does, and at which hit."""
        self.skew = timedelta()

    def start(self) -> None:
        environment = dict(self._plain)
        if self.armed:
            environment["LINKSTAR_FAILPOINTS"] = ";".join(f"{name}={what}" for name, what in self.armed.items())
        if self.skew:
            environment[_ORIGIN] = (datetime.fromisoformat(environment[_ORIGIN]) + self.skew).isoformat()
        self.skew = timedelta()
        self._environment = environment
        self._failures = 0  # its deaths are our doing: it shall come back at once
        super().start()


class ChaosStack(Stack):
    """Services, simulator and servers of one run, with a proxy before each server."""

    def __init__(self, home: Home, plan: Plan, tell: Tell, mutant: str = "") -> None:
        listens, advertised, database = free_ports(3)
        infrastructure = Infrastructure(home, plan, Detour(listens, advertised))
        super().__init__(home, plan, tell, infrastructure)
        if infrastructure.kafka is None or infrastructure.postgres is None:
            raise SandboxError("provision-failed", "Chaos runs on servers of its own only.", "Name none.")
        self.kafka_server, self.postgres_server = infrastructure.kafka, infrastructure.postgres
        self.kafka_proxy = Proxy(advertised, tcp(listens))
        self.postgres_proxy = Proxy(database, unix(str(self.postgres_server.socket)))
        self._mutant = mutant
        self.hits = home.path / "failpoint-hits"

    async def begin(self) -> None:
        """Start the proxies, then everything; every service is ready afterwards."""
        await self.kafka_proxy.start()
        await self.postgres_proxy.start()
        await asyncio.to_thread(self.start)

    async def end_services(self) -> None:
        """Stop all services cleanly, so that timers write no more; the carriers must not tell another word first."""
        self._ending.set()
        for replica in self._armed():
            replica.signal(signal.SIGKILL if replica.name == SIMULATOR else signal.SIGCONT)
        await asyncio.to_thread(self.stop_services)

    async def end(self) -> None:
        """Stop everything."""
        await self.end_services()
        await asyncio.to_thread(self.stop)
        await self.kafka_proxy.stop()
        await self.postgres_proxy.stop()

    @property
    def services(self) -> list[ArmedReplica]:
        """The replicas of the services, as they are now."""
        return [each for each in self._armed() if each.name != SIMULATOR]

    @property
    def simulator(self) -> ArmedReplica:
        """The carriers."""
        return next(each for each in self._armed() if each.name == SIMULATOR)

    def _armed(self) -> list[ArmedReplica]:
        return [each for each in list(self.replicas.values()) if isinstance(each, ArmedReplica)]

    def _environment(self, service: str) -> dict[str, str]:
        environment = super()._environment(service) | _UNDER_CHAOS
        del environment["LINKSTAR_TELEMETRY__SPANS_FILE"]
        return environment | {
            "LINKSTAR_KAFKA__BOOTSTRAP": f"127.0.0.1:{self.kafka_proxy.port}",
            "LINKSTAR_DATABASE__URL":
                f"postgresql://{service}@127.0.0.1:{self.postgres_proxy.port}/{DATABASE}?sslmode=disable",
            "LINKSTAR_FAILPOINT_HITS": str(self.hits),
        }  # fmt: skip

    def _module(self, module: str, *arguments: str) -> list[str]:
        if self._mutant and module != "linkstar_sandbox.carriers":
            return super()._module("linkstar_sandbox.chaos.mutants", self._mutant, module, *arguments)
        return super()._module(module, *arguments)

    def _replica(
        self, name: str, command: list[str], environment: Mapping[str, str], port: int | None = None
    ) -> Replica:
        return ArmedReplica(name, command, environment, self._log(name), port)
