"""`/v1/watch/policy`: what a seller wants watched otherwise."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends

from linkstar_runtime.api_keys import Principal
from linkstar_runtime.service import ServiceContext
from linkstar_tracker import store
from linkstar_tracker.domain.policies import SellerPolicy

__all__ = ["routes"]

_WEEKS = 5


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.get("/watch/policy")
    async def show(caller: Principal = Depends(context.authorize("tracking:read"))) -> dict[str, Any]:
        """Tell which limits of silence and which budget of alerts are the caller's own, and how many alerts there were.

        Version 0 is none.
        """
        async with context.database.transaction() as tx:
            found = await store.policy_of(tx, caller.tenant)
            since, parcels, alerts = await store.watched_since(tx, caller.tenant, _WEEKS)
        policy = SellerPolicy.model_validate_json(found.document) if found else SellerPolicy()
        counted = {"since": since.isoformat(), "parcels": parcels, "alerts": alerts,
                   "alerts_per_1000": round(alerts * 1000 / parcels, 1) if parcels else None}  # fmt: skip
        return _told(policy, found.version if found else 0) | {"counted": counted}

    @router.put("/watch/policy")
    async def replace(
        policy: SellerPolicy, caller: Principal = Depends(context.authorize("tracking:write"))
    ) -> dict[str, Any]:
        """Put own limits and a budget in force, for parcels under way too; an empty document takes them back."""
        async with context.database.transaction() as tx:
            version = await store.put_policy(tx, caller.tenant, policy.model_dump_json())
        return _told(policy, version)

    return router


def _told(policy: SellerPolicy, version: int) -> dict[str, Any]:
    return policy.model_dump(mode="json") | {"version": version}
