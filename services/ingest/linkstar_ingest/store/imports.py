"""Order files on their way in: jobs, their files, and what was wrong with their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from linkstar_ingest.domain.faults import RowFault


@dataclass(frozen=True, slots=True)
class ImportJob:
    """One import. `progress` counts the drafts done, of `orders` orders in the file."""

    tenant: str
    import_id: str
    channel: str
    warehouse: str
    filename: str
    state: str
    rows: int
    orders: int
    progress: int
    accepted: int
    duplicates: int
    rejected: int
    cancels: int
    skipped: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What one portion of an import adds to its counters."""

    drafts: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    cancels: int = 0


_FIELDS = tuple(ImportJob.__dataclass_fields__)


def _job(row: Mapping[str, Any]) -> ImportJob:
    return ImportJob(**{name: row[name] for name in _FIELDS})


async def insert_job(tx: Any, job: ImportJob, raw: bytes) -> None:
    """Insert a new import with its file."""
    await tx.execute(
        """INSERT INTO import_job (tenant, import_id, channel, warehouse, filename, state, rows, orders, progress, accepted,
                                   duplicates, rejected, cancels, skipped, created_at, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)""",
        *(getattr(job, name) for name in _FIELDS), tx.now,
    )  # fmt: skip
    await tx.execute(
        "INSERT INTO import_file (tenant, import_id, raw) VALUES ($1, $2, $3)", job.tenant, job.import_id, raw
    )


async def put_errors(tx: Any, job: ImportJob, faults: Sequence[RowFault]) -> None:
    """Add what was wrong with rows."""
    ordered = sorted(faults, key=lambda found: found.row)
    await tx.execute(
        """INSERT INTO import_error (tenant, import_id, row, order_id, code, field, detail, fix)
           SELECT $1, $2, u.* FROM unnest($3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) u""",
        job.tenant, job.import_id, [found.row for found in ordered], [_storable(found.order_id) for found in ordered],
        [found.fault.code for found in ordered], [_storable(found.fault.field) for found in ordered],
        [_storable(found.fault.detail) for found in ordered], [_storable(found.fault.fix) for found in ordered],
    )  # fmt: skip


def _storable(text: str) -> str:
    """A file may hold anything: what PostgreSQL cannot keep is replaced."""
    return text.replace("\0", "�").encode("utf-8", "replace").decode()[:500]


async def lease_job(tx: Any, now: datetime, until: datetime) -> ImportJob | None:
    """Take the oldest waiting import that nobody works on, in real time; None when there is none."""
    row = await tx.fetchrow(
        """UPDATE import_job SET leased_until = $2
            WHERE (tenant, import_id) = (
                SELECT tenant, import_id FROM import_job
                 WHERE state = 'processing' AND (leased_until IS NULL OR leased_until < $1)
                 ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING *""",
        now, until,
    )  # fmt: skip
    return _job(row) if row else None


async def load_file(tx: Any, job: ImportJob) -> bytes | None:
    """Return the file of an import that is still going on."""
    raw: bytes | None = await tx.fetchval(
        "SELECT raw FROM import_file WHERE tenant = $1 AND import_id = $2", job.tenant, job.import_id
    )
    return raw


async def advance(tx: Any, job: ImportJob, start: int, counts: Counts, leased_until: datetime) -> bool:
    """Move progress on from `start` and add to the counters; False when another worker has been faster."""
    done: str = await tx.execute(
        """UPDATE import_job SET progress = progress + $4, accepted = accepted + $5, duplicates = duplicates + $6,
                  rejected = rejected + $7, cancels = cancels + $8, updated_at = $9, leased_until = $10
            WHERE tenant = $1 AND import_id = $2 AND progress = $3 AND state = 'processing'""",
        job.tenant, job.import_id, start, counts.drafts, counts.accepted, counts.duplicates, counts.rejected,
        counts.cancels, tx.now, leased_until,
    )  # fmt: skip
    return done == "UPDATE 1"


async def finish(tx: Any, job: ImportJob, state: str) -> None:
    """End an import and delete its file, which holds personal data."""
    await tx.execute(
        "UPDATE import_job SET state = $3, updated_at = $4 WHERE tenant = $1 AND import_id = $2",
        job.tenant, job.import_id, state, tx.now,
    )  # fmt: skip
    await tx.execute("DELETE FROM import_file WHERE tenant = $1 AND import_id = $2", job.tenant, job.import_id)


async def find_job(tx: Any, tenant: str, import_id: str) -> ImportJob | None:
    """Return an import of a tenant."""
    row = await tx.fetchrow("SELECT * FROM import_job WHERE tenant = $1 AND import_id = $2", tenant, import_id)
    return _job(row) if row else None


async def load_errors(tx: Any, tenant: str, import_id: str, limit: int) -> list[dict[str, Any]]:
    """Return what was wrong, in row order."""
    rows = await tx.fetch(
        """SELECT row, order_id, code, field, detail, fix FROM import_error
            WHERE tenant = $1 AND import_id = $2 ORDER BY row, seq LIMIT $3""",
        tenant, import_id, limit,
    )  # fmt: skip
    return [dict(row) for row in rows]
