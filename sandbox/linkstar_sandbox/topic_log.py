"""Topics as logs: what stands in them now, read from the beginning by somebody who belongs to no group."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from linkstar_runtime.header_names import read_any_header_name

__all__ = ["all_partitions", "read_to_end"]


async def all_partitions(bootstrap: str, prefix: str = "") -> list[TopicPartition]:
    """Return every partition of every topic whose name begins with `prefix`, the broker's own topics aside."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        names = sorted(name for name in await admin.list_topics() if name.startswith(prefix) and name[:2] != "__")
        described = await admin.describe_topics(names)
    finally:
        await admin.close()
    return [TopicPartition(t["topic"], p["partition"]) for t in described for p in t["partitions"]]


async def read_to_end(bootstrap: str, partitions: Collection[TopicPartition]) -> AsyncIterator[ConsumerRecord]:
    """Yield every record of these partitions up to their end of now, each partition in its order."""
    if not partitions:
        return
    read_any_header_name()
    # `seek_to_beginning` may lose a race against the consumer's own first reset: let that one go to the beginning, too.
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        while left := [part for part in partitions if await consumer.position(part) < ends[part]]:
            for records in (await consumer.getmany(*left, timeout_ms=500)).values():
                for record in records:
                    yield record
    finally:
        await consumer.stop()
