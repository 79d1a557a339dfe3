"""`/v1/hand-overs`: until when a warehouse's labels go out on the same day, and whether the day closes by itself."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from linkstar_labeler.api.days import CalendarDay, ClockTime
from linkstar_labeler.domain.hand_overs import HandOver, collections_of, zone_of
from linkstar_labeler.store.hand_overs import HandOverPlan, hand_over_plans, save_hand_over_plan
from linkstar_labeler.store.unmanifested import warehouse_zone
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext

__all__ = ["routes"]

Named = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class HandOverTerms(BaseModel):
    """A seller's agreement with a carrier at a warehouse. Without a cut-off it is the carrier's usual one, without a time
    zone that of the warehouse's earlier manifests.
    """

    model_config = ConfigDict(extra="forbid")

    cut_off: ClockTime | None = None
    timezone: Annotated[str, Field(max_length=64)] | None = None
    closed_on: Annotated[list[CalendarDay], Field(max_length=100)] = []
    closes_itself: bool = False


class HandOverDescription(BaseModel):
    """An agreement as it stands. `close_at` is when the day closes by itself next."""

    warehouse: str
    carrier: str
    timezone: str
    cut_off: str
    closed_on: tuple[date, ...]
    closes_itself: bool
    close_at: datetime | None

    @classmethod
    def of(cls, plan: HandOverPlan) -> HandOverDescription:
        """Describe a plan."""
        return cls(
            warehouse=plan.warehouse, carrier=plan.carrier, timezone=plan.timezone, cut_off=f"{plan.cut_off:%H:%M}",
            closed_on=plan.closed_on, closes_itself=plan.close_at is not None, close_at=plan.close_at,
        )  # fmt: skip


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    reader = Depends(context.authorize("labels:read"))
    writer = Depends(context.authorize("labels:write"))

    @router.get("/hand-overs")
    async def agreements(principal: Principal = reader) -> dict[str, list[HandOverDescription]]:
        """The tenant's agreements; all other days are the carriers' usual ones."""
        async with context.database.transaction() as tx:
            found = await hand_over_plans(tx, principal.tenant)
        return {"hand_overs": [HandOverDescription.of(plan) for plan in found]}

    @router.put("/hand-overs/{warehouse}/{carrier}")
    async def agree(
        warehouse: Named, carrier: Named, body: HandOverTerms, principal: Principal = writer
    ) -> HandOverDescription:
        """Set cut-off and days without a collection, and whether the day closes by itself after its cut-off."""
        usual = collections_of(carrier)
        async with context.database.transaction() as tx:
            zone = _known_zone(body.timezone or await warehouse_zone(tx, principal.tenant, warehouse))
            cut_off = time.fromisoformat(body.cut_off) if body.cut_off else usual.cut_off
            hand_over = HandOver(usual, zone_of(zone), cut_off, frozenset(body.closed_on))
            close_at = hand_over.next_cut_off(tx.now) if body.closes_itself else None
            closed_on = tuple(sorted(hand_over.closed_on))
            plan = HandOverPlan(principal.tenant, warehouse, carrier, zone, cut_off, closed_on, close_at)
            await save_hand_over_plan(tx, plan, principal.key_id)
        return HandOverDescription.of(plan)

    return router


def _known_zone(named: str | None) -> str:
    """Return the name of a time zone that exists; refuses anything else."""
    try:
        return zone_of(named or "").key
    except ValueError as error:
        code, title = ("timezone_unknown", "is no time zone") if named else ("timezone_missing", "is not known yet")
        raise Problem(
            422, code, f"The warehouse's time zone {title}", field="timezone",
            fix="Name an IANA time zone such as America/New_York.",
        ) from error  # fmt: skip
