"""`/v1/evidence-cases` and a shipment's case: how long its papers are kept readable, and what may still be claimed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from linkstar_contracts.event import Event
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Transaction
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext
from linkstar_tracker import store
from linkstar_tracker.api.papers import locked_shipment, unknown_shipment
from linkstar_tracker.domain.cases import CaseOpening, keep_until
from linkstar_tracker.domain.documents import case_document, claims_document
from linkstar_tracker.domain.shipment import Rules
from linkstar_tracker.jobs import close_cases

__all__ = ["routes"]

MOST_DAYS = 730


class CaseWish(BaseModel):
    """For how many days from now on the case is wanted at least; a court may want it longer than a claim does."""

    model_config = ConfigDict(extra="forbid")

    keep_days: Annotated[int, Field(ge=1, le=MOST_DAYS)] | None = None


def routes(context: ServiceContext, rules: Rules) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.get("/evidence-cases")
    async def list_cases(
        after: Annotated[str, Query(max_length=80)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        principal: Principal = Depends(context.authorize("evidence:read")),
    ) -> dict[str, Any]:
        """List open cases by shipment."""
        async with context.database.transaction() as tx:
            page = await store.read_cases(tx, principal.tenant, after, limit)
        return {
            "cases": [case_document(case) for case in page],
            "next": page[-1].shipment_id if len(page) == limit else None,
        }

    @router.get("/trackers/{shipment_id}/case")
    async def show_case(
        shipment_id: str, principal: Principal = Depends(context.authorize("evidence:read"))
    ) -> dict[str, Any]:
        """Return a shipment's newest case, and what the carrier's terms say of claims."""
        async with context.database.transaction() as tx:
            shipment = await store.read_shipment(tx, principal.tenant, shipment_id)
            case = await store.case_of(tx, principal.tenant, shipment_id)
        if shipment is None:
            raise unknown_shipment()
        return {"case": case_document(case) if case else None, "claims": claims_document(shipment, rules)}

    @router.post("/trackers/{shipment_id}/case")
    async def open_case(
        shipment_id: str, wish: CaseWish, principal: Principal = Depends(context.authorize("evidence:write"))
    ) -> dict[str, Any]:
        """Open a shipment's case, or keep the open one for longer; never for shorter."""
        async with context.database.transaction() as tx:
            shipment = await locked_shipment(tx, principal.tenant, shipment_id)
            until = tx.now + timedelta(days=wish.keep_days) if wish.keep_days else keep_until(shipment.label, tx.now)
            await store.open_cases(tx, [CaseOpening(principal.tenant, shipment_id, shipment.shard, "command", until)])
            case = await store.case_of(tx, principal.tenant, shipment_id)
        assert case is not None  # noqa: S101 - it has just been opened
        return case_document(case)

    @router.post("/trackers/{shipment_id}/case/close")
    async def close_case(
        shipment_id: str, principal: Principal = Depends(context.authorize("evidence:write"))
    ) -> dict[str, Any]:
        """Close a shipment's case: its key and papers are destroyed, and the chain says so. It cannot be undone."""
        closed: list[int] = []

        async def close(tx: Transaction) -> Sequence[Event]:
            await locked_shipment(tx, principal.tenant, shipment_id)
            closed[:] = await close_cases(tx, [(principal.tenant, shipment_id)], "command")
            return ()

        await context.writer.run(close)
        if not closed:
            raise Problem(409, "case_not_open", "The shipment has no open case", fix="There is nothing to close.")
        return {"shipment_id": shipment_id, "case": closed[0], "state": "closed"}

    return router
