"""The same services wired the usual way: `python -m linkstar_bench.usual SERVICE…`.

FastStream as its documentation shows it: one handler call per message, at-least-once (`NACK_ON_ERROR`: acknowledged after
the handler), one transaction per message, each event published and confirmed on its own after the commit. The business
functions are LinkStar's own handlers, called with the one event, so that tables, columns and events are the same. What the
usual way does without (fence, outbox, dead letters, tracing) is not done here either; its known hole, a crash between commit
and publish, is left open.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Sequence
from importlib import import_module
from itertools import chain
from typing import Any

import asyncpg
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.message import StreamMessage

from linkstar_bench.relay import READS
from linkstar_contracts.event import Event, read_headers
from linkstar_contracts.record import parse_record
from linkstar_contracts.topics import PARTITIONS
from linkstar_runtime.application import spare_the_collector
from linkstar_runtime.clock import Clock
from linkstar_runtime.database import Database
from linkstar_runtime.handling import Linked, Outcome, Received, Reject
from linkstar_runtime.kafka import CODEC
from linkstar_runtime.service import Service, Subscription
from linkstar_runtime.settings import Settings
from linkstar_runtime.shards import shard_of

__all__ = ["UsualService", "service_named"]

WORKERS = 4
"""Consumers per busy topic: order per partition is kept, and other messages are handled while one waits for its commit."""
BUSY = frozenset(chain.from_iterable(READS.values()))
"""Topics every order passes; on the others one consumer is enough, and its polling the least cost."""


async def as_it_is(message: StreamMessage[Any]) -> StreamMessage[Any]:
    """Spare FastStream the parsing: the contract's own parser reads the bytes once."""
    return message


class UsualService:
    """One service: a subscriber per topic, a pool, a producer."""

    def __init__(self, service: Service, broker: KafkaBroker, settings: Settings, workers: int) -> None:
        self._service, self._broker, self._settings, self._workers = service, broker, settings, workers
        self._prefix = settings.kafka.topic_prefix
        self._clock = Clock.from_settings(settings.clock)
        self._targets = {event: self._prefix + topic.name for topic in service.emits for event in topic.events}
        for subscription in service.subscriptions:
            self._subscribe(subscription)

    async def connect(self) -> None:
        """Open a tuned pool: connections stay open and are not reset between handlers, which saves a round trip each."""
        name, size = self._service.name, self._settings.database.pool_size
        pool = await asyncpg.create_pool(
            self._settings.database.url_of(name), min_size=size, max_size=size, reset=_as_it_is,
            server_settings={"search_path": name, "timezone": "UTC", "application_name": f"usual {name}"},
        )  # fmt: skip
        self._database = Database(pool, self._clock)

    async def close(self) -> None:
        await self._database.close()

    def _subscribe(self, subscription: Subscription) -> None:
        topic = self._prefix + subscription.topic.name
        workers = self._workers if subscription.topic.name in BUSY else 1
        kinds = {kind.TYPE for kind in subscription.events}

        @self._broker.subscriber(
            topic, group_id=f"{self._prefix}usual-{self._service.name}-{subscription.topic.name}",
            ack_policy=AckPolicy.NACK_ON_ERROR, auto_offset_reset="earliest", max_workers=workers,
            decoder=as_it_is,
        )  # fmt: skip
        async def handle(message: KafkaMessage) -> None:
            if message.headers.get("ce_type") not in kinds:
                return
            headers = {name: value.encode() for name, value in message.headers.items()}
            if subscription.skips and (head := read_headers(headers)) and subscription.skips(head):
                return
            event = parse_record(headers, message.body, subscription.topic)
            received = Received(event, event.key, shard_of(event.key, PARTITIONS), topic)
            async with self._database.transaction() as tx:
                told = subscription.handler([received], tx)
                outcomes = (
                    [each async for few in told for each in few] if isinstance(told, AsyncGenerator) else await told
                )
            await self._publish(outcomes)

    async def _publish(self, outcomes: Sequence[Outcome]) -> None:
        """Publish every event and wait for its confirmation; those of one call are on their way together."""
        events = [outcome.event if isinstance(outcome, Linked) else outcome for outcome in outcomes]
        await asyncio.gather(*(self._publish_one(event) for event in events))

    async def _publish_one(self, event: Event | Reject) -> None:
        if isinstance(event, Reject):
            raise TypeError(f"{event.code}: the load has no order that is refused")
        headers = {name: value.decode() for name, value in event.headers(f"/usual/{self._service.name}")}
        partition = shard_of(f"{event.tenant}/{event.order_id}", PARTITIONS)
        target = self._targets[type(event)]
        await self._broker.publish(event.body(), target, key=event.key.encode(), headers=headers, partition=partition)


async def _as_it_is(_connection: object) -> None:
    """Handlers leave nothing behind on a connection."""


def service_named(name: str) -> Service:
    """Return LinkStar's own service of that name, or the bench's `hop`."""
    module = "linkstar_bench.hop" if name == "hop" else f"linkstar_{name}.app"
    service: Service = import_module(module).build()
    return service


def broker_for(settings: Settings) -> KafkaBroker:
    """Return a broker tuned for one confirmed message at a time: no linger, durable, compressed, arguments not cast."""
    return KafkaBroker(
        settings.kafka.bootstrap, acks="all", enable_idempotence=True, linger_ms=0, compression_type=CODEC,
        allow_auto_create_topics=False, logger=None, apply_types=False,
    )  # fmt: skip


async def main(names: Sequence[str]) -> None:
    services = [service_named(name) for name in names]
    broker = broker_for(Settings())
    workers = int(os.environ.get("LINKSTAR_BENCH_WORKERS", WORKERS))
    usual = [UsualService(service, broker, service.settings or Settings(), workers) for service in services]
    app = FastStream(broker, logger=None)

    @app.on_startup
    async def connect() -> None:
        for each in usual:
            await each.connect()

    @app.after_startup
    async def tell() -> None:
        spare_the_collector()
        print("ready", flush=True)

    @app.after_shutdown
    async def close() -> None:
        for each in usual:
            await each.close()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, app.exit)
    await app.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
