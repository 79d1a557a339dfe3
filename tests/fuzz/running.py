"""The whole product, running for a fuzz: real Kafka, PostgreSQL and services, two sellers with money and master data."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from linkstar_runtime.api_keys import create_key
from linkstar_sandbox.demo.seller import Seller
from linkstar_sandbox.home import Home
from linkstar_sandbox.plan import Plan
from linkstar_sandbox.stack import Stack

__all__ = ["TENANTS", "Running", "running_stack"]

TENANTS = ("demo", "rival")
"""Two sellers. Neither may ever see anything of the other."""
_NO_CIRCUIT = {
    "LINKSTAR_STAGE__DEAD_LETTER_RATIO_LIMIT": "1",
    "LINKSTAR_STAGE__DEAD_LETTER_CONSECUTIVE": "1000000000",
}
"""A fuzz is nothing but bad records: the limit that stops a shard has tests of its own."""


@dataclass(frozen=True)
class Running:
    """A running stack with one key per tenant."""

    stack: Stack
    keys: dict[str, str]

    @property
    def bootstrap(self) -> str:
        return str(self.stack.endpoints["kafka"])

    def url(self, service: str) -> str:
        """Where a service serves HTTP."""
        return str(self.stack.endpoints["services"][service][0])

    @asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """The superuser's connection to the stack's database."""
        connection = await asyncpg.connect(self.stack.endpoints["database"])
        try:
            yield connection
        finally:
            await connection.close()

    def client(self, service: str, tenant: str = TENANTS[0]) -> httpx.AsyncClient:
        """A seller's HTTP client."""
        headers = {"Authorization": f"Bearer {self.keys[tenant]}"}
        return httpx.AsyncClient(base_url=self.url(service), headers=headers, timeout=60)

    def restarts(self) -> int:
        """How often a process had to be started again."""
        return sum(replica.standing()["restarts"] + (replica.pid is None) for replica in self.stack.replicas.values())

    def tracebacks(self) -> list[str]:
        """What any service has logged that it did not expect."""
        marks = ('"request failed"', '"worker failed"', "Traceback (most recent call last)", '"level": "critical"')
        found = []
        for log in sorted(self.stack.home.logs.glob("*.log")):
            lines = log.read_text("utf-8", "replace").splitlines()
            found += [f"{log.stem}: {line[:1_500]}" for line in lines if any(mark in line for mark in marks)]
        return found

    async def open_accounts(self) -> None:
        """Give both sellers warehouses, products and money, and make the second one's key."""
        async with self.database() as connection:
            self.keys["rival"] = await create_key(connection, "rival", ["*"])
        for tenant in TENANTS:
            seller = Seller(self.stack.endpoints["services"], self.keys[tenant])
            await seller.register_master_data()
            for currency in ("USD", "GBP", "EUR", "CAD"):
                await seller.top_up(10**11, currency, f"fuzz-{tenant}")
            await seller.close()


@contextmanager
def running_stack() -> Iterator[Running]:
    """Start a stack of its own in a temporary directory, and end and remove it afterwards."""
    path = Path(tempfile.mkdtemp(prefix="linkstar-fuzz-"))
    path.chmod(0o755)
    before = {name: os.environ.get(name) for name in _NO_CIRCUIT}
    os.environ.update(_NO_CIRCUIT)
    try:
        with Stack(Home(path), Plan(simulate=False, log_level="warning")) as stack:
            yield Running(
                stack, {"demo": stack.endpoints["keys"]["demo"], "carrier": stack.endpoints["keys"]["carrier"]}
            )
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        shutil.rmtree(path, ignore_errors=True)
