"""How sellers hand parcels over: what differs from the carriers' usual days, and which days close by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from linkstar_labeler.domain.hand_overs import HandOver, collections_of, zone_of
from linkstar_runtime.handling import Transaction

__all__ = ["HandOverPlan", "due_plans", "hand_over_plan", "hand_over_plans", "plan_next_close",
           "save_hand_over_plan"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class HandOverPlan:
    """A seller's own agreement for one warehouse and carrier. With `close_at` the day closes by itself at that instant."""

    tenant: str
    warehouse: str
    carrier: str
    timezone: str
    cut_off: time
    closed_on: tuple[date, ...] = ()
    close_at: datetime | None = None

    @property
    def hand_over(self) -> HandOver:
        """The days and cut-offs it leads to."""
        usual = collections_of(self.carrier)
        return HandOver(usual, zone_of(self.timezone), self.cut_off, frozenset(self.closed_on))


async def save_hand_over_plan(tx: Transaction, plan: HandOverPlan, key_id: str) -> None:
    """Keep a plan, in the place of an earlier one."""
    await tx.execute(
        """INSERT INTO hand_over (tenant, warehouse, carrier, timezone, cut_off, closed_on, close_at, key_id, changed_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           ON CONFLICT (tenant, warehouse, carrier) DO UPDATE SET timezone = EXCLUDED.timezone,
             cut_off = EXCLUDED.cut_off, closed_on = EXCLUDED.closed_on, close_at = EXCLUDED.close_at,
             key_id = EXCLUDED.key_id, changed_at = EXCLUDED.changed_at""",
        plan.tenant, plan.warehouse, plan.carrier, plan.timezone, plan.cut_off, list(plan.closed_on), plan.close_at, key_id,
        tx.now,
    )  # fmt: skip


async def plan_next_close(tx: Transaction, plan: HandOverPlan, close_at: datetime) -> None:
    """Set when a locked plan's day closes next."""
    await tx.execute(
        "UPDATE hand_over SET close_at = $4 WHERE tenant = $1 AND warehouse = $2 AND carrier = $3",
        plan.tenant, plan.warehouse, plan.carrier, close_at,
    )  # fmt: skip


async def hand_over_plan(tx: Transaction, tenant: str, warehouse: str, carrier: str) -> HandOverPlan | None:
    """Return a seller's plan."""
    row = await tx.fetchrow(
        "SELECT * FROM hand_over WHERE tenant = $1 AND warehouse = $2 AND carrier = $3", tenant, warehouse, carrier
    )
    return _plan(row) if row else None


async def hand_over_plans(tx: Transaction, tenant: str) -> list[HandOverPlan]:
    """Return a seller's plans by warehouse and carrier."""
    rows = await tx.fetch("SELECT * FROM hand_over WHERE tenant = $1 ORDER BY warehouse, carrier", tenant)
    return [_plan(row) for row in rows]


async def due_plans(tx: Transaction, limit: int) -> Sequence[HandOverPlan]:
    """Lock plans whose cut-off has passed and that nobody else has in hand."""
    rows = await tx.fetch(
        "SELECT * FROM hand_over WHERE close_at <= $1 ORDER BY close_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED",
        tx.now, limit,
    )  # fmt: skip
    return [_plan(row) for row in rows]


def _plan(row: Any) -> HandOverPlan:
    return HandOverPlan(
        row["tenant"], row["warehouse"], row["carrier"], row["timezone"], row["cut_off"], tuple(row["closed_on"]),
        row["close_at"],
    )  # fmt: skip
