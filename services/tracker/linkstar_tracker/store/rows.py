"""Rows of the tracker's tables, and what they hold in the domain's terms."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from linkstar_contracts.events import ExceptionCode, ExceptionState, Place, ResponsibleParty, Severity
from linkstar_tracker.domain.alarms import Alarm
from linkstar_tracker.domain.evidence import Trail
from linkstar_tracker.domain.label import TrackedLabel
from linkstar_tracker.domain.scans import Scan, briefs_text, place_text
from linkstar_tracker.domain.shipment import Shipment

__all__ = [
    "PARTED", "SCAN_COLUMNS", "SHIPMENT_COLUMNS", "State", "alarm_of", "columns", "identity", "joined", "label_values",
    "scan_of", "scan_values", "shipment_of", "state_values",
]  # fmt: skip

Row: TypeAlias = Any
"""A database row."""

SCAN_COLUMNS = (
    "carrier, tracking_number, scan_id, code, body, scanned_at, scanned_local, timezone, place, source, retracts"
)

SHIPMENT_COLUMNS = (
    "t.tenant, t.shipment_id, t.order_id, t.shard, t.label, t.label_version, t.voided, t.version, t.entries, t.head"
)


class State(NamedTuple):
    """A shipment with what is found out about it for those who look from outside."""

    shipment: Shipment
    status: str
    last_scan_at: datetime | None
    watch_due_at: datetime | None
    spot: str | None = None
    """Where the parcel waits after a scan that is new since it was read; empty where nobody tells, None without one."""


PARTED = "E'\\x1f'"
"""In SQL, what `joined` puts between texts: a character that no text of a contract holds."""


def columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=False))[:width] if rows else [()] * width


def joined(texts: Sequence[str]) -> str:
    """Return texts as `string_to_array` takes them: a tenth of the driver's cost of an array of them.

    A single empty text comes out as no text at all. Raises ValueError where a text would come out as two.
    """
    together = "\x1f".join(texts)
    if together.count("\x1f") >= max(1, len(texts)):
        raise ValueError("a text holds the separator of texts")
    return together


def identity(shipment: Shipment) -> tuple[str, str, str, int]:
    return shipment.tenant, shipment.shipment_id, shipment.order_id, shipment.shard


def label_values(shipment: Shipment) -> tuple[str | None, int, bool]:
    label = shipment.label.text if shipment.label else None
    return label, shipment.label_version, shipment.voided


def state_values(state: State) -> tuple[int, str, datetime | None, datetime | None, int, bytes | None, str, bool]:
    shipment = state.shipment
    return (
        shipment.version,
        state.status,
        state.last_scan_at,
        state.watch_due_at,
        shipment.trail.count,
        shipment.trail.head,
        _briefs_of(shipment),
        bool(shipment.alarms),
    )


def _briefs_of(shipment: Shipment) -> str:
    """Return all scans in brief; those that were read so are not written anew."""
    if not shipment.briefs:
        return briefs_text(shipment.scans.values())
    return shipment.briefs + briefs_text([scan for scan in shipment.scans.values() if type(scan) is Scan])


def shipment_of(row: Row) -> Shipment:
    """Return the shipment of a row that begins with `SHIPMENT_COLUMNS`."""
    tenant, shipment_id, order_id, shard, text, label_version, voided, version, entries, head, *_ = row
    label = TrackedLabel.read(text) if text else None
    return Shipment(
        tenant, shipment_id, order_id, shard, label, label_version, voided, version, trail=Trail(entries, head)
    )  # fmt: skip


def scan_of(row: Row) -> Scan:
    return Scan(
        row["scan_id"], row["carrier"], row["tracking_number"], row["code"], row["scanned_at"], row["body"],
        Place.model_validate_json(row["place"]), row["scanned_local"], row["timezone"], row["source"], row["retracts"],
    )  # fmt: skip


def scan_values(scan: Scan) -> tuple[Any, ...]:
    return (
        scan.carrier, scan.tracking_number, scan.scan_id, scan.code, scan.text, scan.scanned_at, scan.scanned_local,
        scan.timezone, place_text(scan.place), scan.source, scan.retracts,
    )  # fmt: skip


def alarm_of(row: Row) -> Alarm:
    return Alarm(
        row["exception_id"], ExceptionCode(row["code"]), Severity(row["severity"]), ResponsibleParty(row["party"]),
        row["detail"], row["action"], ExceptionState(row["state"]), row["version"], row["opened_at"], row["changed_at"],
        row["deadline_at"], tuple(row["evidence"].split()),
    )  # fmt: skip
