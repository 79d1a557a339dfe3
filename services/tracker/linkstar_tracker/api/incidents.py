"""`/v1/incidents`: places and lanes where the caller's parcels are not scanned any more."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query

from linkstar_runtime.api_keys import Principal
from linkstar_runtime.service import ServiceContext
from linkstar_tracker import store
from linkstar_tracker.domain.documents import incident_document
from linkstar_tracker.domain.vocabulary import Language

__all__ = ["routes"]


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.get("/incidents")
    async def incidents(
        state: Literal["open", "resolved", "any"] = "open",
        lang: Language = "en",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        caller: Principal = Depends(context.authorize("tracking:read")),
    ) -> dict[str, Any]:
        """List outages of places and lanes, the newest first."""
        async with context.database.transaction() as tx:
            found = await store.incidents_of(tx, caller.tenant, "" if state == "any" else state, limit)
        return {"incidents": [incident_document(each, lang) for each in found]}

    return router
