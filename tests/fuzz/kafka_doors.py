"""Kafka's doors: damaged records amid sound orders on every consumed topic, then an account of each by its offset."""

from __future__ import annotations

import asyncio
import csv
import struct
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from random import Random
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c

from fuzz.findings import Findings
from fuzz.mutations import CONSUMED, STRANGE_NAME, Record, fuzz_records
from fuzz.readers import Readers
from fuzz.running import TENANTS, Running
from linkstar_contracts.events import OrderCancelRequested
from linkstar_contracts.topics import ORDERS_INBOUND, PARTITIONS, TOPICS
from linkstar_sandbox.demo.pipeline import Pipeline
from linkstar_sandbox.load.generator import LoadGenerator
from linkstar_sandbox.topic_log import all_partitions, read_to_end

__all__ = ["fuzz_kafka"]

SERVICES = {topic.name: topic.consumers for topic in TOPICS}
_PLACEHOLDER = b"XX-placeholder-name-XX"[: len(STRANGE_NAME)]
_WAIT_S = 300


async def fuzz_kafka(running: Running, seed: int, count: int, orders: int, findings: Findings) -> dict[str, Any]:
    """Publish `count` damaged records with `orders` sound orders among them, and account for all of them."""
    flow = _Flow(running, seed, orders, findings)
    records = list(fuzz_records(seed, count))
    half = len(records) // 2
    publisher = _Publisher(running.bootstrap)
    await publisher.start()
    try:
        await publisher.publish([*flow.orders(), *records[:half]], seed)
        print("kafka: first half published", flush=True)
        await flow.await_trackers()
        print("kafka: sound orders labelled", flush=True)
        await flow.deliver()
        print("kafka: sound orders delivered", flush=True)
        await publisher.publish([*flow.cancels(), *records[half:]], seed + 1)
        await flow.await_endings()
    finally:
        await publisher.stop()
    account = _Account(running, findings)
    await account.await_rest()
    report = await account.close()
    return {"records": len(records), **report, "control_orders": orders, "crashes": running.restarts()}


class _Publisher:
    """Publishes records as they are, mixed by a seed; header names that are no UTF-8 by hand."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, acks="all", max_batch_size=128 * 1024, max_request_size=2**21
        )

    async def start(self) -> None:
        await self._producer.start()

    async def stop(self) -> None:
        await self._producer.stop()

    async def publish(self, records: list[Record], seed: int) -> None:
        """Publish all in random order. Returns when the broker has them."""
        by_place: dict[tuple[str, int], list[Record]] = defaultdict(list)
        for record in _shuffled(records, seed):
            by_place[record.topic, record.partition].append(record)
        async with asyncio.timeout(_WAIT_S):
            await asyncio.gather(*(self._partition(*place, group) for place, group in by_place.items()))

    async def _partition(self, topic: str, partition: int, records: Sequence[Record]) -> None:
        batch = self._producer.create_batch()
        for record in records:
            if not _appended(batch, record):
                await self._send(batch, topic, partition)
                batch = self._producer.create_batch()
                _appended(batch, record)
        await self._send(batch, topic, partition)

    async def _send(self, batch: Any, topic: str, partition: int) -> None:
        """Send a batch with some header names exchanged for bytes that no client of ours could send."""
        batch.close()
        built = bytearray(bytes(batch._build()).replace(_PLACEHOLDER, STRANGE_NAME))
        struct.pack_into(">I", built, 17, calc_crc32c(bytes(built[21:])))
        batch._buffer = built
        await (await self._producer.send_batch(batch, topic, partition=partition))


def _appended(batch: Any, record: Record) -> bool:
    headers = [*record.headers, *([(_PLACEHOLDER.decode(), b"x")] if record.strange_name else [])]
    return batch.append(timestamp=None, key=record.key, value=record.value, headers=headers) is not None


def _shuffled(records: list[Record], seed: int) -> list[Record]:
    """Mix the records, keeping control orders and damage evenly spread."""
    mixed = list(records)
    Random(f"{seed}|order").shuffle(mixed)
    return mixed


class _Flow:
    """Sound orders that must come through as if nothing stood beside them: every consumed topic carries some."""

    def __init__(self, running: Running, seed: int, orders: int, findings: Findings) -> None:
        self._running, self._findings = running, findings
        now = datetime.now(UTC)
        self._made = [
            record
            for tenant in TENANTS
            for record in LoadGenerator(seed, now, tenant=tenant, prefix=f"ctl-{tenant}").records(
                orders // len(TENANTS)
            )
        ]
        self._keys = [record.message.key.decode() for record in self._made]
        self._cancelled = set(self._keys[::5])

    def orders(self) -> list[Record]:
        return [
            Record(
                ORDERS_INBOUND.name,
                made.partition,
                made.message.key,
                made.message.value,
                made.message.headers,
                "control",
            )
            for made in self._made
        ]

    def cancels(self) -> list[Record]:
        """Cancel every fifth order: crosses `order-changes`."""
        found = []
        for made in self._made:
            key = made.message.key.decode()
            if key in self._cancelled:
                tenant, order_id = key.split("/")
                event = OrderCancelRequested(
                    tenant=tenant, order_id=order_id, occurred_at=datetime.now(UTC), reason="x"
                )
                headers = tuple(event.headers("/control"))
                found.append(
                    Record(ORDERS_INBOUND.name, made.partition, made.message.key, event.body(), headers, "control")
                )
        return found

    async def await_trackers(self) -> None:
        """Every order has crossed orders-inbound, orders-received, routes-chosen and labels."""
        await self._await("tracked", "SELECT tenant || '/' || shipment_id FROM tracker.tracker", set(self._keys))

    async def deliver(self) -> None:
        """Scan all but the cancelled ones: crosses `carrier-scans` and `tracking-updated`."""
        codes = _scan_codes()
        async with self._running.database() as connection:
            rows = await connection.fetch(
                "SELECT tenant || '/' || order_id AS key, carrier, tracking_number FROM tracker.tracking_number "
                "WHERE order_id LIKE 'ctl-%'"
            )
        numbers = [row for row in rows if row["key"] not in self._cancelled]
        at = datetime.now(UTC).isoformat()
        headers = {"Authorization": f"Bearer {self._running.keys['carrier']}"}
        async with self._running.client("tracker") as client:
            for begin in range(0, len(numbers), 200):
                scans = [
                    {"carrier": row["carrier"], "tracking_number": row["tracking_number"], "scanned_at": at,
                     "code": codes[row["carrier"], status]}
                    for row in numbers[begin : begin + 200] for status in ("accepted", "delivered")
                ]  # fmt: skip
                answer = await client.post("/v1/scans", json={"scans": scans}, headers=headers)
                if answer.json().get("accepted") != len(scans):
                    self._findings.add("kafka: control scans refused", answer.text)
        delivered = set(self._keys) - self._cancelled
        sql = "SELECT tenant || '/' || shipment_id FROM ingest.write_back WHERE status = 'delivered'"
        await self._await("delivered", sql, delivered)
        await self._ask_returns(sorted(delivered)[:40])

    async def _ask_returns(self, keys: Iterable[str]) -> None:
        """Returns cross returns-requested, orders-received, routes-chosen and labels once more."""
        for key in keys:
            tenant, order_id = key.split("/")
            async with self._running.client("returns", tenant) as client:
                answer = await client.post("/v1/returns", json={"order_id": order_id, "request_id": "r1"})
            if answer.status_code != 201:
                self._findings.add("kafka: control return refused", answer.text)
        self._returned = {f"{key}~R1" for key in keys}

    async def await_endings(self) -> None:
        sql = "SELECT tenant || '/' || shipment_id FROM labeler.label WHERE state = 'voided'"
        await self._await("voided", sql, self._cancelled)
        sql = "SELECT tenant || '/' || return_id FROM returns.return_case WHERE state = 'label_issued'"
        await self._await("returning", sql, self._returned)

    async def _await(self, what: str, sql: str, wanted: set[str]) -> None:
        """Wait until all keys are there; say which are not when the time is up."""
        deadline = time.monotonic() + _WAIT_S
        async with self._running.database() as connection:
            while True:
                missing = wanted - {row[0] for row in await connection.fetch(sql)}
                if not missing:
                    return
                if time.monotonic() > deadline:
                    break
                await asyncio.sleep(0.5)
        example = f"{len(missing)} of {len(wanted)}, such as {sorted(missing)[:3]}"
        self._findings.add(f"kafka: control orders not {what}", example)


def _scan_codes() -> dict[tuple[str, str], str]:
    table = files("linkstar_tracker.domain").joinpath("status_map.csv").read_text("utf-8")
    return {(row["carrier"], row["status"]): row["code"] for row in csv.DictReader(table.splitlines())}


class _Account:
    """Every record of every consumed topic, as each of its readers has dealt with it."""

    def __init__(self, running: Running, findings: Findings) -> None:
        self._running, self._findings = running, findings

    async def await_rest(self) -> None:
        """Wait until nobody is behind."""
        endpoints = self._running.stack.endpoints
        deadline = time.monotonic() + _WAIT_S
        async with Pipeline(self._running.bootstrap, endpoints["database"], endpoints["services"]) as pipeline:
            quiet = 0
            while quiet < 3 and time.monotonic() < deadline:
                reading = await pipeline.read()
                quiet = quiet + 1 if reading.idle else 0
                await asyncio.sleep(0.5)
        if quiet < 3:
            self._findings.add("kafka: not at rest", str(reading.lags))

    async def close(self) -> dict[str, Any]:
        """Compare offsets, dead letters and dead-letter topics with what stands in the topics."""
        logs = await self._logs()
        letters = await self._letters()
        positions = await self._positions()
        deliveries = unaccounted = 0
        for topic in CONSUMED:
            for service in SERVICES[topic]:
                for partition in range(PARTITIONS):
                    end = max(logs.get((topic, partition), {-1: None})) + 1
                    behind = end - positions[service].get((topic, partition), 0)
                    deliveries, unaccounted = deliveries + end, unaccounted + abs(behind)
                    if behind:
                        self._findings.add("kafka: offset short of the log", f"{service} {topic}/{partition}: {behind}")
        unaccounted += self._check_letters(logs, letters)
        await self._check_copies(letters)
        found_before = self._findings.total()
        fates = Readers.of_product(self._running.stack.plan.services).account(logs, letters, self._findings)
        unaccounted += self._findings.total() - found_before + abs(deliveries - fates.total())
        codes = Counter(letter["code"] for group in letters.values() for letter in group.values())
        self._note_bugs(letters)
        return {
            "deliveries": deliveries, "events": fates["event"], "dead_lettered": fates["dead"],
            "rekeyed": fates["rekeyed"], "skipped": fates["skipped"], "unaccounted": unaccounted,
            "codes": dict(sorted(codes.items())), "topics": len(CONSUMED),
        }  # fmt: skip

    def _note_bugs(self, letters: dict[str, dict[tuple[str, int, int], Any]]) -> None:
        """A record that made a handler raise died rightly, and shows a fault of ours."""
        for service, group in letters.items():
            for place, letter in group.items():
                if letter["code"] == "bug":
                    kind = f"kafka: dead by a bug: {service} {letter['detail']}"
                    self._findings.add(kind, f"{place} {bytes(letter['raw'] or b'')[:1_200]!r}")

    async def _logs(self) -> dict[tuple[str, int], dict[int, Any]]:
        wanted = [place for place in await all_partitions(self._running.bootstrap) if place.topic in CONSUMED]
        logs: dict[tuple[str, int], dict[int, Any]] = defaultdict(dict)
        async for record in read_to_end(self._running.bootstrap, wanted):
            logs[record.topic, record.partition][record.offset] = record
        return logs

    async def _letters(self) -> dict[str, dict[tuple[str, int, int], Any]]:
        found = {}
        async with self._running.database() as connection:
            for service in self._running.stack.plan.services:
                rows = await connection.fetch(f"SELECT * FROM {service}.dead_letter")
                found[service] = {(row["topic"], row["part"], row["off"]): row for row in rows}
        return found

    async def _positions(self) -> dict[str, dict[tuple[str, int], int]]:
        found = {}
        async with self._running.database() as connection:
            for service in self._running.stack.plan.services:
                rows = await connection.fetch(f"SELECT topic, shard, next_offset FROM {service}.stage_offset")
                found[service] = {(row["topic"], row["shard"]): row["next_offset"] for row in rows}
        return found

    def _check_letters(
        self, logs: dict[tuple[str, int], dict[int, Any]], letters: dict[str, dict[tuple[str, int, int], Any]]
    ) -> int:
        """Dead letters are verbatim, and none is a sound order."""
        wrong = 0
        for service, group in letters.items():
            for (topic, partition, offset), letter in group.items():
                record = logs[topic, partition].get(offset)
                if record is None or record.value != letter["raw"]:
                    wrong += 1
                    self._findings.add(
                        "kafka: dead letter differs from its record", f"{service} {topic}/{partition}/{offset}"
                    )
                elif (record.key or b"").split(b"/")[-1].startswith(b"ctl-"):
                    wrong += 1
                    self._findings.add(
                        "kafka: sound record dead", f"{service} {topic}: {letter['code']} {letter['detail']}"
                    )
        return wrong

    async def _check_copies(self, letters: dict[str, dict[tuple[str, int, int], Any]]) -> None:
        """Every dead letter has its copy on the dead-letter topic."""
        names = {f"{topic}-dlq" for topic in CONSUMED}
        wanted = [place for place in await all_partitions(self._running.bootstrap) if place.topic in names]
        copies = set()
        async for record in read_to_end(self._running.bootstrap, wanted):
            told = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}
            copies.add(
                (
                    told["dlq-service"].split("@")[0],
                    told["orig-topic"],
                    int(told["orig-partition"]),
                    int(told["orig-offset"]),
                )
            )
        expected = {(service, *place) for service, group in letters.items() for place in group}
        for service, *place in sorted(expected - copies):
            self._findings.add("kafka: dead letter without copy", f"{service} {place}")
        for service, *place in sorted(copies - expected):
            self._findings.add("kafka: copy without dead letter", f"{service} {place}")
