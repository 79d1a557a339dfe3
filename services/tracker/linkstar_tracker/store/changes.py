"""Writing what has become of locked shipments: their states, labels, scans and exceptions, a batch at a time."""

# ruff: noqa: S608 - the only parts put together are constant column lists

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from linkstar_runtime.handling import Transaction
from linkstar_tracker.domain.alarms import Alarm
from linkstar_tracker.domain.cases import openings
from linkstar_tracker.domain.evidence import told_at
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.domain.shipment import Shipment
from linkstar_tracker.store.cases import open_cases
from linkstar_tracker.store.codes import count_unmapped
from linkstar_tracker.store.numbers import UnmatchedScan, quarantine_scans
from linkstar_tracker.store.rows import (
    PARTED,
    SCAN_COLUMNS,
    State,
    columns,
    joined,
    label_values,
    scan_values,
    state_values,
)

__all__ = ["Changes", "save_alarms", "save_shipments"]


class Changes:
    """What is to be written of locked shipments: put down while each is at hand, written with one statement per table."""

    def __init__(self, now: datetime) -> None:
        self.now, self.told_at = now, told_at(now)
        self._labels: list[Shipment] = []
        self._unmapped: dict[tuple[str, str, str], tuple[int, str]] = {}
        self._scans: list[tuple[Any, ...]] = []
        self._states: list[tuple[Any, ...]] = []
        self._alarms: list[tuple[Shipment, Alarm]] = []
        self._apart: list[UnmatchedScan] = []

    def scan(self, shipment: Shipment, scan: Scan, entry: int, entry_hash: bytes) -> None:
        """Put down a new scan, with the number and hash of its entry in the chain of evidence."""
        self._scans.append((shipment.tenant, shipment.shipment_id, *scan_values(scan), entry, entry_hash, self.now))

    def apart(self, scan: UnmatchedScan) -> None:
        """Put down a scan that is set apart and not followed."""
        self._apart.append(scan)

    def unmapped(self, shipment: Shipment, scan: Scan) -> None:
        """Put down that a scan's code is explained by no row."""
        code = shipment.tenant, scan.carrier, scan.code
        count, sample = self._unmapped.get(code, (0, scan.text))
        self._unmapped[code] = (count + 1, sample)

    def state(self, state: State, *, label: bool = False) -> None:
        """Put down a shipment's state, and its exceptions that changed now; its label when asked for only."""
        shipment = state.shipment
        if label:
            self._labels.append(shipment)
        self._states.append((shipment.tenant, shipment.shipment_id, *state_values(state), state.spot))
        for alarm in shipment.alarms.values():
            if alarm.changed_at == self.now:
                self._alarms.append((shipment, alarm))

    async def write(self, tx: Transaction) -> None:
        """Write everything."""
        if self._scans:
            await _add_scans(tx, self._scans)
        if self._apart:
            await quarantine_scans(tx, self._apart)
        if self._unmapped:
            await count_unmapped(tx, self._unmapped)
        if self._labels:
            await _save_labels(tx, self._labels)
        await _save_states(tx, self._states)
        if self._alarms:
            await _save_alarms(tx, self._alarms)


async def save_shipments(tx: Transaction, states: Iterable[State]) -> None:
    """Write the states of shipments back with the exceptions that changed now."""
    changes = Changes(tx.now)
    for state in states:
        changes.state(state)
    await changes.write(tx)


async def _save_states(tx: Transaction, flat: Sequence[tuple[Any, ...]]) -> None:
    tenants, shipments, versions, statuses, *moments, entries, heads, briefs, alarmed, spots = columns(flat, 11)
    await tx.execute(
        "UPDATE tracker t SET version = u.version, status = u.status, last_scan_at = u.last_scan_at, "
        "watch_due_at = u.due, look_at = CASE WHEN t.look_at > $12 AND t.look_at <= u.due THEN t.look_at ELSE u.due END, "
        "updated_at = $12, entries = u.entries, head = u.head, briefs = u.briefs, briefed_at = u.entries, briefs_at = NULL, "
        "alarmed = u.alarmed, spot = coalesce(u.spot, t.spot), "
        "heard_at = CASE WHEN u.spot IS NULL THEN t.heard_at ELSE $12 END "
        f"FROM unnest(string_to_array($1, {PARTED}), string_to_array($2, {PARTED}), $3::int[], "
        f"string_to_array($4, {PARTED}), $5::timestamptz[], $6::timestamptz[], $7::int[], $8::bytea[], "
        f"string_to_array($9, {PARTED}), $10::bool[], $11::text[]) "
        "u(tenant, shipment_id, version, status, last_scan_at, due, entries, head, briefs, alarmed, spot) "
        "WHERE t.tenant = u.tenant AND t.shipment_id = u.shipment_id",
        joined(tenants), joined(shipments), versions, joined(statuses), *moments, entries, heads, joined(briefs), alarmed,
        spots, tx.now,
    )  # fmt: skip


async def _save_labels(tx: Transaction, shipments: Sequence[Shipment]) -> None:
    flat = [(s.tenant, s.shipment_id, *label_values(s), s.lane or None) for s in shipments]
    await tx.execute(
        "UPDATE tracker t SET label = u.label, label_version = u.label_version, voided = u.voided, lane = u.lane "
        "FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bool[], $6::text[]) "
        "u(tenant, shipment_id, label, label_version, voided, lane) "
        "WHERE t.tenant = u.tenant AND t.shipment_id = u.shipment_id",
        *columns(flat, 6),
    )  # fmt: skip


async def save_alarms(tx: Transaction, alarms: Sequence[tuple[Shipment, Alarm]]) -> None:
    """Write exceptions of locked shipments in their present state, and nothing else of them."""
    await _save_alarms(tx, alarms)
    keys = sorted({(shipment.tenant, shipment.shipment_id) for shipment, _ in alarms})
    await tx.execute(
        "UPDATE tracker t SET alarmed = true FROM unnest($1::text[], $2::text[]) u(tenant, shipment_id) "
        "WHERE t.tenant = u.tenant AND t.shipment_id = u.shipment_id AND NOT t.alarmed",
        *columns(keys, 2),
    )  # fmt: skip


async def _save_alarms(tx: Transaction, alarms: Sequence[tuple[Shipment, Alarm]]) -> None:
    flat = [
        (s.tenant, a.exception_id, s.shipment_id, a.code.value, a.severity.value, a.party.value, a.detail, a.action,
         a.state.value, a.version, a.opened_at, a.changed_at, a.deadline_at, " ".join(a.evidence))
        for s, a in alarms
    ]  # fmt: skip
    await tx.execute(
        "INSERT INTO shipment_exception (tenant, exception_id, shipment_id, code, severity, party, detail, action, state, "
        "version, opened_at, changed_at, deadline_at, evidence) "
        "SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], "
        "$6::text[], $7::text[], $8::text[], $9::text[], $10::int[], $11::timestamptz[], $12::timestamptz[], "
        "$13::timestamptz[], $14::text[]) "
        "ON CONFLICT (tenant, exception_id) DO UPDATE SET state = EXCLUDED.state, version = EXCLUDED.version, "
        "changed_at = EXCLUDED.changed_at, evidence = EXCLUDED.evidence",
        *columns(sorted(flat, key=lambda row: row[:2]), 14),
    )  # fmt: skip
    if wanted := openings(alarms, tx.now):
        await open_cases(tx, wanted)
    opened = [(s.tenant, a.exception_id, s.shipment_id, s.shard) for s, a in alarms if a.version == 1 and a.open]
    if opened:
        await _let_rules_judge(tx, opened)


async def _let_rules_judge(tx: Transaction, opened: Sequence[tuple[str, str, str, int]]) -> None:
    """Have exceptions that opened now judged by their sellers' automation rules, where there are some."""
    await tx.execute(
        "INSERT INTO exception_review SELECT u.*, $5 FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) "
        "u(tenant, exception_id, shipment_id, shard) WHERE EXISTS (SELECT FROM automation a WHERE a.tenant = u.tenant) "
        "ON CONFLICT DO NOTHING",
        *columns(sorted(opened), 4), tx.now,
    )  # fmt: skip


async def _add_scans(tx: Transaction, scans: Sequence[tuple[Any, ...]]) -> None:
    """Write scans that stand in no row: whoever holds their shipments' locks has looked."""
    await tx.copy("scan", f"tenant, shipment_id, {SCAN_COLUMNS}, entry, entry_hash, received_at", scans)
