"""Courses of lanes, what stands on them, and incidents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from linkstar_contracts.events import ExceptionState
from linkstar_runtime.handling import Transaction
from linkstar_tracker.domain.incidents import Incident, LaneKey
from linkstar_tracker.domain.lane_looks import Standing
from linkstar_tracker.store.rows import Row, columns

__all__ = [
    "StoredCourse", "incidents_at", "incidents_of", "incidents_state", "lane_courses", "recent_incidents", "save_courses",
    "save_incidents", "standing_parcels",
]  # fmt: skip

_UNDER_WAY = ["accepted", "in_transit", "out_for_delivery", "attempt_failed", "held"]
_LONGEST = timedelta(days=14)
_COLUMNS = 12


class StoredCourse(NamedTuple):
    """A lane's course as JSON text, and when it was looked at last."""

    document: str
    looked_at: datetime


async def lane_courses(tx: Transaction, shards: Sequence[int]) -> dict[LaneKey, StoredCourse]:
    """Return the courses of these shards' lanes."""
    rows = await tx.fetch(
        "SELECT tenant, lane, document, looked_at FROM lane_course WHERE shard = ANY($1::int[])", list(shards)
    )
    return {(row["tenant"], row["lane"]): StoredCourse(row["document"], row["looked_at"]) for row in rows}


async def save_courses(tx: Transaction, courses: Iterable[tuple[int, LaneKey, str]]) -> None:
    """Store lanes' courses as of now."""
    flat = sorted((tenant, lane, shard, document) for shard, (tenant, lane), document in courses)
    await tx.execute(
        "INSERT INTO lane_course (tenant, lane, shard, document, looked_at) SELECT u.*, $5 "
        "FROM unnest($1::text[], $2::text[], $3::int[], $4::text[]) u ON CONFLICT (tenant, lane) DO UPDATE "
        "SET shard = EXCLUDED.shard, document = EXCLUDED.document, looked_at = EXCLUDED.looked_at",
        *columns(flat, 4), tx.now,
    )  # fmt: skip


async def standing_parcels(tx: Transaction, shards: Sequence[int]) -> list[Standing]:
    """Return how the parcels under way of these shards stand, and how many of them no scan has told of since their lane was
    looked at.
    """
    rows = await tx.fetch(
        "SELECT t.tenant, t.lane, t.status, coalesce(t.spot, '') AS spot, "
        "date_bin('1 hour', t.last_scan_at, '2000-01-01Z') AS since, count(*)::int AS under_way, "
        "(count(*) FILTER (WHERE t.heard_at <= c.looked_at))::int AS stayed FROM tracker t "
        "LEFT JOIN lane_course c ON c.tenant = t.tenant AND c.lane = split_part(t.lane, '|', 1) "
        "WHERE t.shard = ANY($1::int[]) AND t.look_at IS NOT NULL AND t.lane IS NOT NULL AND t.heard_at IS NOT NULL "
        "AND t.last_scan_at > $2 AND t.status = ANY($3::text[]) GROUP BY 1, 2, 3, 4, 5",
        list(shards), tx.now - _LONGEST, _UNDER_WAY,
    )  # fmt: skip
    return [Standing(*row) for row in rows]


async def save_incidents(tx: Transaction, incidents: Iterable[Incident]) -> None:
    """Store incidents in their newest state."""
    flat = sorted(
        (
            i.tenant, i.incident_id, i.lane, i.spot, i.busy, i.expected, i.seen, i.parcels, i.state.value, i.version,
            i.opened_at, i.changed_at,
        )
        for i in incidents
    )  # fmt: skip
    await tx.execute(
        "INSERT INTO incident (tenant, incident_id, lane, spot, busy, expected, seen, parcels, state, version, opened_at, "
        "changed_at) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bool[], $6::int[], $7::int[], "
        "$8::int[], $9::text[], $10::int[], $11::timestamptz[], $12::timestamptz[]) ON CONFLICT (tenant, incident_id) "
        "DO UPDATE SET expected = EXCLUDED.expected, seen = EXCLUDED.seen, parcels = EXCLUDED.parcels, "
        "state = EXCLUDED.state, version = EXCLUDED.version, changed_at = EXCLUDED.changed_at",
        *columns(flat, _COLUMNS),
    )  # fmt: skip


async def incidents_at(tx: Transaction, lane: LaneKey, spot: str) -> list[Incident]:
    """Return all incidents of a place or lane, the oldest first."""
    rows = await tx.fetch(
        "SELECT * FROM incident WHERE tenant = $1 AND lane = $2 AND spot = $3 ORDER BY opened_at, incident_id",
        *lane, spot,
    )  # fmt: skip
    return [_incident(row) for row in rows]


async def incidents_of(tx: Transaction, tenant: str, state: str, limit: int) -> list[Incident]:
    """Return a tenant's incidents in a state, the newest first; in any where the state is empty."""
    rows = await tx.fetch(
        "SELECT * FROM incident WHERE tenant = $1 AND ($2 = '' OR state = $2) ORDER BY opened_at DESC, incident_id LIMIT $3",
        tenant, state, limit,
    )  # fmt: skip
    return [_incident(row) for row in rows]


async def incidents_state(tx: Transaction) -> tuple[int, int]:
    """Return how many incidents there are and the sum of their versions: any change changes it."""
    row = await tx.fetchrow("SELECT count(*)::int, coalesce(sum(version), 0)::int FROM incident")
    return tuple(row) if row else (0, 0)


async def recent_incidents(tx: Transaction) -> list[Incident]:
    """Return the incidents that are open or ended within two weeks."""
    rows = await tx.fetch(
        "SELECT * FROM incident WHERE state <> 'resolved' OR changed_at > $1 ORDER BY tenant, lane, opened_at",
        tx.now - _LONGEST,
    )  # fmt: skip
    return [_incident(row) for row in rows]


def _incident(row: Row) -> Incident:
    return Incident(
        row["tenant"], row["incident_id"], row["lane"], row["spot"], row["busy"], row["expected"], row["seen"],
        row["parcels"], ExceptionState(row["state"]), row["version"], row["opened_at"], row["changed_at"],
    )  # fmt: skip
