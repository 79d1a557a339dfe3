"""LinkStar under test: an embedded stack in a directory of its own, sellers with warehouses and money, and the carrier."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from linkstar_bench.orders import TENANTS
from linkstar_bench.usage import Reading, read_process, read_tree
from linkstar_runtime.api_keys import create_key
from linkstar_sandbox.daemon import stop_child
from linkstar_sandbox.demo.seller import Seller
from linkstar_sandbox.home import Home
from linkstar_sandbox.plan import Plan
from linkstar_sandbox.stack import Stack

__all__ = ["Rig", "carrier_process", "linkstar_rig"]

CURRENCIES = ("USD", "CAD", "GBP", "EUR")
TOP_UP_MINOR = 10**11


class Rig:
    """A running stack, ready for load."""

    def __init__(self, stack: Stack, carrier_pid: int) -> None:
        self.stack, self._carrier_pid = stack, carrier_pid

    @property
    def bootstrap(self) -> str:
        return self.stack.infrastructure.bootstrap

    @property
    def database(self) -> str:
        return self.stack.infrastructure.admin_url

    def readings(self) -> Mapping[str, Reading]:
        """CPU and memory of every process of the run, by name."""
        servers = self.stack.infrastructure
        pids = {"kafka": servers.kafka and servers.kafka.pid, "postgres": servers.postgres and servers.postgres.pid}
        services = {name: replica.pid for name, replica in self.stack.replicas.items() if replica.pid}
        return {
            **{name: read_process(pid) for name, pid in services.items()},
            "kafka": read_process(pids["kafka"] or 0),
            "postgres": read_tree(pids["postgres"] or 0),
            "carrier": read_process(self._carrier_pid),
            "generator and reader": read_process(os.getpid()),
        }


@contextmanager
def linkstar_rig(plan: Plan | None = None, keep: Path | None = None) -> Iterator[Rig]:
    """Start everything, and remove it afterwards; `keep` names a directory whose logs and data stay."""
    path = keep or Path(tempfile.mkdtemp(prefix="linkstar-bench-"))
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o755)
    home = Home(path)
    try:
        with Stack(home, plan or Plan(simulate=False), tell=lambda line: print(f"  {line}", flush=True)) as stack:
            asyncio.run(settle_sellers(stack))
            with carrier_process(stack.infrastructure.bootstrap, home.logs / "carrier.log") as carrier:
                yield Rig(stack, carrier.pid)
    finally:
        if keep is None:
            shutil.rmtree(home.postgres, ignore_errors=True)
            shutil.rmtree(path, ignore_errors=True)


async def settle_sellers(stack: Stack) -> None:
    """Give every seller warehouses, products and enough money in each currency."""
    connection = await asyncpg.connect(stack.infrastructure.admin_url)
    try:
        keys = [await create_key(connection, tenant, ["*"]) for tenant in TENANTS]
    finally:
        await connection.close()
    services = {name: stack.urls(name) for name in ("ingest", "labeler")}
    for key in keys:
        seller = Seller(services, key)
        await seller.register_master_data()
        for currency in CURRENCIES:
            await seller.top_up(TOP_UP_MINOR, currency, "bench")
        await seller.close()


@contextmanager
def carrier_process(bootstrap: str, log: Path, prefix: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """Run the carrier; it is reading when the block begins."""
    command = [sys.executable, "-m", "linkstar_bench.carrier", bootstrap, prefix]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=output)
        try:
            if process.stdout is None or process.stdout.readline() != b"ready\n":
                raise RuntimeError(f"the carrier did not start, see {log}")
            yield process
        finally:
            stop_child(process, 10)
            if process.stdout:
                process.stdout.close()
