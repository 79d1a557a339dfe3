"""Collects the evidence of a run at rest and lets the independent reader judge it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import asyncpg

from linkstar_sandbox.daemon import Identity
from linkstar_sandbox.demo.pipeline import Pipeline
from linkstar_sandbox.home import Home, read_json
from linkstar_sandbox.order_files import OrderBook
from linkstar_sandbox.reader.account import Account, settle_account
from linkstar_sandbox.reader.evidence import Evidence
from linkstar_sandbox.reader.sources import (
    read_expectations,
    read_labels,
    read_legs,
    read_parcels,
    read_refusals,
    read_topics,
)  # fmt: skip

__all__ = ["carriers_paused", "judge", "rest"]

_REST_S = 1.0
_PATIENCE_S = 30.0
_LOOKS = 3


@contextmanager
def carriers_paused(home: Home) -> Iterator[None]:
    """Stop the simulated carriers in their tracks, so that the pipeline can come to rest."""
    processes = (read_json(home.state) or {}).get("processes", [])
    identities = [Identity(each["pid"], each["created"]) for each in processes if each["name"] == "carriers"]
    pids = [identity.pid for identity in identities if identity.find()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def rest(pipeline: Pipeline) -> bool:
    """Wait until nobody has been behind for a second; False when that does not happen."""
    idle_since, elapsed = 0.0, 0.0
    while elapsed < _PATIENCE_S:
        reading = await pipeline.read()
        idle_since = idle_since + 0.2 if reading.idle else 0.0
        if idle_since >= _REST_S:
            return True
        await asyncio.sleep(0.2)
        elapsed += 0.2
    return False


async def judge(
    endpoints: Mapping[str, Any], home: Home, book: OrderBook, imports: Mapping[str, Mapping[str, Any]]
) -> tuple[Evidence, Account]:
    """Read everything and judge it. What is wrong must be wrong in every look: timers may act between two topics."""
    for look in range(_LOOKS):
        evidence = await _collect(endpoints, home, book, imports)
        account = settle_account(evidence)
        if not account.faults:
            break
        if look < _LOOKS - 1:
            await asyncio.sleep(_REST_S)
    return evidence, account


async def _collect(
    endpoints: Mapping[str, Any], home: Home, book: OrderBook, imports: Mapping[str, Mapping[str, Any]]
) -> Evidence:
    connection = await asyncpg.connect(endpoints["database"])
    try:
        legs, labels = await read_legs(connection), await read_labels(connection)
    finally:
        await connection.close()
    parcels = read_parcels(home.ledger)
    return Evidence(
        expected=read_expectations(asdict(expectation) for expectation in book.expectations),
        records=await read_topics(endpoints["kafka"]), refusals=read_refusals(imports), legs=legs, labels=labels,
        parcels=parcels,
    )  # fmt: skip
