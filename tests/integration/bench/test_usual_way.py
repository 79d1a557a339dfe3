"""The usual way ends with the same events as LinkStar: otherwise comparing their speed would say nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import TopicPartition

from linkstar_bench.machine import Ground, Machine, Running
from linkstar_bench.orders import TENANTS, build_orders
from linkstar_bench.rounds import Variant, burst
from linkstar_bench.verdict import FACTS, Verdict, judge_rows, judge_topics, read_census
from linkstar_contracts.event import Event
from linkstar_contracts.record import parse_record
from linkstar_contracts.topics import PARTITIONS
from linkstar_runtime.clock import Clock
from linkstar_sandbox.home import Home
from linkstar_sandbox.order_files import WAREHOUSES
from linkstar_sandbox.plan import SERVICES, Plan
from linkstar_sandbox.topic_log import read_to_end

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

OWN = {
    "occurred_at", "consignee", "label_sha256", "tracking_number", "tracking_numbers", "scanned_at", "last_scan_at",
    "decided_at", "scan_id", "promise", "deliver_by",
}  # fmt: skip
"""What differs between any two runs: times, seals, serial numbers, and what follows from them."""


@pytest.fixture(scope="module")
def bench(kafka_bootstrap: str, database_url: str, sandbox_home: Path) -> Machine:
    asyncio.run(_give_warehouses_and_money(database_url))
    made = Machine(Home(sandbox_home / "bench"), Plan(kafka_bootstrap=kafka_bootstrap, database_url=database_url))
    made.prepare()
    return made


async def _give_warehouses_and_money(database: str) -> None:
    connection = await asyncpg.connect(database)
    for tenant in TENANTS:
        for place in WAREHOUSES:
            await connection.execute(
                "INSERT INTO ingest.warehouse VALUES ($1, $2, $3, $4, $5, now())",
                tenant, place["code"], place["country"], place["postcode"], place["timezone"],
            )  # fmt: skip
        for currency in ("USD", "CAD", "GBP", "EUR"):
            await connection.execute("INSERT INTO labeler.wallet VALUES ($1, $2, 1000000)", tenant, currency)
    await connection.close()


@pytest.fixture(scope="module")
def running(bench: Machine) -> Iterator[tuple[Running, Ground, Ground]]:
    """Both at once: LinkStar's five services, and one process that runs all five the usual way."""
    ours, usual = bench.ground("benchours"), bench.ground("benchusual")
    environment = bench.environment(usual, "router", LINKSTAR_BENCH_WORKERS="1")
    environment["LINKSTAR_DATABASE__URL"] = usual.database.replace("postgres@", "{service}@")
    wired = bench.module("usual", "linkstar_bench.usual", SERVICES, environment)
    carriers = [bench.carrier(ground) for ground in (ours, usual)]
    for number, each in enumerate(carriers):
        each.name, each.log = f"carrier-{number}", each.log.with_name(f"carrier-{number}.log")
    with bench.running([*bench.services(ours), wired, *carriers]) as found:
        yield found, ours, usual


async def _events(bootstrap: str, ground: Ground) -> dict[tuple[str, str], dict[str, Any]]:
    places = [TopicPartition(ground.prefix + topic, part) for topic in FACTS for part in range(PARTITIONS)]
    found: dict[tuple[str, str], dict[str, Any]] = {}
    async for record in read_to_end(bootstrap, places):
        event = parse_record(record.headers, record.value)
        found[record.topic.removeprefix(ground.prefix), _fact(event)] = _comparable(event.model_dump(mode="json"))
    return found


def _fact(event: Event) -> str:
    return f"{event.TYPE} {event.tenant} {event.order_id} {event.version}"


def _comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _comparable(each) for name, each in value.items() if name not in OWN}
    return [_comparable(each) for each in value] if isinstance(value, list) else value


def test_the_usual_way_ends_with_linkstars_events(running: tuple[Running, Ground, Ground]) -> None:
    processes, ours, usual = running
    orders = build_orders(6, 5, "same", Clock().now())
    found = []
    for ground in (ours, usual):
        variant = Variant("either", ground, list)
        burst(processes, variant, orders)
        begins = {TopicPartition(ground.prefix + topic, part): 0 for topic in FACTS for part in range(PARTITIONS)}
        verdict: Verdict = judge_topics(
            asyncio.run(read_census(processes.infrastructure.bootstrap, ground.prefix, begins)), orders, FACTS
        )
        asyncio.run(judge_rows(ground.database, "same", len(orders), verdict))
        assert verdict.exercised
        assert (verdict.lost, verdict.duplicated) == (0, 0)
        found.append(asyncio.run(_events(processes.infrastructure.bootstrap, ground)))
    latest = "shipments-current"  # may leave out a state that was never the latest
    one, other = ({place: event for place, event in each.items() if place[0] != latest} for each in found)
    assert one == other
    assert len(one) == 6 * sum(count for topic, count in FACTS.items() if topic != latest)
