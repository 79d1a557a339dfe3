"""`/v1/pickups`: drivers asked to come."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from linkstar_contracts.text import SafeStr, Token
from linkstar_labeler.api.commands import answered_once
from linkstar_labeler.api.days import CalendarDay, ClockTime
from linkstar_labeler.domain.pickups import PickupKey, PickupState
from linkstar_labeler.handlers import Connectors
from linkstar_labeler.handlers.pickup_orders import PickupOrder, PickupRefused, book
from linkstar_labeler.store import pickups as store
from linkstar_labeler.store.pickups import StoredPickup
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Transaction
from linkstar_runtime.idempotency import IDEMPOTENCY_KEY
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext

__all__ = ["routes"]

PickupId = Annotated[str, Path(pattern=r"^P[0-9]{7,12}$")]


class NewPickup(BaseModel):
    """A driver to be sent on a day between two times of the warehouse. What is left out is taken from the labels that are on
    the day's manifests or wait for one.
    """

    model_config = ConfigDict(extra="forbid")

    warehouse: Token
    carrier: Token
    account: Token | None = None
    day: CalendarDay
    ready: ClockTime
    closes: ClockTime
    timezone: Annotated[str, Field(max_length=64)] | None = None
    parcels: Annotated[int, Field(ge=1, le=100_000)] | None = None
    weight_g: Annotated[int, Field(ge=1, le=100_000_000)] | None = None


class PickupQuery(BaseModel):
    """Which pickups, the newest first; `before` continues below a number."""

    model_config = ConfigDict(extra="forbid")

    day: CalendarDay | None = None
    state: PickupState | None = None
    before: Annotated[str, Field(pattern=r"^P[0-9]{7,12}$")] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class CarriersAnswer(BaseModel):
    """What the carrier told somebody of a pickup whose booking had no answer: its confirmation, or null for none."""

    model_config = ConfigDict(extra="forbid")

    confirmation: Annotated[str, SafeStr(64, 1)] | None


class PickupDescription(BaseModel):
    """One pickup. `requested` until the carrier was asked; `unknown`: a driver may come, somebody must ask the carrier."""

    pickup_id: str
    warehouse: str
    carrier: str
    account: str
    day: date
    timezone: str
    ready_at: datetime
    closes_at: datetime
    parcels: int
    weight_g: int
    state: PickupState
    confirmation: str
    code: str
    detail: str
    created_at: datetime
    changed_at: datetime
    key_id: str

    @classmethod
    def of(cls, stored: StoredPickup) -> PickupDescription:
        """Describe a stored pickup."""
        own = stored.pickup
        return cls(
            pickup_id=own.key.pickup_id, warehouse=own.warehouse, carrier=own.carrier, account=stored.account.account,
            day=own.day, timezone=stored.timezone, ready_at=own.ready_at, closes_at=own.closes_at, parcels=own.parcels,
            weight_g=own.weight_g, state=own.state, confirmation=own.confirmation, code=own.code, detail=own.detail,
            created_at=stored.created_at, changed_at=stored.changed_at, key_id=stored.key_id,
        )  # fmt: skip


def routes(context: ServiceContext, connectors: Connectors) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    reader = Depends(context.authorize("labels:read"))
    writer = Depends(context.authorize("labels:write"))

    @router.post("/pickups", status_code=201, openapi_extra={"parameters": [IDEMPOTENCY_KEY]})
    async def request_pickup(request: Request, body: NewPickup, principal: Principal = writer) -> Response:
        """Ask the carrier for a driver: `requested` at once, `booked` when the carrier has confirmed."""
        given = body.model_dump() | {"ready": time.fromisoformat(body.ready), "closes": time.fromisoformat(body.closes)}
        order = PickupOrder(principal.tenant, **given, key_id=principal.key_id)

        async def work(tx: Transaction, _key: str) -> dict[str, Any]:
            try:
                key = await book(tx, connectors, order, context.clock.wall())
            except PickupRefused as refused:
                status = 409 if refused.code == "pickup_exists" else 422
                raise Problem(status, refused.code, refused.title, field=refused.field, fix=refused.fix) from refused
            return PickupDescription.of(_known(await store.find_pickup(tx, key))).model_dump(mode="json")

        return await answered_once(context, request, principal.tenant, work, 201)

    @router.get("/pickups")
    async def pickups(query: Annotated[PickupQuery, Query()], principal: Principal = reader) -> dict[str, Any]:
        """The tenant's pickups. `next` continues where the page ends."""
        async with context.database.transaction() as tx:
            found = await store.find_pickups(
                tx, principal.tenant, query.day, query.state, query.before, query.limit + 1
            )
        shown = [PickupDescription.of(each) for each in found[: query.limit]]
        return {"pickups": shown, "next": shown[-1].pickup_id if len(found) > query.limit else None}

    @router.get("/pickups/{pickup_id}")
    async def pickup(pickup_id: PickupId, principal: Principal = reader) -> PickupDescription:
        """One pickup."""
        async with context.database.transaction() as tx:
            return PickupDescription.of(_known(await store.find_pickup(tx, PickupKey(principal.tenant, pickup_id))))

    @router.delete("/pickups/{pickup_id}")
    async def cancel(
        pickup_id: PickupId, told_carrier: bool = False, principal: Principal = writer
    ) -> PickupDescription:
        """Cancel a pickup. One that is, or may be, booked must be cancelled with the carrier first: `told_carrier` says that
        it was. Repeating it changes nothing.
        """
        async with context.database.transaction() as tx:
            stored = _known(await store.lock_pickup(tx, PickupKey(principal.tenant, pickup_id)))
            if refusal := stored.pickup.cancel(told_carrier):
                raise _not_cancelled(refusal, stored)
            await store.save_pickup(tx, stored.pickup)
            return PickupDescription.of(stored)

    @router.post("/pickups/{pickup_id}/answer")
    async def answer(pickup_id: PickupId, body: CarriersAnswer, principal: Principal = writer) -> PickupDescription:
        """End a pickup that is `unknown` by what the carrier told somebody."""
        async with context.database.transaction() as tx:
            stored = _known(await store.lock_pickup(tx, PickupKey(principal.tenant, pickup_id)))
            if not stored.pickup.answer(body.confirmation):
                raise Problem(409, "pickup_not_unknown", f"The pickup is {stored.pickup.state}", fix="Look at it.")
            await store.save_pickup(tx, stored.pickup)
            return PickupDescription.of(stored)

    return router


def _known(stored: StoredPickup | None) -> StoredPickup:
    if stored is None:
        raise Problem(404, "pickup_unknown", "There is no such pickup", fix="List them at /v1/pickups.")
    return stored


def _not_cancelled(code: str, stored: StoredPickup) -> Problem:
    if code == "pickup_refused":
        return Problem(409, code, "The carrier refused this pickup", fix="Nothing is booked; book another.")
    if code == "pickup_under_way":
        return Problem(409, code, "The carrier is being asked", fix="Wait for its answer.")
    confirmation = f" (confirmation {stored.pickup.confirmation})" if stored.pickup.confirmation else ""
    return Problem(
        409, code, f"A driver of {stored.pickup.carrier} may come{confirmation}",
        fix="Cancel it with the carrier, then repeat this with told_carrier=true.",
    )  # fmt: skip
