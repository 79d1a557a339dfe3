"""An upstream may publish in transactions: the marker at the log's end is handed to nobody, and is nothing to wait for."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from linkstar_contracts.topics import ORDERS_INBOUND
from linkstar_runtime.kafka import KafkaConsumer
from linkstar_sandbox.provision import provision_topics

pytestmark = pytest.mark.integration


async def test_what_is_handed_over_reaches_past_the_marker(kafka_bootstrap: str, topic_prefix: str) -> None:
    await provision_topics(kafka_bootstrap, (ORDERS_INBOUND,), prefix=topic_prefix)
    place = (topic_prefix + ORDERS_INBOUND.name, 3)
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=topic_prefix)
    await producer.start()
    try:
        async with asyncio.timeout(30), producer.transaction():
            await producer.send_and_wait(place[0], b"{}", partition=place[1])
    finally:
        await producer.stop()
    client = AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest")
    await client.start()
    try:
        client.assign([TopicPartition(*place)])
        consumer = KafkaConsumer(client)
        for _ in range(20):
            records = [record for part in (await client.getmany(timeout_ms=500)).values() for record in part]
            _, end = (await consumer.bounds([place]))[place]
            if not records and (await consumer.reached([place]))[place] == end:
                break
        assert end == 2, "one record and one marker"
        assert (await consumer.reached([place, ("elsewhere", 1)])) == {place: end}
    finally:
        await client.stop()
