"""Kafka and PostgreSQL of a stack: ours, started in parallel, or those the plan names."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from linkstar_sandbox.home import Home
from linkstar_sandbox.kafka import Detour, EmbeddedKafka
from linkstar_sandbox.plan import DATABASE, Plan, database_name
from linkstar_sandbox.postgres import EmbeddedPostgres
from linkstar_sandbox.provision import await_database, provision_database, provision_topics


class Infrastructure:
    """A broker with the registry's topics and a server with the project's database, ready after `start`."""

    def __init__(self, home: Home, plan: Plan, detour: Detour | None = None) -> None:
        self._external_kafka, self._external_database = plan.kafka_bootstrap, plan.database_url
        self.kafka = None if plan.kafka_bootstrap else EmbeddedKafka(home.kafka, detour=detour)
        self.postgres = None if plan.database_url else EmbeddedPostgres(home.postgres)

    @property
    def bootstrap(self) -> str:
        return self.kafka.bootstrap if self.kafka else str(self._external_kafka)

    @property
    def admin_url(self) -> str:
        """The database as migrations see it."""
        return self.postgres.url(DATABASE) if self.postgres else str(self._external_database)

    def start(self) -> None:
        """Starts what is ours and creates database and topics; raises a coded error otherwise."""
        with ThreadPoolExecutor(2) as pool:
            for started in [pool.submit(server.start) for server in (self.kafka, self.postgres) if server]:
                started.result()
        asyncio.run(self._provision())

    async def _provision(self) -> None:
        if self.postgres:
            await provision_database(self.postgres.url(), database_name(self.admin_url))
        else:
            await await_database(self.admin_url)
        await provision_topics(self.bootstrap)

    def revive(self) -> list[str]:
        """Restarts a server of ours that died. Says what happened."""
        told = []
        for name, server in (("kafka", self.kafka), ("postgres", self.postgres)):
            if server and server.pid is None:
                server.start()
                told.append(f"{name} had ended; started again as pid {server.pid}")
        return told

    def stop(self) -> None:
        with ThreadPoolExecutor(2) as pool:
            for stopped in [pool.submit(server.stop) for server in (self.kafka, self.postgres) if server]:
                stopped.result()

    def standings(self) -> list[dict[str, object]]:
        servers = (("kafka", self.kafka), ("postgres", self.postgres))
        return [{"name": name, "pid": server.pid} for name, server in servers if server]
