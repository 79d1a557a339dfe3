"""Kafka as the stage sees it: FastStream as the shell that polls, aiokafka's producer for keyed output, and the listener
that claims and releases shards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any, Final, cast

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER

from linkstar_runtime.failpoints import afail
from linkstar_runtime.header_names import read_any_header_name
from linkstar_runtime.ports import BrokerUnavailable, ProduceFailed
from linkstar_runtime.records import OutgoingRecord
from linkstar_runtime.settings import KafkaSettings
from linkstar_runtime.stage import Stage

__all__ = ["KafkaConsumer", "KafkaProducer", "Listener", "TopicMismatch", "cluster_facts", "subscribe"]

log = structlog.get_logger(__name__)
HEARTBEAT_MS = 1_000
MAX_BATCH_BYTES = 512 * 1024
CODEC: Final = "snappy"
"""A tenth of the CPU of aiokafka's lz4, which compresses at level 9 (1 µs against 8-13 µs per event of 1.5-3 KB)."""
FETCH_BYTES = 256 * 1024
"""A fetch waits until this much is there, 50 ms at most: what trickles in under load comes in one answer instead of many. An
answer over all partitions costs client and broker some 2 ms, however little it brings."""
ANSWER_S = 10.0
"""How long the broker may take to answer a question; aiokafka itself would ask on for ever while it is away."""


class TopicMismatch(Exception):
    """A topic is missing or has another partition count than the catalogue says: refuse to start."""


class KafkaProducer:
    """`Producer` over one idempotent aiokafka producer, renewed after an error that breaks its sequence."""

    def __init__(self, settings: KafkaSettings, timeout_s: float, client_id: str) -> None:
        self._settings, self._timeout_s, self._client_id = settings, timeout_s, client_id
        self._producer: AIOKafkaProducer | None = None
        self._closed = False

    async def start(self) -> None:
        """Connect."""
        self._producer = await self._connect()

    async def _connect(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.bootstrap, client_id=self._client_id, acks="all", enable_idempotence=True,
            linger_ms=5, max_batch_size=MAX_BATCH_BYTES, compression_type=CODEC, request_timeout_ms=10_000,
        )  # fmt: skip
        await producer.start()
        return producer

    async def stop(self) -> None:
        """Flush and disconnect; gives up after two seconds, because a flush can wait for ever."""
        producer, self._producer, self._closed = self._producer, None, True
        if producer is not None:
            await _stopped(producer)

    async def send(self, topic: str, partition: int, records: Sequence[OutgoingRecord]) -> None:
        producer = self._producer
        if producer is None:
            raise ProduceFailed("producer is being renewed")
        try:
            async with asyncio.timeout(self._timeout_s):
                for batch in self._batches(producer, records):
                    acknowledged = await producer.send_batch(batch, topic, partition=partition)
                    await afail("stage.produce_partial")
                    await acknowledged
                    await afail("stage.ack_lost")
        except (KafkaError, TimeoutError, OSError) as error:
            log.warning("produce failed", action="produce_failed", topic=topic, error=type(error).__name__)
            self._renew(producer)
            raise ProduceFailed(f"{type(error).__name__}: {error}") from error

    def _batches(self, producer: AIOKafkaProducer, records: Sequence[OutgoingRecord]) -> list[Any]:
        """Pack records into closed batches; nearly always one."""
        batches = [producer.create_batch()]
        for record in records:
            added = self._append(batches[-1], record)
            if not added:
                batches.append(producer.create_batch())
                self._append(batches[-1], record)
        for batch in batches:
            batch.close()
        return batches

    def _append(self, batch: Any, record: OutgoingRecord) -> bool:
        placed = batch.append(timestamp=record.timestamp_ms, key=record.key, value=record.value, headers=record.headers)
        return placed is not None

    def _renew(self, broken: AIOKafkaProducer) -> None:
        """After a failure the sequence numbers are in doubt: throw the producer away and make a new one."""
        if self._producer is broken:
            self._producer = None
            _in_background(_stopped(broken))
            _in_background(self._reconnect())

    async def _reconnect(self) -> None:
        while self._producer is None and not self._closed:
            try:
                self._producer = await asyncio.wait_for(self._connect(), self._timeout_s)
            except Exception as error:  # noqa: BLE001 - without a producer nothing can ever be sent again
                log.info("producer not renewed", action="producer_not_renewed", error=type(error).__name__)
                await asyncio.sleep(0.5)


_background: set[asyncio.Task[None]] = set()


def _in_background(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(work)
    _background.add(task)
    task.add_done_callback(_background.discard)


async def _stopped(producer: AIOKafkaProducer) -> None:
    try:
        await asyncio.wait_for(producer.stop(), 2.0)
    except (KafkaError, TimeoutError, OSError):
        log.info("producer abandoned", action="producer_abandoned")


class KafkaConsumer:
    """`Consumer` over aiokafka's."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    def assignment(self) -> Collection[tuple[str, int]]:
        return [(place.topic, place.partition) for place in self._consumer.assignment()]

    def seek(self, topic: str, partition: int, offset: int) -> None:
        try:
            self._consumer.seek(TopicPartition(topic, partition), offset)
        except IllegalStateError:
            log.info("partition gone before seek", action="seek_skipped", topic=topic, partition=partition)

    def pause(self, partitions: Collection[tuple[str, int]]) -> None:
        self._consumer.pause(*(TopicPartition(*place) for place in partitions))

    def resume(self, partitions: Collection[tuple[str, int]]) -> None:
        self._consumer.resume(*(TopicPartition(*place) for place in partitions))

    async def bounds(self, partitions: Collection[tuple[str, int]]) -> dict[tuple[str, int], tuple[int, int]]:
        places = [TopicPartition(*place) for place in partitions]
        try:
            async with asyncio.timeout(ANSWER_S):
                first, end = await asyncio.gather(
                    self._consumer.beginning_offsets(places), self._consumer.end_offsets(places)
                )
        except (KafkaError, TimeoutError, OSError) as error:
            raise BrokerUnavailable(f"{type(error).__name__}: {error}") from error
        return {(place.topic, place.partition): (first[place], end[place]) for place in places}

    async def reached(self, partitions: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]:
        places = [TopicPartition(*place) for place in {*partitions} & {*self.assignment()}]
        try:
            async with asyncio.timeout(ANSWER_S):
                found = await asyncio.gather(*map(self._consumer.position, places))
        except (KafkaError, TimeoutError, OSError) as error:
            raise BrokerUnavailable(f"{type(error).__name__}: {error}") from error
        return {(place.topic, place.partition): offset for place, offset in zip(places, found, strict=True)}

    async def commit(self, offsets: Mapping[tuple[str, int], int]) -> None:
        async with asyncio.timeout(ANSWER_S):
            await self._consumer.commit({TopicPartition(*place): offset for place, offset in offsets.items()})


class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Claims on assignment; on revocation waits (bounded) for the running batch, then forgets what it owned."""

    def __init__(self, stage: Stage, wait_s: float = 5.0) -> None:
        self._stage, self._wait_s = stage, wait_s
        self._consumer_of: Callable[[], AIOKafkaConsumer] | None = None
        self.first_assignment = asyncio.Event()

    def bind(self, consumer_of: Callable[[], AIOKafkaConsumer]) -> None:
        """Tell where the consumer is found; FastStream makes it only when it starts."""
        self._consumer_of = consumer_of

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        if revoked:
            await self._stage.drained(self._wait_s)
        self._stage.ownership.revoked()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        if self._consumer_of is not None:
            self._stage.ownership.consumer = KafkaConsumer(self._consumer_of())
        self._stage.ownership.assigned()
        self._stage.unpause_all()
        self.first_assignment.set()
        if assigned:
            await self._stage.ownership.claim_all()


async def _raw_batch(records: tuple[Any, ...]) -> KafkaMessage:
    """Parser that parses nothing. FastStream's own reads every header as UTF-8 text: one that is none fails the whole batch,
    which is never delivered, and the next one leaves a hole.
    """
    return KafkaMessage(raw_message=records, body=b"", consumer=FAKE_CONSUMER)


async def _as_polled(message: KafkaMessage) -> Sequence[Any]:
    """Decoder that decodes nothing: each record is decoded by the stage, so that one bad record harms no other."""
    return cast("Sequence[Any]", message.raw_message)


def subscribe(
    broker: KafkaBroker, settings: KafkaSettings, group: str, topics: Sequence[str], listener: Listener,
    deliver: Callable[[Sequence[Any]], Awaitable[None]],
) -> Any:  # fmt: skip
    """Add the one batch subscriber of a service. Every setting here replaces a default that loses or stalls records."""
    read_any_header_name()
    subscriber = broker.subscriber(
        *topics, batch=True, group_id=group, group_instance_id=settings.group_instance_id,
        max_records=settings.max_records, batch_timeout_ms=settings.poll_ms, fetch_max_wait_ms=50,
        fetch_min_bytes=FETCH_BYTES,
        auto_offset_reset="earliest", ack_policy=AckPolicy.MANUAL, parser=_raw_batch, decoder=_as_polled,
        listener=listener, partition_assignment_strategy=(RangePartitionAssignor,),
        session_timeout_ms=settings.session_timeout_ms, heartbeat_interval_ms=HEARTBEAT_MS,
        rebalance_timeout_ms=settings.rebalance_timeout_ms,
    )  # fmt: skip

    @subscriber
    async def deliver_batch(records: Sequence[Any]) -> None:
        await deliver(records)

    listener.bind(lambda: subscriber.consumer)
    return subscriber


async def cluster_facts(bootstrap: str, topics: Collection[str], partitions: int) -> str:
    """Return the cluster id after checking that every topic exists with exactly `partitions` partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        cluster = await admin.describe_cluster()
        described = {each["topic"]: each for each in await admin.describe_topics(sorted(topics))}
    finally:
        await admin.close()
    for topic in sorted(topics):
        found = described.get(topic)
        count = len(found["partitions"]) if found and not found["error_code"] else 0
        if count != partitions:
            raise TopicMismatch(f"topic {topic} has {count} partitions, the catalogue says {partitions}")
    return str(cluster["cluster_id"])
