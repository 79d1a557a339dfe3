"""Collects the evidence of a run at rest and lets the independent reader judge it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
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

__all__ = ["judge", "rest", "settled"]

_REST_S = 1.0
_PATIENCE_S = 60.0
_ROUND_S = 15.0
_UNDER_WAY = 60
"""Records that may be under way when the carriers are stopped: they always tell something."""
_LOOK_S = 0.2
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


@asynccontextmanager
async def settled(pipeline: Pipeline, home: Home) -> AsyncIterator[bool]:
    """Let the carriers learn of every label, then stop them until the block ends; tells whether everybody is at rest.

    A label made after the carriers were stopped would be one they never saw. So they are stopped when next to nothing
    is under way, and woken again, a few times, when somebody was still behind.
    """
    await rest(pipeline, _PATIENCE_S, most=_UNDER_WAY, rest_s=0.0)
    for _ in range(_LOOKS):
        with carriers_paused(home):
            if await rest(pipeline, _ROUND_S):
                yield True
                return
        await asyncio.sleep(_REST_S)
    with carriers_paused(home):
        yield False


async def rest(pipeline: Pipeline, patience_s: float = 30.0, most: int = 0, rest_s: float = _REST_S) -> bool:
    """Wait until at most `most` records have been under way for `rest_s`; False when that does not happen in time."""
    idle_s, elapsed_s = 0.0, 0.0
    while elapsed_s < patience_s:
        reading = await pipeline.read()
        idle = sum(reading.lags.values()) <= most
        if idle and idle_s >= rest_s:
            return True
        idle_s = idle_s + _LOOK_S if idle else 0.0
        await asyncio.sleep(_LOOK_S)
        elapsed_s += _LOOK_S
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
