"""Reads every topic as typed events. Needs linkstar-contracts and aiokafka[snappy]: `python consume.py localhost:9092`."""

import asyncio, sys
from aiokafka import AIOKafkaConsumer
from linkstar_contracts import TOPICS, RecordError, parse_record


async def consume(kafka: str) -> None:
    names, last = [topic.name for topic in TOPICS], {}
    async with AIOKafkaConsumer(*names, bootstrap_servers=kafka, group_id="me", auto_offset_reset="earliest") as log:
        async for record in log:
            try:
                event = parse_record(record.headers, record.value, record.topic)
                if event.version > last.get(event.series, 0):  # otherwise a duplicate
                    last[event.series] = event.version
                    print(event.TYPE, event.tenant, event.aggregate_id, event.version, flush=True)
            except RecordError as error:
                print(record.topic, record.partition, record.offset, error, flush=True)


asyncio.run(consume(sys.argv[1]))
