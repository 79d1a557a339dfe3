"""`linkstar topics`: every topic with its records, and how far behind each consuming service is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from linkstar_cli.access import Access
from linkstar_cli.screen import coded_errors, out
from linkstar_contracts.topics import TOPICS, Topic
from linkstar_sandbox.listing import Listing
from linkstar_sandbox.plan import SERVICES

READ_TIMEOUT_S = 30
Offsets = Mapping[TopicPartition, int]


def topics() -> None:
    """Show every topic: records, dead letters, lag per consuming service."""
    with coded_errors():
        begins, ends, committed = asyncio.run(_survey(Access.find().bootstrap))
        columns = ("topic", "partitions", "records", "dead letters", "lag by consumer")
        table = Listing(*columns, prose={"lag by consumer"}, spare=("partitions",))
        for topic in TOPICS:
            held, dead = (_held(name, begins, ends) for name in (topic.name, topic.dlq))
            lags = [_told(group, lag(topic, ends, committed[group])) for group in topic.consumers]
            table.add_row(topic.name, str(topic.partitions), str(held), str(dead), ", ".join(lags))
        out.print(table)


def service_lags(bootstrap: str) -> dict[str, int]:
    """Records each service has yet to read, over all its topics, by the offsets it told Kafka (lazily)."""
    _, ends, committed = asyncio.run(_survey(bootstrap))
    return {
        group: sum(lag(topic, ends, committed[group]) or 0 for topic in TOPICS if group in topic.consumers)
        for group in SERVICES
    }


def _told(group: str, behind: int | None) -> str:
    return f"{group} {'-' if behind is None else behind}"


def lag(topic: Topic, ends: Offsets, committed: Offsets) -> int | None:
    """Records of a topic beyond a group's committed offsets; None where the group works but never read this topic."""
    partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
    if committed and not any(partition in committed for partition in partitions):
        return None
    return sum(max(ends.get(partition, 0) - committed.get(partition, 0), 0) for partition in partitions)


def _held(name: str, begins: Offsets, ends: Offsets) -> int:
    return sum(end - begins[partition] for partition, end in ends.items() if partition.topic == name)


async def _survey(bootstrap: str) -> tuple[Offsets, Offsets, dict[str, Offsets]]:
    """Beginning and end of every partition, and every service's committed offsets."""
    names = [(name, topic.partitions) for topic in TOPICS for name in (topic.name, topic.dlq)]
    async with asyncio.timeout(READ_TIMEOUT_S), AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        known = await consumer.topics()
        partitions = [TopicPartition(name, number) for name, count in names if name in known for number in range(count)]
        begins = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        return begins, ends, await _committed(bootstrap)


async def _committed(bootstrap: str) -> dict[str, Offsets]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return {group: await _offsets(admin, group) for group in SERVICES}
    finally:
        await admin.close()


async def _offsets(admin: AIOKafkaAdminClient, group: str) -> Offsets:
    """A group's offsets; none if no group ever met on this broker."""
    try:
        found = await admin.list_consumer_group_offsets(group)
    except GroupCoordinatorNotAvailableError:
        return {}
    return {partition: max(meta.offset, 0) for partition, meta in found.items()}
