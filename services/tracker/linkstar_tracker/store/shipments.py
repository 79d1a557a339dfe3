"""Shipments with their scans and exceptions, locked and written a batch at a time, keys in sorted order."""

# ruff: noqa: S608 - the only parts put together are constant column lists

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from linkstar_runtime.handling import Transaction
from linkstar_tracker.domain.alarms import Alarm
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.domain.shipment import Shipment
from linkstar_tracker.store.rows import (
    SCAN_COLUMNS,
    State,
    alarm_of,
    columns,
    identity,
    label_values,
    scan_of,
    scan_values,
    shipment_of,
    state_values,
)

__all__ = [
    "ShipmentKey", "add_scans", "due_shipments", "lock_shipments", "make_shipments", "open_shipments", "read_shipment",
    "save_shipments",
]  # fmt: skip

ShipmentKey: TypeAlias = tuple[str, str]
"""Tenant and shipment id."""

_LOCK = "FOR NO KEY UPDATE OF t"


async def make_shipments(tx: Transaction, states: Iterable[State]) -> set[ShipmentKey]:
    """Store shipments nothing was heard of before, complete with their labels; return their keys. The others stay as they
    are.
    """
    flat = sorted(
        ((*identity(state.shipment), *label_values(state.shipment), *state_values(state)) for state in states),
        key=lambda row: row[:2],
    )
    rows = await tx.fetch(
        "INSERT INTO tracker (tenant, shipment_id, order_id, shard, label, label_version, voided, version, status, "
        "last_scan_at, watch_due_at, entries, head, updated_at) SELECT u.*, $14 FROM unnest($1::text[], $2::text[], "
        "$3::text[], $4::int[], $5::text[], $6::int[], $7::bool[], $8::int[], $9::text[], $10::timestamptz[], "
        "$11::timestamptz[], $12::int[], $13::bytea[]) u ON CONFLICT DO NOTHING RETURNING tenant, shipment_id",
        *columns(flat, 13), tx.now,
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
    tenants, ids = columns(keys, 2)
    rows = await tx.fetch(
        "SELECT t.* FROM tracker t JOIN unnest($1::text[], $2::text[]) u(tenant, shipment_id) "
        f"USING (tenant, shipment_id) ORDER BY t.tenant, t.shipment_id {lock}",
        tenants, ids,
    )  # fmt: skip
    shipments = {(row["tenant"], row["shipment_id"]): shipment_of(row) for row in rows}
    for row in await tx.fetch(
        f"SELECT tenant, shipment_id, {SCAN_COLUMNS} FROM scan "
        "JOIN unnest($1::text[], $2::text[]) u(tenant, shipment_id) USING (tenant, shipment_id)",
        tenants, ids,
    ):  # fmt: skip
        shipments[row["tenant"], row["shipment_id"]].scans[row["scan_id"]] = scan_of(row)
    for row in await tx.fetch(
        "SELECT e.* FROM shipment_exception e JOIN unnest($1::text[], $2::text[]) u(tenant, shipment_id) "
        "USING (tenant, shipment_id) ORDER BY e.opened_at, e.exception_id",
        tenants, ids,
    ):  # fmt: skip
        shipments[row["tenant"], row["shipment_id"]].alarms[row["exception_id"]] = alarm_of(row)
    return shipments


async def save_shipments(tx: Transaction, states: Sequence[State], *, labels: bool = False) -> None:
    """Write the states of shipments back with the exceptions that changed now; their labels when asked for only."""
    if labels:
        await _save_labels(tx, [state.shipment for state in states])
    flat = [(state.shipment.tenant, state.shipment.shipment_id, *state_values(state)) for state in states]
    await tx.execute(
        "UPDATE tracker t SET version = u.version, status = u.status, last_scan_at = u.last_scan_at, "
        "watch_due_at = u.watch_due_at, updated_at = $9, entries = u.entries, head = u.head FROM unnest($1::text[], "
        "$2::text[], $3::int[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::int[], $8::bytea[]) "
        "u(tenant, shipment_id, version, status, last_scan_at, watch_due_at, entries, head) "
        "WHERE t.tenant = u.tenant AND t.shipment_id = u.shipment_id",
        *columns(flat, 8), tx.now,
    )  # fmt: skip
    changed = [
        (s.shipment, alarm) for s in states for alarm in s.shipment.alarms.values() if alarm.changed_at == tx.now
    ]
    if changed:
        await _save_alarms(tx, changed)


async def _save_labels(tx: Transaction, shipments: Sequence[Shipment]) -> None:
    flat = [(s.tenant, s.shipment_id, *label_values(s)) for s in shipments]
    await tx.execute(
        "UPDATE tracker t SET label = u.label, label_version = u.label_version, voided = u.voided FROM unnest($1::text[], "
        "$2::text[], $3::text[], $4::int[], $5::bool[]) u(tenant, shipment_id, label, label_version, voided) "
        "WHERE t.tenant = u.tenant AND t.shipment_id = u.shipment_id",
        *columns(flat, 5),
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
        *columns(sorted(flat), 12),
    )  # fmt: skip


async def add_scans(tx: Transaction, scans: Sequence[tuple[Shipment, Scan, int, bytes]]) -> None:
    """Store scans of locked shipments, each with the number and hash of its entry in the chain of evidence."""
    flat = [(s.tenant, s.shipment_id, *scan_values(scan), entry, hashed) for s, scan, entry, hashed in scans]
    await tx.execute(
        f"INSERT INTO scan (tenant, shipment_id, {SCAN_COLUMNS}, entry, entry_hash, received_at) "
        "SELECT u.tenant, u.shipment_id, u.carrier, u.number, u.id, u.code, u.body, u.at, u.local, u.zone, "
        "u.place::jsonb, u.source, u.retracts, u.entry, u.hash, $16 FROM unnest($1::text[], $2::text[], $3::text[], "
        "$4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::text[], $10::text[], $11::text[], "
        "$12::text[], $13::text[], $14::int[], $15::bytea[]) "
        "u(tenant, shipment_id, carrier, number, id, code, body, at, local, zone, place, source, retracts, entry, hash) "
        "ON CONFLICT DO NOTHING",
        *columns(flat, 15), tx.now,
    )  # fmt: skip


async def read_shipment(tx: Transaction, tenant: str, shipment_id: str) -> Shipment | None:
    """Return one shipment of the tenant as it is now, without locking it."""
    return (await _load(tx, [(tenant, shipment_id)], lock="")).get((tenant, shipment_id))
