"""Publishes an order. Needs linkstar-contracts and aiokafka: `python publish.py localhost:9092 order.json`."""

import asyncio, sys
from pathlib import Path
from aiokafka import AIOKafkaProducer
from linkstar_contracts import parse_body
from linkstar_contracts.events import OrderSubmitted


async def publish(bootstrap: str, order: OrderSubmitted) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer:
        headers = order.headers(source="/my-shop")
        await producer.send_and_wait("orders-inbound", order.body(), order.key.encode(), headers=headers)


asyncio.run(publish(sys.argv[1], parse_body(OrderSubmitted, Path(sys.argv[2]).read_bytes(), strict=True)))
