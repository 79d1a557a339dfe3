"""`/v1/trackers/{shipment_id}/actions`: what shall be done about a shipment under way, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from linkstar_contracts.events import ActionState
from linkstar_contracts.text import ShipmentId
from linkstar_contracts.values import Consignee, SealedConsignee
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Outcome, Transaction
from linkstar_runtime.idempotency import IDEMPOTENCY_KEY, StoredAnswer, idempotent_command
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext
from linkstar_tracker.domain.action_documents import ActionEnd, AskedAction, action_document
from linkstar_tracker.domain.actions import NotPossible, Wish
from linkstar_tracker.domain.shipment import Rules, Shipment
from linkstar_tracker.domain.vocabulary import Language
from linkstar_tracker.handlers.actions import ask_action, end_action, lock_shipment
from linkstar_tracker.store.actions import actions_of
from linkstar_tracker.store.automation import firings_of_shipment

__all__ = ["routes"]

ActionId = Annotated[str, Path(pattern=r"^[a-z]{4,16}\.[A-Za-z0-9][A-Za-z0-9._:#~-]{0,99}$")]
_STATUSES = {"shipment_unknown": 404, "action_unknown": 404, "parcel_required": 422, "parcel_unknown": 422}


def routes(context: ServiceContext, rules: Rules) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    reader = Depends(context.authorize("tracking:read"))
    writer = Depends(context.authorize("actions:write"))

    @router.post(
        "/trackers/{shipment_id}/actions", status_code=201, openapi_extra={"parameters": [IDEMPOTENCY_KEY]}
    )  # fmt: skip
    async def ask(
        shipment_id: ShipmentId, body: AskedAction, request: Request, principal: Principal = writer
    ) -> Response:
        """Ask for an action. It is `requested` at once; who carries it out answers later."""
        command = await idempotent_command(request, principal.tenant)
        answers: list[StoredAnswer] = []

        async def work(tx: Transaction) -> Sequence[Outcome]:
            known = await command.replay(tx)
            if known is not None:
                answers.append(known)
                return ()
            shipment = await lock_shipment(tx, principal.tenant, shipment_id)
            wish = await _wish(tx, context, shipment, body)
            action, events = await ask_action(tx, shipment, rules, wish, principal.key_id)
            payload = json.dumps(action_document(action)).encode()
            await command.store(tx, 201, payload)
            answers.append(StoredAnswer(201, payload))
            return events

        try:
            await context.writer.run(work)
        except NotPossible as fault:
            raise _problem(fault) from fault
        return Response(answers[-1].body, answers[-1].status, media_type="application/json")

    @router.get("/trackers/{shipment_id}/actions")
    async def shown(shipment_id: ShipmentId, lang: Language = "en", principal: Principal = reader) -> dict[str, Any]:
        """Return what was asked for about a shipment and how it stands, and which rules fired on what facts."""
        key = principal.tenant, shipment_id
        async with context.database.transaction() as tx:
            known = await actions_of(tx, [key])
            fired = await firings_of_shipment(tx, key)
        return {"actions": [action_document(each, lang) for each in known[key]], "rules_fired": fired}

    @router.post("/trackers/{shipment_id}/actions/{action_id}/end")
    async def end(
        shipment_id: ShipmentId, action_id: ActionId, body: ActionEnd, principal: Principal = writer
    ) -> dict[str, Any]:
        """Tell how an action ended that LinkStar cannot see the end of: the carrier was called, the order placed anew."""
        ended: list[dict[str, Any]] = []

        async def work(tx: Transaction) -> Sequence[Outcome]:
            key = principal.tenant, shipment_id, action_id
            action, events = await end_action(tx, key, ActionState(body.state), body.reason, body.confirmation)
            ended.append(action_document(action))
            return events

        try:
            await context.writer.run(work)
        except NotPossible as fault:
            raise _problem(fault) from fault
        return ended[-1]

    return router


async def _wish(tx: Transaction, context: ServiceContext, shipment: Shipment, body: AskedAction) -> Wish:
    sealed = await _sealed(tx, context, shipment, body.consignee) if body.consignee else None
    return Wish(body.action_kind, body.parcel, body.reason, body.pickup_point, sealed, body.exception_id)


async def _sealed(
    tx: Transaction, context: ServiceContext, shipment: Shipment, consignee: Consignee
) -> SealedConsignee:
    """Seal a new address under its order's key, so that it is erased with everything else of the order."""
    [sealed] = await context.vault.seal_known(tx, [(shipment.tenant, shipment.order_id, consignee)])
    if sealed is None:
        raise NotPossible("consignee_erased", "The order's personal data was erased", "Call the carrier.", "consignee")
    return sealed


def _problem(fault: NotPossible) -> Problem:
    return Problem(_STATUSES.get(fault.code, 409), fault.code, fault.title, field=fault.field, fix=fault.fix)
