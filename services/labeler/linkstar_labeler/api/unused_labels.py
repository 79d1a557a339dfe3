"""`/v1/unused-labels`: after how many days a seller gives up labels that no carrier has scanned."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from linkstar_labeler.store import unused
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.service import ServiceContext

__all__ = ["routes"]


class UnusedLabels(BaseModel):
    """Days until an unscanned label is voided and refunded; null for never."""

    model_config = ConfigDict(extra="forbid", strict=True)

    after_days: Annotated[int, Field(ge=1, le=365)] | None


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    reader = Depends(context.authorize("labels:read"))
    writer = Depends(context.authorize("labels:write"))

    @router.get("/unused-labels")
    async def show(principal: Principal = reader) -> UnusedLabels:
        """The tenant's days."""
        async with context.database.transaction() as tx:
            found = await unused.unused_policies(tx, [], principal.tenant)
        return UnusedLabels(after_days=found[0].after_days if found else None)

    @router.put("/unused-labels")
    async def change(body: UnusedLabels, principal: Principal = writer) -> UnusedLabels:
        """Set the tenant's days; null keeps labels for ever."""
        async with context.database.transaction() as tx:
            if body.after_days is None:
                await unused.drop_unused_policy(tx, principal.tenant)
            else:
                policy = unused.UnusedPolicy(principal.tenant, body.after_days)
                await unused.set_unused_policy(tx, policy, principal.key_id)
        return body

    return router
