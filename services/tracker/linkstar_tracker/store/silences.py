"""Silences counted by shard, week, lane and length."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from linkstar_runtime.handling import Transaction
from linkstar_tracker.domain.lessons import Lesson
from linkstar_tracker.domain.silences import Learned
from linkstar_tracker.store.rows import columns

__all__ = ["count_silences", "drop_silences", "first_week", "learned_silences"]

_KEPT_WEEKS = 13
_FADE_PER_DAY = 0.96


async def count_silences(tx: Transaction, lessons: Sequence[tuple[int, Lesson]]) -> None:
    """Add the lessons of shards, at most one for each lane and length, to this week's counts."""
    flat = [(shard, *lesson) for shard, lesson in lessons]
    await tx.execute(
        "INSERT INTO silence AS s SELECT u.shard, $7, u.lane, u.step, u.ended, u.arrived, u.lost FROM unnest($1::int[], "
        "$2::text[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[]) u(shard, lane, step, ended, arrived, lost) "
        "ON CONFLICT (shard, week, lane, step) DO UPDATE SET ended = s.ended + EXCLUDED.ended, "
        "arrived = s.arrived + EXCLUDED.arrived, lost = s.lost + EXCLUDED.lost",
        *columns(flat, 6), _week(tx),
    )  # fmt: skip


async def learned_silences(tx: Transaction) -> list[Learned]:
    """Return the counts of all shards, faded by 4 % per day of age."""
    rows = await tx.fetch(
        "SELECT lane, step, sum(ended * fade) AS ended, sum(arrived * fade) AS arrived, sum(lost * fade) AS lost "
        "FROM (SELECT *, power($2::float8, ($1::date - week)::float8) AS fade FROM silence "
        "WHERE week > $1::date - $3::int) s "
        "GROUP BY lane, step",
        _week(tx), _FADE_PER_DAY, _KEPT_WEEKS * 7,
    )  # fmt: skip
    return [Learned(*row) for row in rows]


async def first_week(tx: Transaction) -> date | None:
    """Return the first day of the first week that silences are known of."""
    found: date | None = await tx.fetchval("SELECT min(week) FROM silence")
    return found


async def drop_silences(tx: Transaction, shards: Sequence[int]) -> None:
    """Forget what these shards counted too long ago."""
    await tx.execute(
        "DELETE FROM silence WHERE shard = ANY($1::int[]) AND week <= $2::date - $3::int",
        list(shards), _week(tx), _KEPT_WEEKS * 7,
    )  # fmt: skip


def _week(tx: Transaction) -> date:
    """Return this week's Monday in UTC."""
    today = tx.now.date()
    return today - timedelta(days=today.weekday())
