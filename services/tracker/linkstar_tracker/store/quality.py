"""Counts of what became of parcels by shard, week, tenant and lane; scan gaps by lane; ages of last scans."""

# ruff: noqa: S608 - the only parts put together are constant column lists

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from linkstar_performance.rates import Tallies
from linkstar_runtime.handling import Transaction
from linkstar_tracker.domain.lessons import ARRIVAL
from linkstar_tracker.domain.outcomes import LaneTally
from linkstar_tracker.domain.quality import ARRIVALS, GAPS, LaneAge, LaneCounts
from linkstar_tracker.store.rows import columns

__all__ = ["count_outcomes", "drop_outcomes", "lane_ages", "lane_counts", "lane_gaps"]

_KEPT_WEEKS = 53
_SAMPLED_PAGES = 5_000
_MOST_SAMPLED = 20_000
_NAMES = Tallies._fields
_SUMS = ", ".join(f"sum({name})::bigint" for name in _NAMES)
_LABEL = "concat(label::jsonb ->> 'carrier', ' ', label::jsonb ->> 'origin', '-', label::jsonb ->> 'country')"
_AGES = (
    "SELECT lane, count(*)::int, percentile_cont(0.5) WITHIN GROUP (ORDER BY age), percentile_cont(0.95) WITHIN GROUP "
    "(ORDER BY age) FROM (SELECT {label} AS lane, extract(epoch FROM $1 - last_scan_at)::float8 / 3600 AS age "
    "FROM {rows}) s GROUP BY lane ORDER BY lane"
)
_OPEN = "watch_due_at IS NOT NULL AND last_scan_at IS NOT NULL AND label IS NOT NULL"


async def count_outcomes(tx: Transaction, tallies: Sequence[LaneTally]) -> None:
    """Add counts, at most one for each shard, tenant and lane, to this week's."""
    flat = [(each.shard, each.tenant, each.lane, *each.tallies) for each in tallies]
    width = 3 + len(_NAMES)
    arrays = ", ".join(
        ["$1::int[]", "$2::text[]", "$3::text[]", *(f"${place}::bigint[]" for place in range(4, width + 1))]
    )
    names = ", ".join(_NAMES)
    sums = ", ".join(f"{name} = o.{name} + EXCLUDED.{name}" for name in _NAMES)
    await tx.execute(
        f"INSERT INTO lane_outcome AS o (shard, tenant, lane, {names}, week) "
        f"SELECT u.*, ${width + 1} FROM unnest({arrays}) u ON CONFLICT (shard, week, tenant, lane) DO UPDATE SET {sums}",
        *columns(flat, width), _monday(tx.now.date()),
    )  # fmt: skip


async def lane_counts(tx: Transaction, tenant: str | None, since: date, until: date) -> list[LaneCounts]:
    """Return the counts of a tenant's lanes, or of everybody's, for the weeks that these days lie in."""
    rows = await tx.fetch(
        f"SELECT split_part(lane, '|', 1) AS name, {_SUMS} FROM lane_outcome WHERE week BETWEEN $1 AND $2 "
        "AND tenant = COALESCE($3, tenant) GROUP BY name ORDER BY name",
        _monday(since), until, tenant,
    )  # fmt: skip
    return [LaneCounts(row[0], Tallies(*list(row)[1:])) for row in rows]


async def lane_gaps(tx: Transaction, since: date, until: date) -> list[tuple[str, str, int, float]]:
    """Return how many silences and ways of each length ended: kind, lane, length and count. They are everybody's."""
    rows = await tx.fetch(
        "SELECT CASE WHEN split_part(lane, '|', 1) = $3 THEN $4 ELSE $5 END AS kind, split_part(lane, '|', 2) AS name, "
        "step, sum(ended)::float8 AS ended FROM silence WHERE week BETWEEN $1 AND $2 GROUP BY kind, name, step",
        _monday(since), until, ARRIVAL, ARRIVALS, GAPS,
    )  # fmt: skip
    return [(row["kind"], row["name"], row["step"], row["ended"]) for row in rows if row["ended"] > 0]


async def lane_ages(tx: Transaction, tenant: str | None) -> list[LaneAge]:
    """Return how old the last scans of open parcels are: of a tenant's first 20,000, or of a bounded sample of all."""
    if tenant is None:
        pages = await tx.fetchval("SELECT pg_relation_size('tracker') / current_setting('block_size')::int")
        share = min(100.0, 100.0 * _SAMPLED_PAGES / max(pages, 1))
        rows = await tx.fetch(
            _AGES.format(label=_LABEL, rows=f"tracker TABLESAMPLE SYSTEM ($2) WHERE {_OPEN}"), tx.now, share
        )
    else:
        own = f"(SELECT label, last_scan_at FROM tracker WHERE tenant = $2 AND {_OPEN} LIMIT {_MOST_SAMPLED}) t"
        rows = await tx.fetch(_AGES.format(label=_LABEL, rows=own), tx.now, tenant)
    return [LaneAge(*row) for row in rows]


async def drop_outcomes(tx: Transaction, shards: Sequence[int]) -> None:
    """Forget what these shards counted more than a year ago."""
    await tx.execute(
        "DELETE FROM lane_outcome WHERE shard = ANY($1::int[]) AND week <= $2",
        list(shards), _monday(tx.now.date()) - timedelta(weeks=_KEPT_WEEKS),
    )  # fmt: skip


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
