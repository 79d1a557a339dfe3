"""`/v1/orders/{order_id}/change` and `/cancel`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from linkstar_contracts.events import OrderCancelRequested, OrderChangeRequested
from linkstar_ingest.api.bodies import json_body, refused
from linkstar_ingest.api.orders import Judgement
from linkstar_ingest.channels.json_orders import read_event
from linkstar_ingest.domain.faults import Fault
from linkstar_ingest.domain.lifecycle import Outcome
from linkstar_ingest.handlers import Intake
from linkstar_ingest.store import orders as order_store
from linkstar_runtime import ServiceContext
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.problems import Problem

__all__ = ["routes"]

_REFUSALS = {
    Outcome.TOO_LATE: Fault("change_too_late", "order_id", "the carrier has the parcel already",
                            "intercept the parcel with the carrier, or open a return after delivery"),
    Outcome.SUPERSEDED: Fault("order_cancelled", "order_id", "the order is cancelled", "submit a new order"),
    Outcome.REFUSED: Fault("address_undeliverable", "consignee", "nothing can be delivered to this address",
                           "correct state, city and postcode"),
}  # fmt: skip


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes; each request is done once, repetitions get the first answer."""
    router = APIRouter(tags=["orders"])
    intake = Intake(context.vault)

    @router.post("/orders/{order_id}/change")
    async def change_order(
        request: Request, order_id: str, caller: Principal = Depends(context.authorize("orders:write"))
    ) -> JSONResponse:
        """Change consignee, parcels or options of an order that no carrier has yet. `request_id` makes it idempotent."""
        body = await json_body(request)
        head = {"order_id": order_id, "version": 1}
        return await answer(OrderChangeRequested, body, caller.tenant, head)

    @router.post("/orders/{order_id}/cancel")
    async def cancel_order(
        request: Request, order_id: str, caller: Principal = Depends(context.authorize("orders:write"))
    ) -> JSONResponse:
        """Cancel an order that no carrier has yet; an optional body gives the `reason`."""
        body = await json_body(request) if await request.body() else {}
        return await answer(OrderCancelRequested, body, caller.tenant, {"order_id": order_id})

    async def answer(
        kind: type[OrderChangeRequested] | type[OrderCancelRequested], body: Any, tenant: str, head: dict[str, Any]
    ) -> JSONResponse:
        event = read_event(kind, body, tenant, context.clock.now(), **head)
        if isinstance(event, list):
            raise refused(event)
        async with context.database.transaction() as tx:
            if await order_store.find_order(tx, tenant, event.order_id) is None:
                raise Problem(404, "order_unknown", "There is no such order", fix="Check the order id.")
        judgement = Judgement(intake)
        await context.writer.submit(judgement.handle, [event])
        verdict = judgement.verdicts[0]
        outcome = verdict.outcome
        if verdict.fault is not None:
            raise refused([verdict.fault])
        repeated_cancel = isinstance(event, OrderCancelRequested) and outcome is Outcome.SUPERSEDED
        if outcome in _REFUSALS and not repeated_cancel:
            raise refused([_REFUSALS[outcome]])
        told = {"order_id": event.order_id, "status": verdict.status, "outcome": outcome.value if outcome else None}
        return JSONResponse(told)

    return router
