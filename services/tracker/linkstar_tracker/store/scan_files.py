"""Files of scans: as they came, and how far they have been taken in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from linkstar_runtime.handling import Transaction
from linkstar_tracker.store.rows import columns

__all__ = [
    "RowFault", "ScanFile", "add_scan_file", "advance_scan_file", "expire_scan_files", "lease_scan_file",
    "read_scan_faults", "scan_file",
]  # fmt: skip


class RowFault(NamedTuple):
    """Why a row was not taken."""

    line: int
    code: str
    field: str
    detail: str
    fix: str


@dataclass(frozen=True, slots=True)
class ScanFile:
    """A file and what became of its rows: `taken` of them have been decided on."""

    tenant: str
    file_id: str
    name: str
    rows: int
    taken: int
    accepted: int
    unmatched: int
    rejected: int
    received_at: datetime
    finished_at: datetime | None
    body: bytes = field(default=b"", repr=False)


_COLUMNS = "tenant, file_id, name, rows, taken, accepted, unmatched, rejected, received_at, finished_at"


async def add_scan_file(
    tx: Transaction, tenant: str, file_id: str, name: str, body: bytes, rows: int, expires_at: datetime
) -> bool:
    """Store a file to be taken in; False when the same content came before."""
    done = await tx.execute(
        "INSERT INTO scan_file (tenant, file_id, name, body, rows, received_at, expires_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        tenant, file_id, name, body, rows, tx.now, expires_at,
    )  # fmt: skip
    return done == "INSERT 0 1"


async def scan_file(tx: Transaction, tenant: str, file_id: str) -> ScanFile | None:
    """Return a file without its bytes."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM scan_file WHERE tenant = $1 AND file_id = $2", tenant, file_id,  # noqa: S608
    )  # fmt: skip
    return ScanFile(*row) if row else None


async def read_scan_faults(tx: Transaction, tenant: str, file_id: str, after: int, limit: int) -> list[RowFault]:
    """Return a page of the rows that were not taken, by line."""
    rows = await tx.fetch(
        "SELECT line, code, field, detail, fix FROM scan_file_fault WHERE tenant = $1 AND file_id = $2 AND line > $3 "
        "ORDER BY line LIMIT $4",
        tenant, file_id, after, limit,
    )  # fmt: skip
    return [RowFault(*row) for row in rows]


async def lease_scan_file(tx: Transaction, wall: datetime, until: datetime) -> ScanFile | None:
    """Return the oldest file that nobody takes in, for this process alone until a moment of real time."""
    row = await tx.fetchrow(
        f"UPDATE scan_file SET leased_until = $2 WHERE (tenant, file_id) = (SELECT tenant, file_id FROM scan_file "  # noqa: S608
        "WHERE finished_at IS NULL AND (leased_until IS NULL OR leased_until < $1) ORDER BY received_at LIMIT 1 "
        f"FOR UPDATE SKIP LOCKED) RETURNING {_COLUMNS}, body",
        wall, until,
    )  # fmt: skip
    return ScanFile(*row) if row else None


async def advance_scan_file(
    tx: Transaction, file: ScanFile, taken: int, counts: tuple[int, int, int], faults: Sequence[RowFault], until: datetime
) -> bool:  # fmt: skip
    """Note that rows from `file.taken` to `taken` were decided on: accepted, unmatched, rejected. False when another process
    has gone on with the file meanwhile.
    """
    done = await tx.execute(
        "UPDATE scan_file SET taken = $4, accepted = accepted + $5, unmatched = unmatched + $6, rejected = rejected + $7, "
        "leased_until = $8, finished_at = CASE WHEN $4 = rows THEN $9::timestamptz END, "
        "body = CASE WHEN $4 = rows THEN NULL ELSE body END WHERE tenant = $1 AND file_id = $2 AND taken = $3 "
        "AND finished_at IS NULL",
        file.tenant, file.file_id, file.taken, taken, *counts, until, tx.now,
    )  # fmt: skip
    if done == "UPDATE 1" and faults:
        await tx.execute(
            "INSERT INTO scan_file_fault SELECT $1, $2, u.* FROM unnest($3::int[], $4::text[], $5::text[], $6::text[], "
            "$7::text[]) u ON CONFLICT DO NOTHING",
            file.tenant, file.file_id, *columns(faults, 5),
        )  # fmt: skip
    return done == "UPDATE 1"


async def expire_scan_files(tx: Transaction, limit: int) -> None:
    """Forget files whose time is over, with their reports."""
    await tx.execute(
        "DELETE FROM scan_file WHERE ctid IN (SELECT ctid FROM scan_file WHERE expires_at <= $1 AND finished_at IS NOT NULL "
        "ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        tx.now, limit,
    )  # fmt: skip
