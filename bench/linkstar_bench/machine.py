"""The machine under test: one embedded broker and database server, and whichever processes a round needs, and no others."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from linkstar_bench.orders import TENANTS
from linkstar_bench.usage import Reading, read_process, read_tree
from linkstar_runtime.api_keys import create_key
from linkstar_runtime.migrate import migrate
from linkstar_sandbox.demo.seller import Seller
from linkstar_sandbox.environment import service_environment
from linkstar_sandbox.home import Home
from linkstar_sandbox.infrastructure import Infrastructure
from linkstar_sandbox.plan import SERVICES, Plan, database_name, settle_clock
from linkstar_sandbox.ports import free_ports
from linkstar_sandbox.provision import provision_database, provision_topics
from linkstar_sandbox.replica import Replica, ready

__all__ = ["Ground", "Machine", "Running", "linkstar_services", "machine"]

CURRENCIES = ("USD", "CAD", "GBP", "EUR")
TOP_UP_MINOR = 10**11
READY_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Ground:
    """Topics under a prefix of their own and a database of its own, for one variant."""

    prefix: str
    database: str


class Running:
    """The processes of a round."""

    def __init__(self, infrastructure: Infrastructure, replicas: Mapping[str, Replica]) -> None:
        self.infrastructure, self.replicas = infrastructure, replicas

    def urls(self, service: str) -> list[str]:
        """The addresses of a service's replicas."""
        return [str(r.url) for name, r in self.replicas.items() if name.startswith(f"{service}-") and r.url]

    def readings(self) -> Mapping[str, Reading]:
        """CPU and memory by process; the driver of the bench (generator and reader) is one of them.

        Servers that are not ours are left out.
        """
        found = {name: read_process(replica.pid) for name, replica in self.replicas.items() if replica.pid}
        kafka, postgres = self.infrastructure.kafka, self.infrastructure.postgres
        if kafka and kafka.pid:
            found["kafka"] = read_process(kafka.pid)
        if postgres and postgres.pid:
            found["postgres"] = read_tree(postgres.pid)
        return found | {"driver": read_process(os.getpid())}


class Machine:
    """Broker and database server, up; grounds are made on it and processes run on grounds."""

    def __init__(self, home: Home, plan: Plan | None = None) -> None:
        self.home, self._plan = home, plan or Plan(simulate=False)
        self.infrastructure = Infrastructure(home, self._plan)
        self._clock: Mapping[str, str] = {}

    @property
    def bootstrap(self) -> str:
        return self.infrastructure.bootstrap

    def start(self) -> None:
        """Start both servers and make the pristine database: schemas, sellers with warehouses and money, no order."""
        self.prepare()
        self.infrastructure.start()
        asyncio.run(self._migrate())
        with self.running(self.services(self.template, ("ingest", "labeler"))) as running:
            asyncio.run(self._settle_sellers(running))

    def prepare(self) -> None:
        """Make the directories, the vault's key and the clock: all that a machine over servers of others needs."""
        self.home.prepare()
        self._clock = settle_clock(self.home, 1.0)

    @property
    def template(self) -> Ground:
        """What every other ground's database is copied from."""
        return Ground("", self.infrastructure.admin_url)

    def ground(self, name: str) -> Ground:
        """Make topics and a database for a variant; one that exists is kept."""
        return asyncio.run(self._ground(name))

    async def _ground(self, name: str) -> Ground:
        await provision_topics(self.bootstrap, prefix=f"{name}-")
        pristine = self.infrastructure.admin_url
        template = database_name(pristine)
        await provision_database(_sibling(pristine, "postgres"), name, template=template)
        return Ground(f"{name}-", _sibling(pristine, name))

    async def _migrate(self) -> None:
        url = self.infrastructure.admin_url
        for service in SERVICES:
            await migrate(url, service, f"linkstar_{service}.migrations")
        await migrate(url, "hop", "linkstar_bench.hop_migrations")

    async def _settle_sellers(self, running: Running) -> None:
        connection = await asyncpg.connect(self.infrastructure.admin_url)
        try:
            keys = [await create_key(connection, tenant, ["*"]) for tenant in TENANTS]
        finally:
            await connection.close()
        for key in keys:
            seller = Seller({name: running.urls(name) for name in ("ingest", "labeler")}, key)
            await seller.register_master_data()
            for currency in CURRENCIES:
                await seller.top_up(TOP_UP_MINOR, currency, "bench")
            await seller.close()

    def environment(self, ground: Ground, service: str, **more: str) -> dict[str, str]:
        """What a process of `service` on this ground is told."""
        endpoints = {"kafka": self.bootstrap, "database": ground.database, "clock": self._clock}
        told = service_environment(self.home, self._plan, endpoints, service)
        return told | {"LINKSTAR_KAFKA__TOPIC_PREFIX": ground.prefix} | more

    @property
    def clock_environment(self) -> dict[str, str]:
        """What a process that is no service of ours is told: the environment, and the services' clock."""
        return dict(os.environ) | {f"LINKSTAR_CLOCK__{name.upper()}": value for name, value in self._clock.items()}

    def services(self, ground: Ground, names: Sequence[str] = SERVICES) -> list[Replica]:
        """One replica of each service, not started."""
        return [
            self.module(f"{name}-1", f"linkstar_{name}", ("run",), self.environment(ground, name), port)
            for name, port in zip(names, free_ports(len(names)), strict=True)
        ]

    def carrier(self, ground: Ground) -> Replica:
        """The carrier of this ground's parcels, not started."""
        return self.module("carrier", "linkstar_bench.carrier", (self.bootstrap, ground.prefix), dict(os.environ))

    def module(
        self, name: str, module: str, arguments: Sequence[str], environment: Mapping[str, str], port: int | None = None
    ) -> Replica:
        """A process that runs a module, not started; one with a port is asked over HTTP whether it is ready."""
        told = {**environment, "PYTHONUNBUFFERED": "1"} | ({"LINKSTAR_HTTP__PORT": str(port)} if port else {})
        log = self.home.logs / f"{name}-{module.rpartition('.')[2]}.log"
        return Replica(name, [sys.executable, "-m", module, *arguments], told, log, port)

    @contextmanager
    def running(self, replicas: Sequence[Replica]) -> Iterator[Running]:
        """Run these processes during the block; they are ready when it begins, and gone when it ends."""
        try:
            for replica in replicas:
                replica.log.unlink(missing_ok=True)
                replica.start()
            for replica in replicas:
                _await_ready(replica)
            yield Running(self.infrastructure, {replica.name: replica for replica in replicas})
        finally:
            for replica in replicas:
                replica.signal(15)
            for replica in replicas:
                replica.stop()


def _await_ready(replica: Replica) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not (ready(replica.url) if replica.url else b"ready\n" in replica.log.read_bytes()):
        if replica.pid is None or time.monotonic() > deadline:
            raise RuntimeError(f"{replica.name} did not become ready:\n{replica.log.read_text()[-2000:]}")
        time.sleep(0.1)


def _sibling(url: str, database: str) -> str:
    """The address of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def linkstar_services(machine_: Machine, ground: Ground) -> list[Replica]:
    """The whole product and the carrier."""
    return [*machine_.services(ground), machine_.carrier(ground)]


@contextmanager
def machine(keep: Path | None = None) -> Iterator[Machine]:
    """Start a machine in a directory of its own, removed afterwards unless `keep` names it."""
    path = keep or Path(tempfile.mkdtemp(prefix="linkstar-bench-"))
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o755)
    made = Machine(Home(path))
    try:
        made.start()
        yield made
    finally:
        made.infrastructure.stop()
        if keep is None:
            shutil.rmtree(made.home.postgres, ignore_errors=True)
            shutil.rmtree(path, ignore_errors=True)
