"""`/v1/capacity`: how many parcels a day go to a carrier, a service, a warehouse, and how much of that is used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from linkstar_contracts.event import Event
from linkstar_contracts.text import Token
from linkstar_router.domain.capacity import Pool
from linkstar_router.domain.rules.catalogue import Catalogue
from linkstar_router.domain.rules.faults import spelled_like
from linkstar_router.store import capacity as store
from linkstar_router.store import rule_sets
from linkstar_router.store.termbook import Termbook
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Transaction
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext

__all__ = ["routes"]

_DAYS_SHOWN = 1000


class PoolBody(BaseModel):
    """A cap in parcels per local day of the warehouse. Without service or warehouse it is about all of them."""

    model_config = ConfigDict(extra="forbid")

    carrier: Token
    service: Token | None = None
    warehouse: Token | None = None
    cap: Annotated[int, Field(ge=0, le=10**7)]
    minimum: Annotated[int, Field(ge=0, le=10**7)] = 0
    valid_from: date = date(2000, 1, 1)
    valid_to: date | None = None


def routes(context: ServiceContext, termbook: Termbook, catalogue: Catalogue) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["capacity"])
    reader = Depends(context.authorize("capacity:read"))
    writer = Depends(context.authorize("capacity:write"))

    @router.put("/capacity/{pool}")
    async def put(pool: Token, body: PoolBody, principal: Principal = writer) -> dict[str, Any]:
        """Define a pool, or change it: the cap holds from the next batch on. Held shipments are tried again."""
        defined = _pool(principal.tenant, pool, body, catalogue)

        async def work(tx: Transaction) -> Sequence[Event]:
            await store.put_pool(tx, defined)
            await rule_sets.wake_held(tx, principal.tenant)
            return ()

        await context.writer.run(work)
        termbook.forget()
        return _told(defined)

    @router.delete("/capacity/{pool}", status_code=204)
    async def delete(pool: Token, principal: Principal = writer) -> Response:
        """Remove a pool: nothing is capped by it any more."""
        found: list[bool] = []

        async def work(tx: Transaction) -> Sequence[Event]:
            found.append(await store.remove_pool(tx, principal.tenant, pool))
            await rule_sets.wake_held(tx, principal.tenant)
            return ()

        await context.writer.run(work)
        termbook.forget()
        if not found[-1]:
            raise Problem(404, "pool_unknown", "There is no such pool", fix="See GET /v1/capacity.")
        return Response(status_code=204)

    @router.get("/capacity")
    async def pools(principal: Principal = reader) -> dict[str, Any]:
        """The pools, and what is used of them from yesterday on, by local day of the warehouse."""
        async with context.database.transaction() as tx:
            found = await store.pools_of(tx, [principal.tenant])
            days = await store.days_of(tx, principal.tenant, tx.now.date() - timedelta(days=1), _DAYS_SHOWN)
        used = [{**dict(row), "day": row["day"].isoformat()} for row in days]
        return {"pools": [_told(pool) for pool in found], "days": used}

    return router


def _pool(tenant: str, name: str, body: PoolBody, catalogue: Catalogue) -> Pool:
    target = f"{body.carrier}/{body.service}" if body.service else body.carrier
    if not catalogue.named(target):
        field = "service" if body.service and catalogue.named(body.carrier) else "carrier"
        known = {key.partition("/")[0] for key in catalogue.services} | catalogue.services
        raise Problem(
            422, "service_unknown", f"There is no {target}", field=field, fix=spelled_like(target, known)
        )  # fmt: skip
    if body.minimum > body.cap:
        fix = "Lower the minimum, or raise the cap."
        raise Problem(422, "minimum_above_cap", "The minimum is more than the cap", field="minimum", fix=fix)
    if body.valid_to is not None and body.valid_to < body.valid_from:
        fix = "Swap the two dates."
        raise Problem(422, "dates_reversed", "The pool ends before it begins", field="valid_to", fix=fix)
    return Pool(
        tenant, name, body.carrier, body.service or "", body.warehouse or "", body.cap, body.minimum,
        body.valid_from, body.valid_to,
    )  # fmt: skip


def _told(pool: Pool) -> dict[str, Any]:
    return {
        "pool": pool.pool, "carrier": pool.carrier, "service": pool.service or None,
        "warehouse": pool.warehouse or None, "cap": pool.cap, "minimum": pool.minimum,
        "valid_from": pool.valid_from.isoformat(), "valid_to": pool.valid_to and pool.valid_to.isoformat(),
    }  # fmt: skip
