"""The three ways under comparison, and the single hop in two of them."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

from aiokafka import TopicPartition

from linkstar_bench.load import by_key
from linkstar_bench.machine import Ground, Machine, linkstar_services
from linkstar_bench.orders import OrderRecord
from linkstar_bench.relay import READS, WRITES
from linkstar_bench.rounds import Variant
from linkstar_bench.usual import WORKERS
from linkstar_bench.verdict import HOP_FACTS
from linkstar_contracts.event import Headers
from linkstar_contracts.topics import ORDER_CHANGES, ORDERS_RECEIVED, PARTITIONS
from linkstar_runtime.shards import shard_of
from linkstar_sandbox.order_files.messages import Message
from linkstar_sandbox.plan import SERVICES
from linkstar_sandbox.ports import free_ports
from linkstar_sandbox.replica import Replica
from linkstar_sandbox.topic_log import read_to_end

__all__ = ["hop_orders", "hop_stage", "hop_usual", "linkstar", "relayed", "save_samples", "usual"]

_SAMPLES = 500


def linkstar(machine: Machine, name: str = "linkstar") -> Variant:
    """LinkStar as it ships: five services, one replica each."""
    ground = machine.ground(name)
    return Variant(name, ground, lambda: linkstar_services(machine, ground))


def usual(machine: Machine, name: str = "usual", workers: int = WORKERS) -> Variant:
    """The same business functions wired the usual way: five services, one process each."""
    ground = machine.ground(name)

    def replicas() -> list[Replica]:
        return [*(_usual_process(machine, ground, name, workers) for name in SERVICES), machine.carrier(ground)]

    return Variant(name, ground, replicas)


def _usual_process(machine: Machine, ground: Ground, service: str, workers: int) -> Replica:
    pool = {"LINKSTAR_DATABASE__POOL_SIZE": str(3 * workers), "LINKSTAR_BENCH_WORKERS": str(workers)}
    environment = machine.environment(ground, service, **pool)
    return machine.module(f"{service}-usual", "linkstar_bench.usual", (service,), environment)


def relayed(machine: Machine, samples: Path) -> Variant:
    """A bare relay over the same hops and bytes."""
    ground = machine.ground("relay")

    def replicas() -> list[Replica]:
        return [
            machine.module(
                f"{service}-relay" if service != "carrier" else service, "linkstar_bench.relay",
                (machine.bootstrap, str(samples), service, ground.prefix), dict(os.environ),
            )
            for service in READS
        ]  # fmt: skip

    return Variant("relay", ground, replicas, sign=lambda: by_key(2), anonymous=True, rows=False)


def hop_stage(machine: Machine, replicas: int = 1, burn_us: int = 0) -> Variant:
    """One hop with next to no logic, as a fenced stage."""
    name = f"hop{replicas}x{burn_us}"
    ground = machine.ground(name)
    environment = machine.environment(ground, "hop", LINKSTAR_BURN_US=str(burn_us))

    def processes() -> list[Replica]:
        ports = enumerate(free_ports(replicas), 1)
        return [machine.module(f"hop-{n}", "linkstar_bench.hop", ("run",), environment, port) for n, port in ports]

    return _hop(name, ground, processes)


def hop_usual(machine: Machine, workers: int = WORKERS) -> Variant:
    """The same hop the usual way."""
    ground = machine.ground("hopusual")
    return _hop("hopusual", ground, lambda: [_usual_process(machine, ground, "hop", workers)])


def _hop(name: str, ground: Ground, processes: Callable[[], Sequence[Replica]]) -> Variant:
    return Variant(
        name, ground, processes, source=ORDERS_RECEIVED.name, target=ORDER_CHANGES.name, sign=by_key,
        facts=HOP_FACTS, rows=False,
    )  # fmt: skip


def save_samples(machine: Machine, ground: Ground, directory: Path) -> None:
    """Keep real records of each topic for the relay to write."""
    directory.mkdir(parents=True, exist_ok=True)
    for topic in sorted(set(chain.from_iterable(WRITES.values()))):
        kept = asyncio.run(_records(machine.bootstrap, ground.prefix + topic))[-_SAMPLES:]
        bodies = [(value.hex(), [(n, v.hex()) for n, v in headers]) for _, value, headers in kept]
        (directory / f"{topic}.json").write_text(json.dumps(bodies))


def hop_orders(machine: Machine, name: str, count: int) -> list[OrderRecord]:
    """Return what LinkStar wrote on the `orders-received` of that ground: the input of the single hop."""
    found = asyncio.run(_records(machine.bootstrap, f"{name}-{ORDERS_RECEIVED.name}"))
    return [_again(key, value, headers) for key, value, headers in found[:count]]


def _again(key: bytes, value: bytes, headers: Headers) -> OrderRecord:
    tenant, _, order_id = key.decode().partition("/")
    return OrderRecord((tenant, order_id), shard_of(key.decode(), PARTITIONS), Message(key, value, tuple(headers)))


async def _records(bootstrap: str, topic: str) -> list[tuple[bytes, bytes, Headers]]:
    places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
    return [(r.key, r.value, list(r.headers)) async for r in read_to_end(bootstrap, places)]
