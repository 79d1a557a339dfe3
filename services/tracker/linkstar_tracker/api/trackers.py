"""`/v1/trackers`: what is known of a shipment, told in Chinese or English."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BeforeValidator

from linkstar_contracts.fields import TrackingNumber
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext
from linkstar_tracker import store
from linkstar_tracker.domain.action_documents import action_document
from linkstar_tracker.domain.documents import tracker_document
from linkstar_tracker.domain.reports import as_printed
from linkstar_tracker.domain.shipment import Rules
from linkstar_tracker.domain.vocabulary import Language, Vocabulary
from linkstar_tracker.store.actions import actions_of
from linkstar_tracker.store.automation import firings_of_shipment

__all__ = ["routes"]


def routes(context: ServiceContext, rules: Rules) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.get("/trackers/{shipment_id}")
    async def get_tracker(
        shipment_id: str, lang: Language = "en", principal: Principal = Depends(context.authorize("tracking:read"))
    ) -> dict[str, Any]:
        """Return a shipment's status, milestones, timelines, exceptions and actions, told in a language."""
        async with context.database.transaction() as tx:
            shipment = await store.read_shipment(tx, principal.tenant, shipment_id)
            actions = await actions_of(tx, [(principal.tenant, shipment_id)])
            fired = await firings_of_shipment(tx, (principal.tenant, shipment_id))
        if shipment is None:
            raise Problem(
                404, "shipment_unknown", "No such shipment is tracked", field="shipment_id",
                fix="Use the shipment_id of LabelCreated: the order id, or the return id.",
            )  # fmt: skip
        told = [action_document(each, lang) for each in actions[principal.tenant, shipment_id]]
        return tracker_document(shipment, rules, lang) | {"actions": told, "rules_fired": fired}

    @router.get("/trackers")
    async def find_trackers(
        tracking_number: Annotated[TrackingNumber, BeforeValidator(as_printed)],
        lang: Language = "en",
        principal: Principal = Depends(context.authorize("tracking:read")),
    ) -> dict[str, Any]:
        """Return the shipments that travel under a tracking number: one, unless two carriers use the same number."""
        async with context.database.transaction() as tx:
            ids = await store.shipments_of_number(tx, principal.tenant, tracking_number)
            found = [await store.read_shipment(tx, principal.tenant, shipment_id) for shipment_id in ids]
        return {"trackers": [tracker_document(shipment, rules, lang) for shipment in found if shipment]}

    @router.get("/tracking-texts")
    async def texts(_caller: Principal = Depends(context.authorize("tracking:read"))) -> dict[str, Any]:
        """Return the text of every text code in every language: `status.substatus`, or the status alone."""
        return {"texts": Vocabulary.shipped().texts()}

    return router
