"""The simulator's ledger of truth: every label, every true scan, and every report with what LinkStar answered.

One SQLite file in WAL mode: what a method returned is still there after kill -9.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from linkstar_sandbox.carriers.codes import SCAN_TEXT, scan_code
from linkstar_sandbox.carriers.journey import Journey, PostedParcel

__all__ = ["Answer", "DueReport", "Ledger"]

_TABLES = """
CREATE TABLE IF NOT EXISTS parcel (
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, order_id TEXT NOT NULL, shipment_id TEXT NOT NULL,
    route_version INTEGER NOT NULL, parcel INTEGER NOT NULL, tracking_number TEXT NOT NULL, carrier TEXT NOT NULL,
    service TEXT NOT NULL, kind TEXT NOT NULL, labelled_at TEXT NOT NULL, fate TEXT NOT NULL, delivered_at TEXT,
    voided_at TEXT, UNIQUE (tenant, shipment_id, route_version, parcel, tracking_number));
CREATE TABLE IF NOT EXISTS scan (
    parcel_id INTEGER NOT NULL REFERENCES parcel, seq INTEGER NOT NULL, meaning TEXT NOT NULL, code TEXT NOT NULL,
    text TEXT NOT NULL, scanned_at TEXT NOT NULL, city TEXT NOT NULL, region TEXT NOT NULL, postcode TEXT NOT NULL,
    country TEXT NOT NULL, timezone TEXT NOT NULL, retracts INTEGER, PRIMARY KEY (parcel_id, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS report (
    id INTEGER PRIMARY KEY, parcel_id INTEGER NOT NULL, seq INTEGER NOT NULL, due_at TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'planned'
        CHECK (state IN ('planned', 'sending', 'taken', 'refused', 'dropped')),
    sends INTEGER NOT NULL DEFAULT 0, refusal TEXT);
CREATE INDEX IF NOT EXISTS report_due ON report (due_at) WHERE state IN ('planned', 'sending');
CREATE INDEX IF NOT EXISTS report_of_parcel ON report (parcel_id, state);
"""
_DUE = """
SELECT r.id, p.carrier, p.tracking_number, s.code, s.text, s.scanned_at, s.city, s.region, s.postcode, s.country,
       s.timezone, t.code AS retracts_code, t.scanned_at AS retracts_at
  FROM report r JOIN parcel p ON p.id = r.parcel_id JOIN scan s ON s.parcel_id = r.parcel_id AND s.seq = r.seq
  LEFT JOIN scan t ON t.parcel_id = s.parcel_id AND t.seq = s.retracts
 WHERE r.state IN ('planned', 'sending') AND r.due_at <= ? ORDER BY r.due_at, r.id LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class DueReport:
    """A scan that the carrier tells now."""

    id: int
    carrier: str
    tracking_number: str
    code: str
    text: str
    scanned_at: datetime
    city: str
    region: str
    postcode: str
    country: str
    timezone: str
    retracts: tuple[str, datetime] | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What LinkStar said to one report: taken, or refused for good with its code."""

    report: int
    state: Literal["taken", "refused"]
    refusal: str | None = None


class Ledger:
    """Owns the file. One writer; readers may open it beside, read-only."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def post(self, posted: Iterable[tuple[PostedParcel, Journey]]) -> int:
        """Record labels with their journeys in one transaction; returns how many were new."""
        with self._transaction():
            return sum(self._post_one(parcel, journey) for parcel, journey in posted)

    def _post_one(self, parcel: PostedParcel, journey: Journey) -> bool:
        done = self._db.execute(
            "INSERT INTO parcel (tenant, order_id, shipment_id, route_version, parcel, tracking_number, carrier, service,"
            " kind, labelled_at, fate, delivered_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING RETURNING id",
            (parcel.tenant, parcel.order_id, parcel.shipment_id, parcel.route_version, parcel.parcel,
             parcel.tracking_number, parcel.carrier, parcel.service, parcel.kind, _stamp(parcel.labelled_at),
             journey.fate, _stamp(journey.delivered_at) if journey.delivered_at else None),
        ).fetchone()  # fmt: skip
        if done is None:
            return False
        self._db.executemany(
            "INSERT INTO scan VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            [(done["id"], seq, scan.meaning, scan_code(parcel.carrier, scan.meaning), SCAN_TEXT[scan.meaning],
              _stamp(scan.at), scan.stop.city, scan.stop.region, scan.stop.postcode, scan.stop.country,
              scan.stop.timezone, scan.retracts) for seq, scan in enumerate(journey.scans)],
        )  # fmt: skip
        self._db.executemany(
            "INSERT INTO report (parcel_id, seq, due_at) VALUES (?,?,?)",
            [(done["id"], report.scan, _stamp(report.at)) for report in journey.reports],
        )
        return True

    def void(self, tenant: str, shipment_id: str, route_version: int, at: datetime) -> None:
        """Record a voided label. A parcel no scan of which was told never travels; any other goes on."""
        with self._transaction():
            for row in self._db.execute(
                "UPDATE parcel SET voided_at = ? WHERE tenant = ? AND shipment_id = ? AND route_version = ?"
                " AND voided_at IS NULL RETURNING id",
                (_stamp(at), tenant, shipment_id, route_version),
            ).fetchall():
                self._keep_home(row["id"])

    def _keep_home(self, parcel_id: int) -> None:
        told = self._db.execute(
            "SELECT 1 FROM report WHERE parcel_id = ? AND state IN ('sending', 'taken')", (parcel_id,)
        ).fetchone()
        if told is None:
            self._db.execute("UPDATE report SET state = 'dropped' WHERE parcel_id = ?", (parcel_id,))
            self._db.execute("UPDATE parcel SET fate = 'voided', delivered_at = NULL WHERE id = ?", (parcel_id,))

    def take_due(self, now: datetime, limit: int) -> list[DueReport]:
        """Mark up to `limit` due reports as being sent and return them; after a crash they are returned again."""
        with self._transaction():
            rows = self._db.execute(_DUE, (_stamp(now), limit)).fetchall()
            self._db.executemany(
                "UPDATE report SET state = 'sending', sends = sends + 1 WHERE id = ?", [(row["id"],) for row in rows]
            )
        return [_due(row) for row in rows]

    def settle(self, answers: Sequence[Answer]) -> None:
        """Record what LinkStar answered."""
        with self._transaction():
            self._db.executemany(
                "UPDATE report SET state = ?, refusal = ? WHERE id = ?",
                [(answer.state, answer.refusal, answer.report) for answer in answers],
            )

    def outstanding(self) -> tuple[int, datetime | None]:
        """Return how many reports are still to be told, and when the last of them is due."""
        row = self._db.execute(
            "SELECT count(*), max(due_at) FROM report WHERE state IN ('planned', 'sending')"
        ).fetchone()
        return row[0], _instant(row[1]) if row[1] else None

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        self._db.execute("ROLLBACK" if kind else "COMMIT")


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _instant(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)


def _due(row: sqlite3.Row) -> DueReport:
    retracts = (row["retracts_code"], _instant(row["retracts_at"])) if row["retracts_code"] else None
    plain = {name: row[name] for name in ("id", "carrier", "tracking_number", "code", "text")}
    place = {name: row[name] for name in ("city", "region", "postcode", "country", "timezone")}
    return DueReport(**plain, **place, scanned_at=_instant(row["scanned_at"]), retracts=retracts)
