"""`GET /v1/quality`: how carriers did on a seller's lanes."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from linkstar_contracts.text import Token
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext
from linkstar_tracker import store
from linkstar_tracker.domain.quality import gap_curves, quality_document

__all__ = ["routes"]

_EARLIEST = date(2000, 1, 3)
_USUAL, _LONGEST = timedelta(weeks=4), timedelta(weeks=53)
_Lane = Annotated[str, Query(pattern=r"^[A-Z]{0,2}-[A-Z]{2}$")]


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.get("/quality")
    async def quality(
        carrier: Token | None = None,
        lane: _Lane | None = None,
        since: Annotated[date | None, Query(alias="from")] = None,
        until: Annotated[date | None, Query(alias="to")] = None,
        principal: Principal = Depends(context.authorize("tracking:read")),
    ) -> dict[str, Any]:
        """Return freshness of scans, and what became of the caller's parcels, by carrier and countries, for whole weeks."""
        first, last = _period(since, until or context.clock.now().date())
        async with context.database.transaction() as tx:
            counts = await store.lane_counts(tx, principal.tenant, first, last)
            gaps = await store.lane_gaps(tx, first, last)
            ages = await store.lane_ages(tx, principal.tenant)
        lanes = quality_document(counts, await asyncio.to_thread(gap_curves, gaps), ages)
        wanted = [each for each in lanes if carrier in (None, each["carrier"]) and lane in (None, each["lane"])]
        return {"from": first.isoformat(), "to": last.isoformat(), "lanes": wanted}

    return router


def _period(since: date | None, last: date) -> tuple[date, date]:
    first = since or max(last, _EARLIEST + _USUAL) - _USUAL
    if first < _EARLIEST or not timedelta() <= last - first <= _LONGEST:
        raise Problem(
            422, "period_invalid", "These days are no period of at most 53 weeks", field="from",
            fix="Send from and to as dates, the earlier first.",
        )  # fmt: skip
    return first, last
