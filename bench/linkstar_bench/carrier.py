"""The carrier of a bench run: reads labels, reports one acceptance scan of each parcel on `carrier-scans`.

A process of its own, `python -m linkstar_bench.carrier BOOTSTRAP`, so that its CPU is told apart from the product's.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from pydantic import BaseModel

from linkstar_bench.wire import PartitionWriter, WireRecord
from linkstar_contracts.events import CarrierScan, LabelCreated
from linkstar_contracts.topics import CARRIER_SCANS, LABELS, PARTITIONS
from linkstar_runtime.clock import Clock
from linkstar_runtime.kafka import FETCH_BYTES
from linkstar_sandbox.carriers.codes import SCAN_TEXT, Meaning, scan_code

__all__ = ["acceptance_scans", "scans_of"]

SOURCE = "/bench/carrier"
_LABEL_CREATED = ("ce_type", LabelCreated.TYPE.encode())


class _Parcel(BaseModel):
    tracking_number: str


class PostedLabel(BaseModel):
    """What a carrier needs of a label."""

    tenant: str
    order_id: str
    shipment_id: str
    carrier: str
    parcels: tuple[_Parcel, ...]


def acceptance_scans(label: PostedLabel, at: datetime) -> Iterable[CarrierScan]:
    """Return one acceptance scan per parcel."""
    code = scan_code(label.carrier, Meaning.ACCEPTED)
    for parcel in label.parcels:
        fact = f"{label.carrier}|{parcel.tracking_number}|{code}".encode()
        yield CarrierScan(
            tenant=label.tenant, order_id=label.order_id, shipment_id=label.shipment_id, occurred_at=at,
            scan_id=blake2b(fact, digest_size=16).hexdigest(), carrier=label.carrier,
            tracking_number=parcel.tracking_number, code=code, text=SCAN_TEXT[Meaning.ACCEPTED], source="kafka",
        )  # fmt: skip


def scans_of(records: Iterable[ConsumerRecord], at: datetime) -> Iterable[WireRecord]:
    """Return the scan records for these label records, on the labels' own partitions; voids are passed over."""
    for record in records:
        if _LABEL_CREATED in record.headers:
            for scan in acceptance_scans(PostedLabel.model_validate_json(record.value), at):
                yield record.partition, scan.key.encode(), scan.body(), scan.headers(SOURCE)


async def carry(bootstrap: str, prefix: str) -> None:
    """Relay until cancelled; reads from now on, belongs to no group."""
    clock = Clock()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=50, fetch_min_bytes=FETCH_BYTES
    )
    await consumer.start()
    consumer.assign([TopicPartition(prefix + LABELS.name, partition) for partition in range(PARTITIONS)])
    await consumer.seek_to_end()
    print("ready", flush=True)
    try:
        async with PartitionWriter(bootstrap, clock) as writer:
            while True:
                found = await consumer.getmany(timeout_ms=50, max_records=2_000)
                records = [record for part in found.values() for record in part]
                if records:
                    await writer.write(prefix + CARRIER_SCANS.name, scans_of(records, clock.now()))
    finally:
        await consumer.stop()


async def main(bootstrap: str, prefix: str = "") -> None:
    task = asyncio.create_task(carry(bootstrap, prefix))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
