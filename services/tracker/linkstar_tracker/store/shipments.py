"""Shipments with their scans and exceptions, made, locked and read a batch at a time, keys in sorted order."""

# ruff: noqa: S608 - the only parts put together are constant column lists

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeAlias

from linkstar_runtime.handling import Transaction
from linkstar_tracker.domain.scans import briefs_of
from linkstar_tracker.domain.shipment import Shipment
from linkstar_tracker.store.rows import (
    PARTED,
    SCAN_COLUMNS,
    SHIPMENT_COLUMNS,
    State,
    alarm_of,
    columns,
    identity,
    joined,
    label_values,
    scan_of,
    shipment_of,
    state_values,
)

__all__ = [
    "ShipmentKey", "due_shipments", "lock_shipments", "make_shipments", "open_shipments", "read_shipment", "read_shipments",
]  # fmt: skip

ShipmentKey: TypeAlias = tuple[str, str]
"""Tenant and shipment id."""

_LOCK = "FOR NO KEY UPDATE OF t"
_KEYS = f"unnest(string_to_array($1, {PARTED}), string_to_array($2, {PARTED})) u(tenant, shipment_id)"
_COLUMNS = (
    f"{SHIPMENT_COLUMNS}, alarmed, CASE WHEN briefed_at = entries AND briefs_at IS NULL THEN briefs END AS briefs"
)
"""Scans in brief only as of the last entry, and as JSON: a tracker of an earlier release may have added others since, or
written them in its own form, which it tells by `briefs_at`.
"""


async def make_shipments(tx: Transaction, states: Iterable[State]) -> set[ShipmentKey]:
    """Store shipments nothing was heard of before, complete with their labels; return their keys. The others stay as they
    are.
    """
    flat = sorted(
        (
            (
                *identity(state.shipment),
                *label_values(state.shipment),
                *state_values(state),
                state.shipment.lane,
            )
            for state in states
        ),
        key=lambda row: row[:2],
    )
    tenants, shipments, orders, shards, labels, *told, briefs, alarmed, lanes = columns(flat, 16)
    label_versions, voided, versions, statuses, *rest = told
    rows = await tx.fetch(
        "INSERT INTO tracker (tenant, shipment_id, order_id, shard, label, label_version, voided, version, status, "
        "last_scan_at, watch_due_at, entries, head, briefs, alarmed, lane, updated_at, look_at, briefed_at) "
        "SELECT u.tenant, u.shipment_id, u.order_id, u.shard, nullif(u.label, ''), u.label_version, u.voided, u.version, "
        "u.status, u.last_scan_at, u.due, u.entries, u.head, coalesce(u.briefs, ''), u.alarmed, nullif(u.lane, ''), $17, "
        f"u.due, u.entries FROM unnest(string_to_array($1, {PARTED}), string_to_array($2, {PARTED}), "
        f"string_to_array($3, {PARTED}), $4::int[], string_to_array($5, {PARTED}), $6::int[], $7::bool[], $8::int[], "
        f"string_to_array($9, {PARTED}), $10::timestamptz[], $11::timestamptz[], $12::int[], $13::bytea[], "
        f"string_to_array($14, {PARTED}), $15::bool[], string_to_array($16, {PARTED})) "
        "u(tenant, shipment_id, order_id, shard, label, label_version, voided, version, status, last_scan_at, due, entries, "
        "head, briefs, alarmed, lane) ON CONFLICT DO NOTHING RETURNING tenant, shipment_id",
        joined(tenants), joined(shipments), joined(orders), shards, joined([label or "" for label in labels]),
        label_versions, voided, versions, joined(statuses), *rest, joined(briefs), alarmed, joined(lanes), tx.now,
    )  # fmt: skip
    return {(row["tenant"], row["shipment_id"]) for row in rows}


async def lock_shipments(tx: Transaction, keys: Iterable[ShipmentKey]) -> dict[ShipmentKey, Shipment]:
    """Return those of these shipments that are known, with their scans whole, locked until the transaction ends."""
    wanted = sorted(keys)
    return _by_key(await _load(tx, wanted, whole=True)) if wanted else {}


async def open_shipments(tx: Transaction, wanted: Iterable[tuple[str, str, str, int]]) -> Iterator[Shipment]:
    """Return the shipments (tenant, shipment id, order id, shard), locked until the transaction ends; new ones are empty.
    The scans of those that have a label are in brief.

    All are read now, each is put together at its turn: what is done to it then finds it in the processor's cache.
    """
    rows = sorted(set(wanted))
    known = await _load(tx, [row[:2] for row in rows])
    if len(known) == len(rows):
        return iter(known)
    keys = known.keys()
    unknown = [Shipment(*row) for row in rows if row[:2] not in keys]
    await make_shipments(tx, [State(shipment, "pending", None, None) for shipment in unknown])
    return chain(known, await _load(tx, [shipment.key for shipment in unknown]))


def _by_key(shipments: Iterable[Shipment]) -> dict[ShipmentKey, Shipment]:
    return {shipment.key: shipment for shipment in shipments}


async def due_shipments(tx: Transaction, shards: Sequence[int], limit: int) -> dict[ShipmentKey, Shipment]:
    """Return shipments whose watch is due, longest due first, locked, of up to `limit` that are looked at.

    Scans do not write to the index of this look: it strikes when an earlier scan had the watch due, and is put off then.
    """
    rows = await tx.fetch(
        "SELECT tenant, shipment_id, watch_due_at <= $2 AS due FROM tracker WHERE shard = ANY($1::int[]) AND look_at <= $2 "
        "ORDER BY look_at LIMIT $3",
        list(shards), tx.now, limit,
    )  # fmt: skip
    keys: dict[bool, list[ShipmentKey]] = {True: [], False: []}
    for row in rows:
        keys[bool(row["due"])].append((row["tenant"], row["shipment_id"]))
    if keys[False]:
        await _put_off(tx, keys[False])
    return _by_key(await _load(tx, sorted(keys[True]))) if keys[True] else {}


async def _put_off(tx: Transaction, keys: Sequence[ShipmentKey]) -> None:
    """Have shipments looked at when their watch is due as of now."""
    await tx.execute(
        "WITH late AS (SELECT tenant, shipment_id FROM tracker JOIN unnest($1::text[], $2::text[]) u(tenant, shipment_id) "
        "USING (tenant, shipment_id) ORDER BY tenant, shipment_id FOR NO KEY UPDATE) UPDATE tracker t "
        "SET look_at = t.watch_due_at FROM late WHERE t.tenant = late.tenant AND t.shipment_id = late.shipment_id",
        *columns(keys, 2),
    )  # fmt: skip


class _Loaded:
    """Rows of shipments, with those of their scans and exceptions that their own rows do not make needless."""

    def __init__(
        self, rows: Sequence[Any], scans: Mapping[ShipmentKey, list[Any]], alarms: Mapping[ShipmentKey, list[Any]]
    ):
        self._rows, self._scans, self._alarms = rows, scans, alarms

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self) -> set[ShipmentKey]:
        return {_key_of(row) for row in self._rows}

    def __iter__(self) -> Iterator[Shipment]:
        for row in self._rows:
            shipment = shipment_of(row)
            key = shipment.key
            if key in self._scans:
                shipment.scans = {each["scan_id"]: scan_of(each) for each in self._scans[key]}
            else:
                shipment.briefs = row["briefs"] or ""
                shipment.scans = briefs_of(shipment.briefs)
            if row["alarmed"]:
                shipment.alarms = {each["exception_id"]: alarm_of(each) for each in self._alarms[key]}
            yield shipment


async def _load(tx: Transaction, keys: Sequence[ShipmentKey], lock: str = _LOCK, *, whole: bool = False) -> _Loaded:
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM tracker t JOIN {_KEYS} USING (tenant, shipment_id) "
        f"ORDER BY t.tenant, t.shipment_id {lock}",
        *_keys(keys),
    )
    unread = [_key_of(row) for row in rows if whole or row["label"] is None or row["briefs"] is None]
    alarmed = [_key_of(row) for row in rows if row["alarmed"]]
    scans = await _rows_of(tx, f"SELECT tenant, shipment_id, {SCAN_COLUMNS} FROM scan", unread)
    alarms = await _rows_of(tx, "SELECT e.* FROM shipment_exception e", alarmed)
    alarms.sort(key=lambda row: (row["opened_at"], row["exception_id"]))
    return _Loaded(rows, _grouped(unread, scans), _grouped(alarmed, alarms))


def _key_of(row: Any) -> ShipmentKey:
    return row["tenant"], row["shipment_id"]


def _grouped(keys: Iterable[ShipmentKey], rows: Iterable[Any]) -> dict[ShipmentKey, list[Any]]:
    found: dict[ShipmentKey, list[Any]] = {key: [] for key in keys}
    for row in rows:
        found[_key_of(row)].append(row)
    return found


async def _rows_of(tx: Transaction, select: str, keys: Sequence[ShipmentKey]) -> list[Any]:
    return await tx.fetch(f"{select} JOIN {_KEYS} USING (tenant, shipment_id)", *_keys(keys)) if keys else []


def _keys(keys: Sequence[ShipmentKey]) -> list[str]:
    return [joined(texts) for texts in columns(keys, 2)]


async def read_shipment(tx: Transaction, tenant: str, shipment_id: str) -> Shipment | None:
    """Return one shipment of the tenant as it is now, with its scans whole, without locking it."""
    return next(iter(await _load(tx, [(tenant, shipment_id)], lock="", whole=True)), None)


async def read_shipments(tx: Transaction, keys: Iterable[ShipmentKey]) -> dict[ShipmentKey, Shipment]:
    """Return shipments as they are now, with their scans whole, without locking them."""
    wanted = sorted(set(keys))
    return _by_key(await _load(tx, wanted, lock="", whole=True)) if wanted else {}
