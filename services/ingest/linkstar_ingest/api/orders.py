"""`/v1/orders`: submit one order or a batch, and look at an order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from linkstar_contracts.events import ExceptionRaised, OrderReceived, OrderSubmitted, TrackingStatus
from linkstar_ingest.api.bodies import field_error, json_body, refused
from linkstar_ingest.channels.json_orders import read_event
from linkstar_ingest.domain.faults import Fault
from linkstar_ingest.domain.lifecycle import Order
from linkstar_ingest.handlers import Intake, Verdict, outcomes
from linkstar_ingest.store import orders as order_store
from linkstar_ingest.store import requests as request_store
from linkstar_ingest.store import shipments
from linkstar_runtime import Received, ServiceContext
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Outcome as StageOutcome
from linkstar_runtime.problems import Problem

__all__ = ["Judgement", "routes"]

MAX_BATCH = 500


@dataclass(slots=True)
class Judgement:
    """Runs the intake as a stage handler and keeps its verdicts for the answer."""

    intake: Intake
    verdicts: Sequence[Verdict] = ()

    async def handle(self, batch: Sequence[Received[Any]], tx: Any) -> list[StageOutcome]:
        self.verdicts = await self.intake.judge(batch, tx)
        return outcomes(self.verdicts)


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes; verdicts are given by the handlers of the stage."""
    router = APIRouter(tags=["orders"])
    intake = Intake(context.vault)

    @router.post("/orders", status_code=201, responses=_REPEATED, openapi_extra=_BODY)
    async def submit_orders(
        request: Request, caller: Principal = Depends(context.authorize("orders:write"))
    ) -> JSONResponse:
        """Submit one order (201 accepted, 200 repeated, 409 other content under its id) or `{"orders": [...]}`."""
        body = await json_body(request)
        if isinstance(body, dict) and body.keys() == {"orders"}:
            return JSONResponse({"results": await _submit_batch(context, intake, caller.tenant, body["orders"])})
        order = read_event(OrderSubmitted, body, caller.tenant, context.clock.now())
        if isinstance(order, list):
            raise refused(order)
        result = (await _submit(context, intake, [order]))[order.order_id]
        if isinstance(result, Fault):
            raise refused([result])
        return JSONResponse(result, 201 if result["status"] == "accepted" else 200)

    @router.get("/orders")
    async def list_orders(
        state: Annotated[Literal["held", "open", "cancelled"] | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str, Query(max_length=200)] = "",
        caller: Principal = Depends(context.authorize("orders:read")),
    ) -> JSONResponse:
        """List orders, newest first; `next` is the cursor of the following page."""
        async with context.database.transaction() as tx:
            found = await order_store.list_orders(tx, caller.tenant, state, _place(cursor), limit)
        following = f"{found[-1][0].isoformat()}~{found[-1][1].order_id}" if len(found) == limit else None
        return JSONResponse({"orders": [_listed(moment, order) for moment, order in found], "next": following})

    @router.get("/orders/{order_id}")
    async def show_order(order_id: str, caller: Principal = Depends(context.authorize("orders:read"))) -> JSONResponse:
        """Show an order: content without personal data, requests, exceptions, label and tracking."""
        async with context.database.transaction() as tx:
            order = await order_store.find_order(tx, caller.tenant, order_id)
            if order is None:
                raise Problem(404, "order_unknown", "There is no such order", fix="Check the order id.")
            return JSONResponse(await _shown(tx, order))

    return router


async def _submit(
    context: ServiceContext, intake: Intake, orders: Sequence[OrderSubmitted]
) -> dict[str, dict[str, Any] | Fault]:
    """Submit orders of distinct ids; return by order id what is told about each."""
    judgement = Judgement(intake)
    await context.writer.submit(judgement.handle, orders)
    return {verdict.received.event.order_id: verdict.fault or _told(verdict) for verdict in judgement.verdicts}


def _told(verdict: Verdict) -> dict[str, Any]:
    told: dict[str, Any] = {"order_id": verdict.received.event.order_id, "status": verdict.status, "errors": []}
    for event in verdict.events:
        if isinstance(event, OrderReceived):
            notices = [notice.model_dump(mode="json", exclude_none=True) for notice in event.notices]
            told |= {"state": "open", "grade": event.destination.grade.value, "notices": notices}
        elif isinstance(event, ExceptionRaised):
            told |= {"state": "held", "grade": "undeliverable", "exception_id": event.exception_id}
    return told


async def _submit_batch(context: ServiceContext, intake: Intake, tenant: str, stated: Any) -> list[dict[str, Any]]:
    """Submit a batch: one bad order never blocks the rest; results stand in the order of the request."""
    if not isinstance(stated, list) or not 1 <= len(stated) <= MAX_BATCH:
        raise refused([Fault("batch_size", "orders", f"is no list of 1 to {MAX_BATCH} orders", "split the batch")])
    now = context.clock.now()

    def read() -> list[OrderSubmitted | list[Fault]]:
        return [read_event(OrderSubmitted, item, tenant, now) for item in stated]

    found = await asyncio.to_thread(read)
    first: dict[str, OrderSubmitted] = {}
    for order in found:
        if isinstance(order, OrderSubmitted):
            first.setdefault(order.order_id, order)
    results = await _submit(context, intake, list(first.values())) if first else {}
    return [_result(item, order, first, results) for item, order in zip(stated, found, strict=True)]


def _result(
    item: Any, order: OrderSubmitted | list[Fault], first: dict[str, OrderSubmitted],
    results: dict[str, dict[str, Any] | Fault],
) -> dict[str, Any]:  # fmt: skip
    if isinstance(order, list):
        named = item.get("order_id") if isinstance(item, dict) else None
        return _rejected(named[:64] if isinstance(named, str) else None, order)
    if first[order.order_id] is not order:
        fault = Fault("order_repeated", "order_id", "stands twice in this batch", "send each order once")
        return _rejected(order.order_id, [fault])
    result = results[order.order_id]
    return _rejected(order.order_id, [result]) if isinstance(result, Fault) else result


def _rejected(order_id: str | None, faults: Sequence[Fault]) -> dict[str, Any]:
    return {"order_id": order_id, "status": "rejected", "errors": [field_error(fault) for fault in faults]}


def _place(cursor: str) -> tuple[datetime, str] | None:
    if not cursor:
        return None
    moment, _, order_id = cursor.partition("~")
    try:
        place = datetime.fromisoformat(moment)
    except ValueError:
        place = None
    if place is None or place.tzinfo is None or not order_id:
        raise refused([Fault("cursor_invalid", "cursor", "is no cursor of this list", "use `next` of an answer")])
    return place, order_id


def _listed(moment: datetime, order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id, "state": order.state.value, "version": order.version,
        "created_at": moment.isoformat(), "problem": order.problem or None,
    }  # fmt: skip


async def _shown(tx: Any, order: Order) -> dict[str, Any]:
    requests = await request_store.load_requests(tx, [order.key])
    exceptions = (await request_store.load_exceptions(tx, [order.key])).get(order.key, {})
    shipment = await shipments.find_shipment(tx, order.tenant, order.order_id)
    content = order.content.model_dump(mode="json", exclude={"consignee"}, exclude_none=True) if order.content else {}
    return {
        "order_id": order.order_id, "state": order.state.value, "version": order.version, **content,
        "problem": order.problem or None,
        "handed_over_at": order.handed_over_at.isoformat() if order.handed_over_at else None,
        "requests": [
            {"kind": request.kind.value, "request_id": request.request_id or None, "outcome": request.outcome.value}
            for request in requests
        ],
        "exceptions": [
            {"exception_id": raised.exception_id, "code": raised.code.value, "state": raised.state.value,
             "detail": raised.detail, "action": raised.action}
            for raised in exceptions.values()
        ],
        "shipment": _shown_shipment(shipment) if shipment else None,
    }  # fmt: skip


def _shown_shipment(row: Any) -> dict[str, Any]:
    return {
        "label": row["label_state"], "carrier": row["carrier"], "service": row["service"],
        "tracking_numbers": list(row["tracking_numbers"]), "status": row["status"] or _unscanned(row),
        "delivered_at": row["delivered_at"].isoformat() if row["delivered_at"] else None,
    }  # fmt: skip


def _unscanned(row: Any) -> str | None:
    """Before the first scan a label is all there is to tell: that tracking is pending follows from it."""
    return TrackingStatus.PENDING.value if row["label_state"] == "created" else None


_REPEATED: dict[int | str, dict[str, Any]] = {200: {"description": "The same order again, or the results of a batch"}}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object", "description": "An OrderSubmitted body without "
                    "tenant, or {\"orders\": [...]} with up to 500 of them."}}},
    }
}  # fmt: skip
