"""Every SQL statement of the tracker. Rows are read and written a batch at a time, keys always in sorted order."""

# ruff: noqa: S608 - the only parts put together are constant column lists

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from linkstar_contracts.events import ExceptionCode, ExceptionState, Place, ResponsibleParty, Severity
from linkstar_runtime.handling import Transaction
from linkstar_tracker.domain.alarms import Alarm
from linkstar_tracker.domain.label import TrackedLabel
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.domain.shipment import Shipment

__all__ = [
    "NumberOwner", "ShipmentKey", "State", "UnmatchedScan", "add_scans", "claim_numbers", "count_unmapped",
    "due_shipments", "expire_unmatched", "keep_unmatched", "lock_shipments", "make_shipments", "open_shipments",
    "owners_of", "read_shipment", "save_shipments", "shipments_of_number", "take_matched", "take_unmatched",
    "unmapped_codes", "unmatched_scans",
]  # fmt: skip

ShipmentKey: TypeAlias = tuple[str, str]
"""Tenant and shipment id."""
Number: TypeAlias = tuple[str, str]
"""Carrier and tracking number."""
Row: TypeAlias = Any
"""A database row, read by column name."""

_LOCK = "FOR NO KEY UPDATE OF t"
_SCAN = "carrier, tracking_number, scan_id, code, body, scanned_at, scanned_local, timezone, place, source, retracts"


@dataclass(frozen=True, slots=True)
class NumberOwner:
    """The shipment a tracking number belongs to."""

    tenant: str
    shipment_id: str
    order_id: str


class State(NamedTuple):
    """A shipment with what is found out about it for those who look from outside."""

    shipment: Shipment
    status: str
    last_scan_at: datetime | None
    watch_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class UnmatchedScan:
    """A scan of an unknown number; `reporter` is the tenant who told, `*` for a carrier that serves all."""

    scan: Scan
    reporter: str
    received_at: datetime
    expires_at: datetime


# ---- shipments -----------------------------------------------------------------------------------------------------


async def make_shipments(tx: Transaction, states: Iterable[State]) -> set[ShipmentKey]:
    """Store shipments nothing was heard of before, complete with their labels; return their keys. The others stay as they
    are.
    """
    flat = sorted(
        (*_identity(state.shipment), *_label_values(state.shipment), *_state_values(state)) for state in states
    )
    rows = await tx.fetch(
        "INSERT INTO tracker (tenant, shipment_id, order_id, shard, label, label_version, voided, version, status, "
        "last_scan_at, watch_due_at, updated_at) SELECT u.*, $12 FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], "
        "$5::text[], $6::int[], $7::bool[], $8::int[], $9::text[], $10::timestamptz[], $11::timestamptz[]) u "
        "ON CONFLICT DO NOTHING RETURNING tenant, shipment_id",
        *_columns(flat, 11), tx.now,
    )  # fmt: skip
    return {(row["tenant"], row["shipment_id"]) for row in rows}


async def lock_shipments(tx: Transaction, keys: Iterable[ShipmentKey]) -> dict[ShipmentKey, Shipment]:
    """Return those of these shipments that are known, locked until the transaction ends."""
    wanted = sorted(keys)
    return await _load(tx, wanted) if wanted else {}


async def open_shipments(tx: Transaction, wanted: Iterable[tuple[str, str, str, int]]) -> dict[ShipmentKey, Shipment]:
    """Return the shipments (tenant, shipment id, order id, shard), locked until the transaction ends; new ones are empty."""
    rows = sorted(set(wanted))
    known = await lock_shipments(tx, [row[:2] for row in rows])
    unknown = [Shipment(*row) for row in rows if row[:2] not in known]
    if not unknown:
        return known
    await make_shipments(tx, [State(shipment, "pending", None, None) for shipment in unknown])
    return known | await lock_shipments(tx, [(shipment.tenant, shipment.shipment_id) for shipment in unknown])


async def due_shipments(tx: Transaction, shards: Sequence[int], limit: int) -> dict[ShipmentKey, Shipment]:
    """Return up to `limit` shipments whose watch is due, longest due first, locked."""
    rows = await tx.fetch(
        "SELECT tenant, shipment_id FROM tracker WHERE shard = ANY($1::int[]) AND watch_due_at <= $2 "
        "ORDER BY watch_due_at LIMIT $3",
        list(shards), tx.now, limit,
    )  # fmt: skip
    return await _load(tx, sorted((row["tenant"], row["shipment_id"]) for row in rows)) if rows else {}


async def _load(tx: Transaction, keys: Sequence[ShipmentKey], lock: str = _LOCK) -> dict[ShipmentKey, Shipment]:
    tenants, ids = _columns(keys, 2)
    rows = await tx.fetch(
        "SELECT t.* FROM tracker t JOIN unnest($1::text[], $2::text[]) u(tenant, shipment_id) "
        f"USING (tenant, shipment_id) ORDER BY t.tenant, t.shipment_id {lock}",
        tenants, ids,
    )  # fmt: skip
    shipments = {(row["tenant"], row["shipment_id"]): _shipment(row) for row in rows}
    for row in await tx.fetch(
        f"SELECT tenant, shipment_id, {_SCAN} FROM scan "
        "JOIN unnest($1::text[], $2::text[]) u(tenant, shipment_id) USING (tenant, shipment_id)",
        tenants, ids,
    ):  # fmt: skip
        shipments[row["tenant"], row["shipment_id"]].scans[row["scan_id"]] = _scan(row)
    for row in await tx.fetch(
        "SELECT e.* FROM shipment_exception e JOIN unnest($1::text[], $2::text[]) u(tenant, shipment_id) "
        "USING (tenant, shipment_id) ORDER BY e.opened_at, e.exception_id",
        tenants, ids,
    ):  # fmt: skip
        shipments[row["tenant"], row["shipment_id"]].alarms[row["exception_id"]] = _alarm(row)
    return shipments


async def save_shipments(tx: Transaction, states: Sequence[State], *, labels: bool = False) -> None:
    """Write the states of shipments back with the exceptions that changed now; their labels when asked for only."""
    if labels:
        await _save_labels(tx, [state.shipment for state in states])
    flat = [(state.shipment.tenant, state.shipment.shipment_id, *_state_values(state)) for state in states]
    await tx.execute(
        "UPDATE tracker t SET version = u.version, status = u.status, last_scan_at = u.last_scan_at, "
        "watch_due_at = u.watch_due_at, updated_at = $7 FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], "
        "$5::timestamptz[], $6::timestamptz[]) u(tenant, shipment_id, version, status, last_scan_at, watch_due_at) "
        "WHERE t.tenant = u.tenant AND t.shipment_id = u.shipment_id",
        *_columns(flat, 6), tx.now,
    )  # fmt: skip
    changed = [
        (s.shipment, alarm) for s in states for alarm in s.shipment.alarms.values() if alarm.changed_at == tx.now
    ]
    if changed:
        await _save_alarms(tx, changed)


async def _save_labels(tx: Transaction, shipments: Sequence[Shipment]) -> None:
    flat = [(s.tenant, s.shipment_id, *_label_values(s)) for s in shipments]
    await tx.execute(
        "UPDATE tracker t SET label = u.label, label_version = u.label_version, voided = u.voided FROM unnest($1::text[], "
        "$2::text[], $3::text[], $4::int[], $5::bool[]) u(tenant, shipment_id, label, label_version, voided) "
        "WHERE t.tenant = u.tenant AND t.shipment_id = u.shipment_id",
        *_columns(flat, 5),
    )  # fmt: skip


async def _save_alarms(tx: Transaction, alarms: Sequence[tuple[Shipment, Alarm]]) -> None:
    flat = [
        (s.tenant, a.exception_id, s.shipment_id, a.code.value, a.severity.value, a.party.value, a.detail, a.action,
         a.state.value, a.version, a.opened_at, a.changed_at)
        for s, a in alarms
    ]  # fmt: skip
    await tx.execute(
        "INSERT INTO shipment_exception SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], "
        "$6::text[], $7::text[], $8::text[], $9::text[], $10::int[], $11::timestamptz[], $12::timestamptz[]) "
        "ON CONFLICT (tenant, exception_id) DO UPDATE SET state = EXCLUDED.state, version = EXCLUDED.version, "
        "changed_at = EXCLUDED.changed_at",
        *_columns(sorted(flat), 12),
    )  # fmt: skip


async def add_scans(tx: Transaction, scans: Sequence[tuple[Shipment, Scan]]) -> None:
    """Store scans of locked shipments."""
    flat = [(s.tenant, s.shipment_id, *_scan_values(scan)) for s, scan in scans]
    await tx.execute(
        f"INSERT INTO scan (tenant, shipment_id, {_SCAN}, received_at) "
        "SELECT u.tenant, u.shipment_id, u.carrier, u.number, u.id, u.code, u.body, u.at, u.local, u.zone, "
        "u.place::jsonb, u.source, u.retracts, $14 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], "
        "$6::text[], $7::text[], $8::timestamptz[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[]) "
        "u(tenant, shipment_id, carrier, number, id, code, body, at, local, zone, place, source, retracts) "
        "ON CONFLICT DO NOTHING",
        *_columns(flat, 13), tx.now,
    )  # fmt: skip


async def count_unmapped(tx: Transaction, seen: Mapping[tuple[str, str], tuple[int, str]]) -> None:
    """Add to the counts of (carrier, code): how often seen, and the carrier's words."""
    flat = [(carrier, code, count, sample) for (carrier, code), (count, sample) in sorted(seen.items())]
    await tx.execute(
        "INSERT INTO unmapped_code SELECT u.*, $5, $5 FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) u "
        "ORDER BY 1, 2 ON CONFLICT (carrier, code) DO UPDATE SET seen = unmapped_code.seen + EXCLUDED.seen, "
        "last_seen_at = EXCLUDED.last_seen_at",
        *_columns(flat, 4), tx.now,
    )  # fmt: skip


# ---- tracking numbers and scans without one --------------------------------------------------------------------------


async def claim_numbers(tx: Transaction, numbers: Mapping[Number, NumberOwner]) -> None:
    """Register numbers for their shipments. A number that has an owner keeps it; the newcomer is noted as a conflict."""
    flat = [(*number, o.tenant, o.shipment_id, o.order_id) for number, o in sorted(numbers.items(), key=lambda n: n[0])]
    columns = _columns(flat, 5)
    await tx.execute(
        "INSERT INTO tracking_number SELECT u.*, $6 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) "
        "u ORDER BY 1, 2 ON CONFLICT DO NOTHING",
        *columns, tx.now,
    )  # fmt: skip
    await tx.execute(
        "INSERT INTO number_conflict SELECT u.carrier, u.number, u.tenant, u.shipment_id, $5 FROM "
        "unnest($1::text[], $2::text[], $3::text[], $4::text[]) u(carrier, number, tenant, shipment_id) "
        "JOIN tracking_number n ON n.carrier = u.carrier AND n.tracking_number = u.number "
        "WHERE (n.tenant, n.shipment_id) <> (u.tenant, u.shipment_id) ON CONFLICT DO NOTHING",
        *columns[:4], tx.now,
    )  # fmt: skip


async def owners_of(tx: Transaction, numbers: Iterable[Number]) -> dict[Number, NumberOwner]:
    """Return the owners of those numbers that have one."""
    rows = await tx.fetch(
        "SELECT n.* FROM tracking_number n JOIN unnest($1::text[], $2::text[]) u(carrier, tracking_number) "
        "USING (carrier, tracking_number)",
        *_columns(sorted(set(numbers)), 2),
    )  # fmt: skip
    return {
        (row["carrier"], row["tracking_number"]): NumberOwner(row["tenant"], row["shipment_id"], row["order_id"])
        for row in rows
    }


async def keep_unmatched(tx: Transaction, scans: Sequence[UnmatchedScan]) -> None:
    """Keep scans of unknown numbers until the number is known or they expire."""
    flat = [(*_scan_values(each.scan), each.reporter, each.received_at, each.expires_at) for each in scans]
    await tx.execute(
        f"INSERT INTO unmatched_scan ({_SCAN}, tenant, received_at, expires_at) "
        "SELECT u.carrier, u.number, u.id, u.code, u.body, u.at, u.local, u.zone, u.place::jsonb, u.source, u.retracts, "
        "u.tenant, u.received, u.expires FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], "
        "$6::timestamptz[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], "
        "$13::timestamptz[], $14::timestamptz[]) u(carrier, number, id, code, body, at, local, zone, place, source, "
        "retracts, tenant, received, expires) ORDER BY 1, 2, 12, 3 ON CONFLICT DO NOTHING",
        *_columns(flat, 14),
    )  # fmt: skip


_RETURNING = f"u.{_SCAN.replace(', ', ', u.')}, n.tenant AS owner, n.shipment_id, n.order_id"


async def take_unmatched(tx: Transaction, numbers: Mapping[Number, NumberOwner]) -> list[tuple[Scan, NumberOwner]]:
    """Remove and return the waiting scans of those numbers that truly belong to the owner given."""
    flat = [(*number, owner.tenant, owner.shipment_id) for number, owner in numbers.items()]
    rows = await tx.fetch(
        "DELETE FROM unmatched_scan u USING tracking_number n, "
        "unnest($1::text[], $2::text[], $3::text[], $4::text[]) w(carrier, number, tenant, shipment_id) "
        "WHERE u.carrier = w.carrier AND u.tracking_number = w.number AND n.carrier = w.carrier "
        "AND n.tracking_number = w.number AND n.tenant = w.tenant AND n.shipment_id = w.shipment_id "
        f"AND u.tenant IN ('*', n.tenant) RETURNING {_RETURNING}",
        *_columns(flat, 4),
    )  # fmt: skip
    return [(_scan(row), NumberOwner(row["owner"], row["shipment_id"], row["order_id"])) for row in rows]


async def take_matched(tx: Transaction, limit: int) -> list[tuple[Scan, NumberOwner]]:
    """Remove and return waiting scans whose number was registered while they were being stored."""
    rows = await tx.fetch(
        "WITH found AS (SELECT u.ctid FROM unmatched_scan u JOIN tracking_number n USING (carrier, tracking_number) "
        "WHERE u.tenant IN ('*', n.tenant) LIMIT $1 FOR UPDATE OF u SKIP LOCKED) "
        "DELETE FROM unmatched_scan u USING tracking_number n WHERE u.ctid IN (SELECT ctid FROM found) "
        f"AND n.carrier = u.carrier AND n.tracking_number = u.tracking_number RETURNING {_RETURNING}",
        limit,
    )  # fmt: skip
    return [(_scan(row), NumberOwner(row["owner"], row["shipment_id"], row["order_id"])) for row in rows]


async def expire_unmatched(tx: Transaction, limit: int) -> int:
    """Drop waiting scans whose time is over; return how many."""
    done = await tx.execute(
        "DELETE FROM unmatched_scan WHERE ctid IN (SELECT ctid FROM unmatched_scan WHERE expires_at <= $1 "
        "ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        tx.now, limit,
    )  # fmt: skip
    return int(done.rpartition(" ")[2])


# ---- reading ---------------------------------------------------------------------------------------------------------


async def read_shipment(tx: Transaction, tenant: str, shipment_id: str) -> Shipment | None:
    """Return one shipment of the tenant as it is now, without locking it."""
    return (await _load(tx, [(tenant, shipment_id)], lock="")).get((tenant, shipment_id))


async def shipments_of_number(tx: Transaction, tenant: str, tracking_number: str) -> list[str]:
    """Return the tenant's shipments that travel under a tracking number."""
    rows = await tx.fetch(
        "SELECT shipment_id FROM tracking_number WHERE tenant = $1 AND tracking_number = $2 ORDER BY registered_at",
        tenant, tracking_number,
    )  # fmt: skip
    return [row["shipment_id"] for row in rows]


async def unmatched_scans(
    tx: Transaction, reporter: str, after: tuple[str, str, str], limit: int
) -> list[UnmatchedScan]:
    """Return a page of the scans a reporter has waiting, by carrier, number and scan id."""
    rows = await tx.fetch(
        f"SELECT {_SCAN}, tenant, received_at, expires_at FROM unmatched_scan WHERE tenant = $1 "
        "AND (carrier, tracking_number, scan_id) > ($2, $3, $4) ORDER BY carrier, tracking_number, scan_id LIMIT $5",
        reporter, *after, limit,
    )  # fmt: skip
    return [UnmatchedScan(_scan(row), row["tenant"], row["received_at"], row["expires_at"]) for row in rows]


async def unmapped_codes(tx: Transaction) -> list[Mapping[str, Any]]:
    """Return the codes that no row explains, most frequent first."""
    return [
        dict(row) for row in await tx.fetch("SELECT * FROM unmapped_code ORDER BY seen DESC, carrier, code LIMIT 500")
    ]


# ---- rows ------------------------------------------------------------------------------------------------------------


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[column] for row in rows] for column in range(width)]


def _identity(shipment: Shipment) -> tuple[str, str, str, int]:
    return shipment.tenant, shipment.shipment_id, shipment.order_id, shipment.shard


def _label_values(shipment: Shipment) -> tuple[str | None, int, bool]:
    label = shipment.label.model_dump_json() if shipment.label else None
    return label, shipment.label_version, shipment.voided


def _state_values(state: State) -> tuple[int, str, datetime | None, datetime | None]:
    return state.shipment.version, state.status, state.last_scan_at, state.watch_due_at


def _shipment(row: Row) -> Shipment:
    label = TrackedLabel.model_validate_json(row["label"]) if row["label"] else None
    return Shipment(
        row["tenant"], row["shipment_id"], row["order_id"], row["shard"], label, row["label_version"], row["voided"],
        row["version"],
    )  # fmt: skip


def _scan(row: Row) -> Scan:
    return Scan(
        row["scan_id"], row["carrier"], row["tracking_number"], row["code"], row["scanned_at"], row["body"],
        Place.model_validate_json(row["place"]), row["scanned_local"], row["timezone"], row["source"], row["retracts"],
    )  # fmt: skip


def _scan_values(scan: Scan) -> tuple[Any, ...]:
    return (
        scan.carrier, scan.tracking_number, scan.scan_id, scan.code, scan.text, scan.scanned_at, scan.scanned_local,
        scan.timezone, scan.place.model_dump_json(), scan.source, scan.retracts,
    )  # fmt: skip


def _alarm(row: Row) -> Alarm:
    return Alarm(
        row["exception_id"], ExceptionCode(row["code"]), Severity(row["severity"]), ResponsibleParty(row["party"]),
        row["detail"], row["action"], ExceptionState(row["state"]), row["version"], row["opened_at"], row["changed_at"],
    )  # fmt: skip
