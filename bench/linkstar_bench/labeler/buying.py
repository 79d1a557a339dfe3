"""Labels bought over HTTP: how fast one labeler buys the labels of routes that wait in Kafka from a simulated USPS, and
whether every order has exactly the one label that the carrier's own ledger has.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from linkstar_bench.labeler.routes import PRICE, sealed_routes
from linkstar_bench.labeler.stage import steady_rate
from linkstar_bench.load import Finish, by_key, publish
from linkstar_bench.machine import Ground, Machine, Running
from linkstar_bench.orders import OrderRecord
from linkstar_bench.profile import profiled
from linkstar_bench.verdict import judged, log_ends
from linkstar_bench.wire import PartitionWriter
from linkstar_contracts.topics import LABELS, ROUTES_CHOSEN
from linkstar_runtime.api_keys import create_key
from linkstar_runtime.clock import Clock
from linkstar_runtime.settings import VaultSettings
from linkstar_runtime.vault import Vault
from linkstar_sandbox.ports import free_ports

__all__ = ["WronglyBought", "judge_books", "labels_per_s_http"]

_ACCOUNT = {
    "connector": "usps", "number": "12345678", "credentials": {"client_id": "bench", "client_secret": "secret-bench"},
    "settings": {"crid": "12345678", "mid": "123456", "calls_per_s": "1000", "calls_at_once": "16"},
    "senders": {"*": {
        "name": "Dock Seven", "street": "100 Warehouse Road", "city": "Newark", "region": "NJ", "postcode": "07105",
        "country": "US", "phone": "+1 973 555 0100",
    }},
    "drift_percent": 1000,
}  # fmt: skip
_AT_ONCE = "32"
_START_TIMEOUT_S = 30.0
_OURS = """
SELECT (SELECT array_agg(number) FROM labeler.tracking_number) AS numbers,
       (SELECT count(*) FROM labeler.purchase WHERE state <> 'purchased' OR attempt <> 1) AS unusual,
       (SELECT coalesce(sum(amount_minor), 0)::bigint FROM labeler.ledger_leg) AS unbalanced,
       (SELECT coalesce(sum(amount_minor), 0)::bigint FROM labeler.ledger_leg WHERE account = 'wallet_held') AS held,
       (SELECT coalesce(sum(amount_minor), 0)::bigint FROM labeler.ledger_leg WHERE account = 'carrier_payable:usps') AS paid
"""


class WronglyBought(Exception):
    """Labels are lost or doubled, or the books do not agree: the run has no result."""


def labels_per_s_http(machine: Machine, count: int, seed: int, now: datetime, profile: Path | None = None) -> float:
    """Return labels per second. Raises `WronglyBought` unless every order has exactly one label, which the carrier sold.

    With `profile` the labeler is sampled, and its stacks go to this directory.
    """
    ground = machine.ground("buying")
    vault = Vault.from_settings(VaultSettings(master_key_file=machine.home.master_key))
    orders = asyncio.run(sealed_routes(ground, vault, count, seed, now))
    (port,) = free_ports(1)
    environment = machine.environment(ground, "labeler", LINKSTAR_PURCHASES__AT_ONCE=_AT_ONCE)
    labeler = machine.module("labeler-1", "linkstar_labeler", ("run",), environment, port)
    begins = asyncio.run(log_ends(machine.bootstrap, ground.prefix, (LABELS.name,)))
    with _simulators(machine) as carriers, machine.running([labeler]) as running:
        asyncio.run(_bind(ground, running, carriers))
        with profiled(labeler.pid, "labeler-http", profile) if profile else nullcontext():
            rate = asyncio.run(_buy(running, ground, orders))
        charged = httpx.get(f"{carriers}/_sim/ledger", timeout=60).raise_for_status().json()["sales"]
    verdict = judged(machine.bootstrap, ground.prefix, begins, orders, {LABELS.name: 1})
    if verdict.lost or verdict.duplicated or not verdict.exercised:
        raise WronglyBought(str(verdict))
    judge_books(count, charged, asyncio.run(_our_books(ground)))
    return rate


@contextmanager
def _simulators(machine: Machine) -> Iterator[str]:
    """Run the simulated carriers during the block; yields their address."""
    (port,) = free_ports(1)
    arguments = ("--port", str(port))
    replica = machine.module("carrier-apis", "linkstar_sandbox.carrier_apis", arguments, machine.clock_environment)
    replica.start()
    try:
        address = f"http://127.0.0.1:{port}"
        _await_answer(f"{address}/_sim/faults")
        yield address
    finally:
        replica.signal(15)
        replica.stop()


def _await_answer(url: str) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while True:
        try:
            httpx.get(url, timeout=1).raise_for_status()
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


async def _bind(ground: Ground, running: Running, carriers: str) -> None:
    """Bind the platform's account at USPS, as an operator does."""
    connection = await asyncpg.connect(ground.database)
    try:
        key = await create_key(connection, "platform", ["accounts:write"])
    finally:
        await connection.close()
    headers, [url] = {"Authorization": f"Bearer {key}"}, running.urls("labeler")
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
        body = {**_ACCOUNT, "base_url": f"{carriers}/usps"}
        (await client.put("/v1/carrier-accounts/usps/platform", json=body)).raise_for_status()


async def _buy(running: Running, ground: Ground, orders: Sequence[OrderRecord]) -> float:
    clock, bootstrap = Clock(), running.infrastructure.bootstrap
    async with (
        PartitionWriter(bootstrap, clock) as writer,
        Finish(bootstrap, clock, ground.prefix, LABELS.name, by_key()) as labelled,
    ):
        await publish(writer, orders, ground.prefix, ROUTES_CHOSEN.name)
        await labelled.await_all(orders, tell_every=1_000)
    return steady_rate([labelled.seen_at[order.key] for order in orders])


async def _our_books(ground: Ground) -> Mapping[str, Any]:
    connection = await asyncpg.connect(ground.database)
    try:
        [ours] = await connection.fetch(_OURS)
        return dict(ours)
    finally:
        await connection.close()


def judge_books(count: int, sales: Sequence[Mapping[str, Any]], ours: Mapping[str, Any]) -> None:
    """Raise `WronglyBought` unless the carrier sold `count` labels and our books have the same ones, each paid for once."""
    sold = sorted(number for sale in sales if not sale["voided"] for number in sale["tracking_numbers"])
    found = {**ours, "numbers": sorted(ours["numbers"] or ()) == sold}
    paid = {"numbers": True, "unusual": 0, "unbalanced": 0, "held": 0, "paid": count * PRICE.amount_minor}
    if found != paid or len(sales) != count:
        raise WronglyBought(f"{len(sales)} labels sold for {count} orders; our books: {found}")
