"""Reads the evidence of a run under faults: histories from files, tables by SQL, log ends from the broker."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer

from linkstar_sandbox.reader.evidence import Evidence, ExpectedOrder
from linkstar_sandbox.reader.run_evidence import (
    Answer,
    DeadLetterRow,
    HandedIn,
    PoolDay,
    RunEvidence,
    Sample,
    Wallet,
)
from linkstar_sandbox.topic_log import all_partitions

__all__ = ["expected_orders", "read_answers", "read_ends", "read_handed_in", "read_run", "read_samples"]

_STREAMS = {
    "orders": "SELECT tenant, order_id, version FROM ingest.sales_order",
    "routes-chosen": "SELECT tenant, shipment_id, attempt FROM router.shipment",
    "labels": "SELECT tenant, shipment_id, version FROM labeler.shipment",
    "tracking-updated": "SELECT tenant, shipment_id, version FROM tracker.tracker",
    "returns-updated": "SELECT tenant, return_id, version FROM returns.return_case",
    "exceptions-raised": "SELECT tenant, exception_id, version FROM ingest.order_exception"
    " UNION ALL SELECT tenant, exception_id, version FROM labeler.raised_exception"
    " UNION ALL SELECT tenant, exception_id, version FROM tracker.shipment_exception"
    " UNION ALL SELECT tenant, incident_id, version FROM tracker.incident",
}
"""By topic that carries the whole stream (`orders`: both order topics together): who the aggregates are, and how far."""
_WALLETS = """
SELECT w.tenant, w.currency, w.balance_minor, w.credit_limit_minor, coalesce(sum(l.amount_minor), 0)::bigint AS legs
  FROM labeler.wallet w LEFT JOIN labeler.ledger_leg l
    ON l.tenant = w.tenant AND l.currency = w.currency AND l.account = 'wallet' GROUP BY 1, 2, 3, 4"""
_POOL_DAYS = """
SELECT d.tenant, d.pool, d.day::text, d.cap, d.used, coalesce(sum(u.units), 0)::bigint AS taken,
       count(u.shipment_id) FILTER (WHERE s.state IS DISTINCT FROM 'routed' OR s.attempt <> u.attempt) AS astray
  FROM router.capacity_day d
  LEFT JOIN router.capacity_use u ON u.tenant = d.tenant AND u.pool = d.pool AND u.day = d.day
  LEFT JOIN router.shipment s ON s.tenant = u.tenant AND s.shipment_id = u.shipment_id
 GROUP BY d.tenant, d.pool, d.day"""


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def read_handed_in(path: Path) -> list[HandedIn]:
    """Return the history of publications."""
    return [HandedIn(r["kind"], r["order_id"], r["partition"], r["offset"], r.get("flaw", "")) for r in _lines(path)]


def read_answers(path: Path) -> list[Answer]:
    """Return the history of HTTP calls."""
    return [Answer(**line) for line in _lines(path)]


def read_samples(path: Path) -> list[Sample]:
    """Return the samples."""
    return [Sample(**line) for line in _lines(path)]


async def read_ends(bootstrap: str) -> dict[str, int]:
    """Return the log end of every partition of every topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(await all_partitions(bootstrap))
    finally:
        await consumer.stop()
    return {f"{place.topic}/{place.partition}": end for place, end in ends.items()}


def expected_orders(handed_in: Sequence[HandedIn], answers: Sequence[Answer]) -> list[ExpectedOrder]:
    """Return what must become of each order that was handed in and acknowledged, or answered."""
    cancelled = {each.order_id for each in handed_in if each.kind == "cancel"}
    kafka = {each.order_id for each in handed_in if each.kind == "order"}
    http = {each.order_id for each in answers if each.kind == "order" and each.status < 300}
    poison = {each.order_id: each.flaw for each in handed_in if each.kind == "poison"}
    good = [
        ExpectedOrder(order_id, "orders-inbound" if order_id in kafka else "http", "accepted",
                      cancelled=order_id in cancelled)
        for order_id in sorted(kafka | http)
    ]  # fmt: skip
    bad = [ExpectedOrder(name, "orders-inbound", "dead_lettered", flaw=flaw) for name, flaw in sorted(poison.items())]
    return good + bad


async def read_run(
    connection: asyncpg.Connection[Any], services: Sequence[str], topics: Evidence, histories: Mapping[str, Any]
) -> RunEvidence:
    """Read the tables and put everything together."""
    fetch = connection.fetch
    versions = {(stream, *row[:2]): row[2] for stream, sql in _STREAMS.items() for row in await fetch(sql)}
    letters = [
        DeadLetterRow(service, row["topic"], row["part"], row["off"], row["code"])
        for service in services
        for row in await fetch(f"SELECT topic, part, off, code FROM {service}.dead_letter")
    ]
    return RunEvidence(
        topics=topics, **histories, letters=letters, versions=versions,
        requests=frozenset(map(tuple, await fetch("SELECT order_id, kind, request_id FROM ingest.order_request"))),
        stored_orders=dict(map(tuple, await fetch("SELECT order_id, state FROM ingest.sales_order"))),
        decisions=_keys(await fetch("SELECT tenant, shipment_id, attempt FROM router.decision WHERE attempt > 0")),
        labels=_keys(await fetch("SELECT tenant, shipment_id, route_version FROM labeler.label")),
        scans=_keys(await fetch("SELECT tenant, shipment_id, scan_id FROM tracker.scan")),
        wallets=[Wallet(*row) for row in await fetch(_WALLETS)],
        pool_days=[PoolDay(*row) for row in await fetch(_POOL_DAYS)],
        outbox_rows={s: await connection.fetchval(f"SELECT count(*) FROM {s}.outbox") for s in services},
    )  # fmt: skip


def _keys(rows: Sequence[asyncpg.Record]) -> frozenset[Any]:
    return frozenset(map(tuple, rows))
