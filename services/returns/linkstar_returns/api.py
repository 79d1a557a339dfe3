"""HTTP routes of returns: ask for one, look at it, close it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from linkstar_contracts.events import ReturnItem, ReturnRequested, ReturnState
from linkstar_contracts.text import OrderId, Token
from linkstar_returns import store
from linkstar_returns.domain.documents import return_document
from linkstar_returns.domain.return_case import ReturnCase
from linkstar_returns.handlers import Returning, linked
from linkstar_returns.settings import Settings
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Linked, Transaction
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext

__all__ = ["routes"]


ListedState: TypeAlias = Literal[
    "requested", "approved", "rejected", "label_issued", "in_transit", "received", "closed", "expired", "cancelled"
]
"""The states a list can be asked for."""


class ReturnBody(BaseModel):
    """A return asked for. No items means the whole order; the same request_id again changes nothing."""

    model_config = ConfigDict(extra="forbid")

    order_id: OrderId
    request_id: Token
    items: Annotated[list[ReturnItem], Field(max_length=200)] = []
    reason: Token = "unspecified"


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    settings = context.settings
    if not isinstance(settings, Settings):
        raise TypeError("returns need their own settings")
    returning = Returning(settings.returns.policy, settings.returns.max_orders)
    router = APIRouter(prefix="/v1", tags=["returns"])

    @router.post("/returns", status_code=201, responses={200: {"description": "The same request again"}})
    async def post_return(
        body: ReturnBody, principal: Principal = Depends(context.authorize("returns:write"))
    ) -> JSONResponse:
        """Ask for a return: 201 opened (see its state), 200 the same request again, 409 the request id says otherwise."""
        event = ReturnRequested(
            tenant=principal.tenant, order_id=body.order_id, occurred_at=context.clock.now(), request_id=body.request_id,
            items=tuple(body.items), reason=body.reason,
        )  # fmt: skip
        submitted = await context.writer.submit(returning.on_returns_requested, [event])
        async with context.database.transaction() as tx:
            order = await store.read_order(tx, principal.tenant, body.order_id)
        case = order.case_of_request(body.request_id) if order else None
        if case is None:
            raise Problem(503, "return_not_stored", "The return could not be stored", fix="Send the request again.")
        if (case.items, case.reason) != (event.items, event.reason):
            raise Problem(
                409, "request_id_reused", "This request_id stands for another return", field="request_id",
                fix="Use a new request_id for a new return.",
            )  # fmt: skip
        return JSONResponse(return_document(body.order_id, case), 201 if submitted.events else 200)

    @router.get("/returns/{return_id}")
    async def get_return(
        return_id: str, principal: Principal = Depends(context.authorize("returns:read"))
    ) -> dict[str, Any]:
        """Return one return."""
        order_id = return_id.partition("~")[0]
        async with context.database.transaction() as tx:
            order = await store.read_order(tx, principal.tenant, order_id)
        case = order.cases.get(return_id) if order else None
        return return_document(order_id, _found(case))

    @router.get("/returns")
    async def list_returns(
        order_id: OrderId | None = None,
        state: ListedState | None = None,
        after: Annotated[str, Query(max_length=80)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        principal: Principal = Depends(context.authorize("returns:read")),
    ) -> dict[str, Any]:
        """List the tenant's returns by id."""
        async with context.database.transaction() as tx:
            page = await store.list_cases(tx, principal.tenant, order_id, state, after, limit)
        return {
            "returns": [return_document(order, case) for order, case in page],
            "next": page[-1][1].return_id if len(page) == limit else None,
        }

    @router.post("/returns/{return_id}/close")
    async def close_return(
        return_id: str, principal: Principal = Depends(context.authorize("returns:write"))
    ) -> dict[str, Any]:
        """Close a return that has been received; closing it again changes nothing."""
        order_id = return_id.partition("~")[0]
        closed: list[ReturnCase] = []

        async def close(tx: Transaction) -> Sequence[Linked]:
            order = await store.read_order(tx, principal.tenant, order_id, lock=True)
            case = _found(order.cases.get(return_id) if order else None)
            closed[:] = [case]
            if order is None or case.state is not ReturnState.RECEIVED:
                return []
            events = linked(order, order.close(return_id, settings.returns.policy, tx.now))
            await store.save_orders(tx, [order])
            return events

        await context.writer.run(close)
        if closed[0].state is not ReturnState.CLOSED:
            raise Problem(
                409, "return_not_received", "Only a return that has been received can be closed",
                fix="Wait until its state is received.",
            )  # fmt: skip
        return return_document(order_id, closed[0])

    return router


def _found(case: ReturnCase | None) -> ReturnCase:
    if case is None:
        raise Problem(
            404, "return_unknown", "No such return", field="return_id", fix="Use the return_id the request answered."
        )
    return case
