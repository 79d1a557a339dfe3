"""The ceiling: a bare relay over the same hops, without parsing, tables or guarantees.

`python -m linkstar_bench.relay BOOTSTRAP SAMPLES SERVICE [PREFIX]` stands in for one service: it reads every topic that
service reads with `getmany`, and for each record that the service would answer writes others with `send_batch`,
of the same size.
SAMPLES is a directory with `<topic>.json`: bodies (hex) and headers of real records of that topic.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import cycle
from pathlib import Path

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from linkstar_bench.wire import PartitionWriter, WireRecord
from linkstar_contracts.event import Headers
from linkstar_contracts.topics import PARTITIONS
from linkstar_runtime.clock import Clock
from linkstar_runtime.kafka import FETCH_BYTES

__all__ = ["READS", "WRITES", "Samples", "answers"]

READS: Mapping[str, tuple[str, ...]] = {
    "ingest": ("orders-inbound", "labels", "tracking-updated"),
    "router": ("orders-received", "labels"),
    "labeler": ("routes-chosen", "tracking-updated"),
    "tracker": ("labels", "carrier-scans"),
    "returns": ("orders-received", "labels", "tracking-updated"),
    "carrier": ("labels",),
}
"""Topics that carry records in a run, by reader; quiet topics cost nobody anything."""
WRITES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("ingest", "orders-inbound"): ("orders-received",),
    ("router", "orders-received"): ("routes-chosen",),
    ("labeler", "routes-chosen"): ("labels",),
    ("carrier", "labels"): ("carrier-scans",),
    ("tracker", "labels"): ("tracking-updated", "shipments-current"),
    ("tracker", "carrier-scans"): ("tracking-updated", "shipments-current"),
}
"""What is written for each record read."""


class Samples:
    """Bodies and headers to write, real ones, one after the other."""

    def __init__(self, directory: Path, topics: Iterable[str]) -> None:
        self._of = {topic: cycle(_load(directory / f"{topic}.json")) for topic in topics}

    def next(self, topic: str) -> tuple[bytes, Headers]:
        return next(self._of[topic])


def _load(path: Path) -> list[tuple[bytes, Headers]]:
    return [
        (bytes.fromhex(body), [(name, bytes.fromhex(value)) for name, value in headers])
        for body, headers in json.loads(path.read_text())
    ]


def answers(
    service: str, topic: str, records: Sequence[ConsumerRecord], samples: Samples
) -> dict[str, list[WireRecord]]:
    """Return what is written for these records, under their keys and on their partitions."""
    return {
        target: [(record.partition, record.key, *samples.next(target)) for record in records]
        for target in WRITES.get((service, topic), ())
    }


async def relay(bootstrap: str, directory: Path, service: str, prefix: str) -> None:
    """Relay until cancelled; reads from now on."""
    samples = Samples(
        directory, {target for (who, _), targets in WRITES.items() if who == service for target in targets}
    )
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=50, fetch_min_bytes=FETCH_BYTES
    )
    await consumer.start()
    consumer.assign([TopicPartition(prefix + topic, part) for topic in READS[service] for part in range(PARTITIONS)])
    await consumer.seek_to_end()
    print("ready", flush=True)
    try:
        async with PartitionWriter(bootstrap, Clock()) as writer:
            while True:
                found = await consumer.getmany(timeout_ms=50, max_records=2_000)
                writes: dict[str, list[WireRecord]] = {}
                for place, records in found.items():
                    for target, out in answers(service, place.topic.removeprefix(prefix), records, samples).items():
                        writes.setdefault(prefix + target, []).extend(out)
                await asyncio.gather(*(writer.write(target, out) for target, out in writes.items()))
    finally:
        await consumer.stop()


async def main(bootstrap: str, directory: str, service: str, prefix: str = "") -> None:
    task = asyncio.create_task(relay(bootstrap, Path(directory), service, prefix))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
