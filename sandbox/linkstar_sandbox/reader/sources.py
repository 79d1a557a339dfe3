"""Reads the evidence of a run: every topic from its beginning, the labeler's tables, the carriers' ledger, the input."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import ConsumerRecord

from linkstar_sandbox.reader.evidence import ExpectedOrder, Leg, Record, Refusal, StoredLabel, TrueParcel, TrueScan
from linkstar_sandbox.topic_log import all_partitions, read_to_end

__all__ = ["read_expectations", "read_labels", "read_legs", "read_parcels", "read_refusals", "read_topics"]


async def read_topics(bootstrap: str, prefix: str = "") -> list[Record]:
    """Return every record of every LinkStar topic, partition by partition."""
    partitions = await all_partitions(bootstrap, prefix)
    found: dict[tuple[str, int], list[Record]] = {(part.topic, part.partition): [] for part in partitions}
    async for record in read_to_end(bootstrap, partitions):
        found[record.topic, record.partition].append(_record(record, prefix))
    return [record for records in found.values() for record in records]


def _record(raw: ConsumerRecord, prefix: str) -> Record:
    headers = {name: value.decode("utf-8", "replace") for name, value in raw.headers}
    return Record(
        topic=raw.topic.removeprefix(prefix), partition=raw.partition, offset=raw.offset,
        key=(raw.key or b"").decode("utf-8", "replace"), value=raw.value or b"", type=headers.get("ce_type", ""),
        id=headers.get("ce_id", ""), version=int(headers.get("ce_version") or 0), tenant=headers.get("ce_tenant", ""),
        subject=headers.get("ce_subject", ""), traceparent=headers.get("traceparent", ""), body=_body(raw.value),
        headers=headers,
    )  # fmt: skip


def _body(value: bytes | None) -> Mapping[str, Any]:
    try:
        body = json.loads(value or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def read_parcels(ledger: Path) -> list[TrueParcel]:
    """Return the carriers' ledger of truth."""
    db = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    try:
        scans: dict[int, list[TrueScan]] = {}
        for row in db.execute(
            "SELECT s.*, max(r.state = 'taken') AS taken, max(r.refusal) AS refusal"
            " FROM scan s JOIN report r USING (parcel_id, seq) GROUP BY parcel_id, seq ORDER BY parcel_id, seq"
        ):
            scan = TrueScan(row["code"], _utc(row["scanned_at"]), row["meaning"], bool(row["taken"]), row["refusal"])
            scans.setdefault(row["parcel_id"], []).append(scan)
        return [_parcel(row, scans.get(row["id"], ())) for row in db.execute("SELECT * FROM parcel ORDER BY id")]
    finally:
        db.close()


def _parcel(row: sqlite3.Row, scans: Sequence[TrueScan]) -> TrueParcel:
    named = (
        "tenant",
        "order_id",
        "shipment_id",
        "route_version",
        "parcel",
        "tracking_number",
        "carrier",
        "kind",
        "fate",
    )
    return TrueParcel(
        **{name: row[name] for name in named}, voided=row["voided_at"] is not None, scans=tuple(scans),
        delivered_at=_utc(row["delivered_at"]) if row["delivered_at"] else None,
    )  # fmt: skip


def _utc(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp).astimezone(UTC)


async def read_legs(connection: asyncpg.Connection[Any]) -> list[Leg]:
    """Return every leg of the labeler's ledger."""
    rows = await connection.fetch("SELECT posting_id, account, currency, amount_minor FROM labeler.ledger_leg")
    return [Leg(row["posting_id"], row["account"], row["currency"], row["amount_minor"]) for row in rows]


async def read_labels(connection: asyncpg.Connection[Any]) -> list[StoredLabel]:
    """Return the labeler's labels."""
    rows = await connection.fetch("SELECT tenant, shipment_id, route_version, state FROM labeler.label")
    return [StoredLabel(r["tenant"], r["shipment_id"], r["route_version"], r["state"] == "active") for r in rows]


def read_expectations(rows: Iterable[Mapping[str, Any]]) -> list[ExpectedOrder]:
    """Return what was handed in, from the rows of `expectations.json`."""
    return [ExpectedOrder(**row) for row in rows]


def read_refusals(reports: Mapping[str, Mapping[str, Any]]) -> list[Refusal]:
    """Return the refused rows that the import reports name, by file name."""
    return [
        Refusal(door, error["row"], error.get("order_id") or "", error["code"])
        for door, report in reports.items() for error in report["errors"]
    ]  # fmt: skip
