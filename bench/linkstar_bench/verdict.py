"""Was anything lost or doubled in a round? Read afterwards from the topics and tables, without any service's code."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from linkstar_bench.orders import OrderRecord
from linkstar_contracts.topics import PARTITIONS

__all__ = ["FACTS", "HOP_FACTS", "ROWS", "Census", "Verdict", "judge_rows", "judge_topics", "log_ends", "read_census"]

FACTS: Mapping[str, int] = {
    "orders-received": 1, "routes-chosen": 1, "labels": 1, "carrier-scans": 1, "tracking-updated": 2,
    "shipments-current": 2,
}  # fmt: skip
"""Facts every order of the load must leave: tracking is told twice, at the label and at the acceptance."""
COALESCED = frozenset({"shipments-current"})
"""A latest state may skip one that was never the latest: at least one, at most as many as the facts."""
HOP_FACTS: Mapping[str, int] = {"order-changes": 1}

ROWS: Mapping[str, str] = {
    "ingest.sales_order": "order_id", "router.decision": "shipment_id", "labeler.label": "shipment_id",
    "labeler.ledger_entry": "shipment_id", "tracker.tracker": "shipment_id", "tracker.scan": "shipment_id",
    "returns.returnable_order": "order_id",
}  # fmt: skip
"""Tables that hold exactly one row per order of the load, and the column that names it."""

Census = Mapping[str, Mapping[bytes, Sequence[tuple[str, bytes]]]]
"""By topic and record key: identity and digest of each record."""


@dataclass
class Verdict:
    """What an offline reader found. `copies` are repeats of the same bytes, which at-least-once allows."""

    lost: int = 0
    duplicated: int = 0
    copies: int = 0
    examined: dict[str, int] = field(default_factory=dict)

    @property
    def exercised(self) -> bool:
        """False if any check had no case."""
        return bool(self.examined) and all(self.examined.values())

    def __str__(self) -> str:
        if not self.exercised:
            return f"not_exercised ({self.examined})"
        return f"lost {self.lost}, duplicated {self.duplicated}, wire copies {self.copies}"


async def log_ends(bootstrap: str, prefix: str, topics: Iterable[str]) -> dict[TopicPartition, int]:
    """Return where the topics end now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        places = [TopicPartition(prefix + topic, part) for topic in topics for part in range(PARTITIONS)]
        return dict(await consumer.end_offsets(places))
    finally:
        await consumer.stop()


async def read_census(bootstrap: str, prefix: str, begins: Mapping[TopicPartition, int]) -> Census:
    """Read everything that was written since the topics ended at `begins`."""
    found: dict[str, dict[bytes, list[tuple[str, bytes]]]] = defaultdict(lambda: defaultdict(list))
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(list(begins))
        consumer.assign(list(begins))
        for place, offset in begins.items():
            consumer.seek(place, offset)
        while left := [place for place in begins if await consumer.position(place) < ends[place]]:
            for records in (await consumer.getmany(*left, timeout_ms=500)).values():
                for record in records:
                    found[record.topic.removeprefix(prefix)][record.key].append(_identity(record))
    finally:
        await consumer.stop()
    return found


def _identity(record: ConsumerRecord) -> tuple[str, bytes]:
    ce_id = next((value.decode() for name, value in record.headers if name == "ce_id"), "")
    return ce_id, blake2b(record.value or b"", digest_size=8).digest()


def judge_topics(
    census: Census, orders: Sequence[OrderRecord], facts: Mapping[str, int], *, anonymous: bool = False
) -> Verdict:
    """Count missing facts and facts too many per order; one identity under two contents is a fact too many.

    `anonymous` records (a relay's) have no identity of their own: there every record counts as a fact.
    """
    verdict = Verdict()
    for topic, expected in facts.items():
        verdict.examined[topic] = 0
        for order in orders:
            records = census.get(topic, {}).get(order.message.key, ())
            distinct = len(records) if anonymous else len(set(records))
            least = 1 if topic in COALESCED else expected
            verdict.examined[topic] += 1
            verdict.lost += max(0, least - distinct)
            verdict.duplicated += max(0, distinct - expected)
            verdict.copies += len(records) - distinct
    return verdict


async def judge_rows(database: str, name: str, orders: int, verdict: Verdict) -> None:
    """Add what the tables say: each holds one row for each of the orders called `name`-0000000 and so on."""
    connection = await asyncpg.connect(database)
    try:
        for table, column in ROWS.items():
            rows, distinct = await connection.fetchrow(  # type: ignore[misc]
                f"SELECT count(*), count(DISTINCT (tenant, {column})) FROM {table} WHERE {column} LIKE $1", f"{name}-%"
            )
            verdict.examined[table] = rows
            verdict.lost += max(0, orders - distinct)
            verdict.duplicated += rows - distinct
    finally:
        await connection.close()


def judged(
    bootstrap: str, prefix: str, begins: Mapping[TopicPartition, int], orders: Sequence[OrderRecord],
    facts: Mapping[str, int], *, anonymous: bool = False,
) -> Verdict:  # fmt: skip
    """Read and judge the topics of a round that is over."""
    census = asyncio.run(read_census(bootstrap, prefix, begins))
    return judge_topics(census, orders, facts, anonymous=anonymous)
