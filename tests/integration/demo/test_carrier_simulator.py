"""The carrier simulator as a process on a real broker: weeks in seconds, killed in mid-flow, and nothing left untold."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from linkstar_contracts.events import LabelCreated, LabelVoided
from linkstar_contracts.topics import LABELS
from linkstar_sandbox.provision import provision_topics
from linkstar_sandbox.reader.sources import read_parcels

pytestmark = pytest.mark.integration

LABELS_MADE = 40
DAY_S = 86_400
LABELLED_AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
Scan = dict[str, Any]


class Door:
    """A door that keeps what it is told. `refuse_next` answers that many calls with 503."""

    def __init__(self) -> None:
        self.scans: list[Scan] = []
        self.refuse_next = 2
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                scans = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["scans"]
                if door.refuse_next:
                    door.refuse_next -= 1
                    self.send_response(503)
                    self.end_headers()
                    return
                door.scans += scans
                body = json.dumps({"accepted": len(scans), "unmatched": 0, "rejected": []}).encode()
                self.send_response(202)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def told(self) -> set[tuple[str, str, str]]:
        return {(s["tracking_number"], s["code"], s.get("scanned_at") or s["scanned_local"]) for s in self.scans}


@pytest.fixture
def door() -> Iterator[Door]:
    opened = Door()
    threading.Thread(target=opened.server.serve_forever, daemon=True).start()
    yield opened
    opened.server.shutdown()
    opened.server.server_close()


def label(number: int) -> LabelCreated:
    euros = {"amount_minor": 549, "currency": "EUR"}
    return LabelCreated.model_validate({
        "tenant": "demo", "order_id": f"o{number}", "shipment_id": f"o{number}", "version": 1, "route_version": 1,
        "occurred_at": LABELLED_AT, "carrier": "dhl-de", "service": "paket", "account": "house",
        "parcels": [{
            "number": 1, "tracking_number": f"003404340000{number:08}", "weight": {"value": "1.2", "unit": "kg"},
            "declared_value": euros, "label_sha256": "0" * 64,
        }],
        "total": euros, "lines": [{"code": "base", "amount": euros}], "posting_id": f"p{number}",
        "purchase_guarantee": "offline",
        "warehouse": {"code": "DE-HAJ", "country": "DE", "postcode": "30179", "timezone": "Europe/Berlin"},
        "destination": {"country": "DE", "region": "BY", "city": "München", "postcode": "80331"},
    }, strict=False)  # fmt: skip


def void(number: int) -> LabelVoided:
    return LabelVoided.model_validate({
        "tenant": "demo", "order_id": f"o{number}", "shipment_id": f"o{number}", "version": 2, "route_version": 1,
        "occurred_at": LABELLED_AT, "carrier": "dhl-de", "service": "paket", "reason": "requested",
        "refund": {"amount_minor": 549, "currency": "EUR"},
    }, strict=False)  # fmt: skip


async def publish(bootstrap: str, topic: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    for event in [void(0).model_copy(update={"order_id": "never"}), *map(label, range(LABELS_MADE)), void(7)]:
        await producer.send(topic, event.body(), key=event.key.encode(), headers=event.headers("/test"))
    await producer.flush()
    await producer.stop()


@contextmanager
def simulator(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", "linkstar_sandbox.carriers"], env=environment)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


async def until(condition: Callable[[], bool], seconds: float = 40) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if condition():
                return
            await asyncio.sleep(0.05)


def outstanding(ledger: Path) -> int:
    if not ledger.exists():
        return -1
    db = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    try:
        [count], [parcels] = (
            db.execute(sql).fetchone()
            for sql in (
                "SELECT count(*) FROM report WHERE state IN ('planned', 'sending')",
                "SELECT count(*) FROM parcel",
            )
        )
    except sqlite3.OperationalError:
        return -1
    finally:
        db.close()
    return int(count) if parcels == LABELS_MADE else -1


async def test_weeks_pass_in_seconds_and_kill_9_leaves_no_scan_untold(
    kafka_bootstrap: str, topic_prefix: str, door: Door, tmp_path: Path
) -> None:
    await provision_topics(kafka_bootstrap, (LABELS,), prefix=topic_prefix)
    await publish(kafka_bootstrap, topic_prefix + LABELS.name)
    ledger = tmp_path / "carriers.sqlite"
    environment = {
        **os.environ, "LINKSTAR_KAFKA__BOOTSTRAP": kafka_bootstrap, "LINKSTAR_KAFKA__TOPIC_PREFIX": topic_prefix,
        "LINKSTAR_CLOCK__ORIGIN": LABELLED_AT.isoformat(), "LINKSTAR_CLOCK__WALL0": datetime.now(UTC).isoformat(),
        "LINKSTAR_CLOCK__SPEED": str(3 * DAY_S), "LINKSTAR_LOG__LEVEL": "warning",
        "LINKSTAR_SIMULATOR__TRACKER_URL": door.url, "LINKSTAR_SIMULATOR__API_KEY": "none",
        "LINKSTAR_SIMULATOR__LEDGER": str(ledger), "LINKSTAR_SIMULATOR__SEED": "11",
    }  # fmt: skip
    with simulator(environment) as first:
        await until(lambda: len(door.scans) > 30)
        first.kill()
        first.wait()
    with simulator(environment) as second:
        await until(lambda: outstanding(ledger) == 0)
    assert second.returncode == 0

    parcels = {parcel.order_id: parcel for parcel in read_parcels(ledger)}
    assert len(parcels) == LABELS_MADE
    assert all(parcel.all_told for parcel in parcels.values() if not parcel.voided)
    true = {(p.tracking_number, scan.code, scan.at) for p in parcels.values() for scan in p.scans if scan.taken}
    told = {(number, code, datetime.fromisoformat(at).astimezone(UTC)) for number, code, at in door.told()}
    assert told == true
    assert max(at for _, _, at in told) > LABELLED_AT + timedelta(days=5)
