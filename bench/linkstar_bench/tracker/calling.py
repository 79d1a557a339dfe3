"""Carriers' calls beside scans from Kafka: how long each waits for its answer, counted from when it was meant to be made."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import asyncpg

from linkstar_bench.machine import Ground
from linkstar_bench.orders import TENANTS
from linkstar_bench.tracker.lines import Lines
from linkstar_bench.tracker.parcels import Parcel, scan_records
from linkstar_bench.tracker.scanning import Sampled, Trackers
from linkstar_bench.wire import PartitionWriter, WireRecord
from linkstar_contracts.topics import CARRIER_SCANS
from linkstar_runtime.api_keys import create_key
from linkstar_runtime.clock import Clock
from linkstar_sandbox.carriers.codes import Meaning, scan_code

__all__ = ["Answers", "Called", "Load", "answers"]

_TICK_S = 0.02
_WAVE = 4


class Answers(list[float]):
    """How many milliseconds each call waited, in order, without the first quarter: the processes had only just begun."""

    def quantile(self, share: float) -> float:
        """Return what this share of the calls waited at most."""
        return sorted(self)[min(len(self) - 1, int(len(self) * share))]


class Called(NamedTuple):
    """How long calls waited for their answers, and how late the caller began them, which counts as waiting."""

    waited: Answers
    late: Answers


class Load(NamedTuple):
    """What comes at once, and for how long."""

    calls_per_s: int
    scans_per_s: int
    seconds: int


def answers(
    trackers: Trackers, chosen: Sequence[Parcel], seed: int, now: datetime, load: Load, sampled: Sampled
) -> Called:  # fmt: skip
    """Return how long UPS waits for each answer while other scans come from Kafka. Raises unless every call is taken."""
    called = [parcel for parcel in chosen if parcel.carrier == "ups"][: load.calls_per_s * load.seconds]
    others = [parcel for parcel in chosen if parcel.carrier != "ups"][: load.scans_per_s * load.seconds]
    scans = list(scan_records(others, _WAVE, seed, now))
    with trackers.machine.running(trackers.processes()) as running, sampled(running.replicas["tracker-1"].pid):
        return asyncio.run(_crossed(trackers, running.urls("tracker"), called, scans, load))


async def _crossed(
    trackers: Trackers, urls: Sequence[str], called: Sequence[Parcel], scans: Sequence[WireRecord], load: Load
) -> Called:
    addresses = await _addresses(trackers.ground, urls[0])
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(aclosing(Lines(url))) for url in urls]
        found, _ = await asyncio.gather(
            _call(lines, addresses, called, load.calls_per_s), _write(trackers, scans, load.scans_per_s)
        )
    return found


class _Address(NamedTuple):
    """Where UPS calls for a seller, and what it sends to prove itself."""

    path: str
    headers: dict[str, str]


async def _addresses(ground: Ground, url: str) -> dict[str, _Address]:
    """Make an address for each seller, as an operator does."""
    connection, made = await asyncpg.connect(ground.database), dict[str, _Address]()
    try:
        async with aclosing(Lines(url)) as line:
            for tenant in TENANTS:
                key = await create_key(connection, tenant, ["webhooks:write"])
                proof = {"authorization": f"Bearer {key}"}
                told = json.loads(await line.post("/v1/webhook-endpoints", proof, b'{"carrier":"ups"}'))
                made[tenant] = _Address(told["path"], {"credential": told["secret"]})
    finally:
        await connection.close()
    return made


async def _call(
    lines: Sequence[Lines],
    addresses: Mapping[str, _Address],
    called: Sequence[Parcel],
    rate: int,
) -> Called:
    """Call at a steady rate, whatever comes back: a call that had to wait for the one before waited, too."""
    clock, found, late = Clock(), Answers(), Answers()
    began = clock.monotonic()

    async def call(number: int, parcel: Parcel) -> None:
        late.append((clock.monotonic() - began - number / rate) * 1000)
        line, address = lines[number % len(lines)], addresses[parcel.tenant]
        answer = await line.post(address.path, address.headers, json.dumps(_alert(parcel, clock.now())).encode())
        if json.loads(answer)["accepted"] != 1:
            raise RuntimeError(f"a call was not taken: {answer!r}")
        found.append((clock.monotonic() - began - number / rate) * 1000)

    running = []
    for number, parcel in enumerate(called):
        await clock.sleep(max(0.0, began + number / rate - clock.monotonic()))
        running.append(asyncio.create_task(call(number, parcel)))
    await asyncio.gather(*running)
    return Called(*(Answers(each[len(each) // 4 :]) for each in (found, late)))


def _alert(parcel: Parcel, now: datetime) -> dict[str, Any]:
    """Return a Track Alert message as UPS writes it."""
    at = now - timedelta(minutes=1)
    return {
        "trackingNumber": parcel.tracking_number,
        "localActivityDate": f"{at:%Y%m%d}", "localActivityTime": f"{at:%H%M%S}",
        "gmtActivityDate": f"{at:%Y%m%d}", "gmtActivityTime": f"{at:%H%M%S}",
        "activityLocation": {"city": "CHICAGO", "stateProvince": "IL", "postalCode": "60607", "country": "US"},
        "activityStatus": {"type": "I", "code": scan_code("ups", Meaning.DEPOT), "description": "Departed from Facility"},
    }  # fmt: skip


async def _write(trackers: Trackers, scans: Sequence[WireRecord], rate: int) -> None:
    clock, topic, sent = Clock(), trackers.ground.prefix + CARRIER_SCANS.name, 0
    async with PartitionWriter(trackers.machine.bootstrap, clock) as writer:
        began = clock.monotonic()
        while sent < len(scans):
            due = min(len(scans), int((clock.monotonic() - began) * rate))
            await writer.write(topic, scans[sent:due])
            sent = due
            await clock.sleep(_TICK_S)
