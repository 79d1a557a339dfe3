"""`/v1/trackers/{shipment_id}/disputes`: deliveries that buyer or seller deny, and how that was settled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import ConfigDict

from linkstar_contracts.event import Event
from linkstar_contracts.values import Value
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Linked, Transaction
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext
from linkstar_tracker import store
from linkstar_tracker.domain.alarms import Alarm
from linkstar_tracker.domain.disputes import Denial, denied, dispute_of
from linkstar_tracker.domain.documents import alarm_document
from linkstar_tracker.domain.shipment import Rules, Shipment

__all__ = ["Settlement", "routes"]

Change = Callable[[Shipment, Transaction], list[Event]]


class Settlement(Value):
    """How a dispute ended."""

    model_config = ConfigDict(extra="forbid")

    outcome: Literal["found", "withdrawn", "refunded", "reshipped", "claimed"]


def routes(context: ServiceContext, rules: Rules) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.post("/trackers/{shipment_id}/disputes", status_code=201)
    async def deny(
        shipment_id: str, denial: Denial, response: Response,
        caller: Principal = Depends(context.authorize("tracking:write")),
    ) -> dict[str, Any]:  # fmt: skip
        """Open `track.delivery_disputed` for a parcel that counts as delivered; 200 with the same one when it is known."""
        found: list[Alarm] = []
        news: list[Event] = []

        def tell(shipment: Shipment, tx: Transaction) -> list[Event]:
            found[:], news[:] = [], _denied(shipment, denial, rules, tx)
            found.append(_dispute(shipment, denial.reference))
            return news

        await context.writer.run(_locked(caller.tenant, shipment_id, tell))
        response.status_code = 201 if news else 200
        return alarm_document(found[0])

    @router.post("/trackers/{shipment_id}/disputes/{reference}/settlement")
    async def settle(
        shipment_id: str, reference: str, settlement: Settlement,
        caller: Principal = Depends(context.authorize("tracking:write")),
    ) -> dict[str, Any]:  # fmt: skip
        """Resolve a dispute; one that is resolved stays as it is."""
        found: list[Alarm] = []

        def end(shipment: Shipment, tx: Transaction) -> list[Event]:
            events = shipment.settle(_dispute(shipment, reference), tx.now, settlement.outcome)
            found[:] = [_dispute(shipment, reference)]
            return events

        await context.writer.run(_locked(caller.tenant, shipment_id, end))
        return alarm_document(found[0])

    return router


def _locked(tenant: str, shipment_id: str, change: Change) -> Callable[[Transaction], Awaitable[list[Event | Linked]]]:
    """Return the work that changes a shipment's exceptions under its lock, and stores those alone."""

    async def work(tx: Transaction) -> list[Event | Linked]:
        shipment = (await store.lock_shipments(tx, [(tenant, shipment_id)])).get((tenant, shipment_id))
        if shipment is None or shipment.label is None:
            raise Problem(404, "shipment_unknown", "No such shipment is tracked", field="shipment_id",
                          fix="Use the shipment_id of LabelCreated: the order id, or the return id.")  # fmt: skip
        before = dict(shipment.alarms)
        events = change(shipment, tx)
        changed = [(shipment, alarm) for key, alarm in shipment.alarms.items() if before.get(key) != alarm]
        if changed:
            await store.save_alarms(tx, changed)
        return [Linked(event, (shipment.label.traceparent,)) for event in events]

    return work


def _denied(shipment: Shipment, denial: Denial, rules: Rules, tx: Transaction) -> list[Event]:
    known = dispute_of(shipment.alarms.values(), denial.reference)
    if known is not None or shipment.label is None:
        return []
    trouble = denied(denial, shipment.label, shipment.parcels(rules))
    if trouble is None:
        raise Problem(409, "not_delivered", "No single delivered parcel is meant", field="parcel",
                      fix="Name a parcel whose status is delivered; a late one has track.promise_missed.")  # fmt: skip
    events = shipment.open(trouble, rules, tx.now)
    if not events:
        raise Problem(409, "dispute_open", "A delivery of this shipment is disputed already", field="reference",
                      fix="Settle the open track.delivery_disputed before another one is told.")  # fmt: skip
    return events


def _dispute(shipment: Shipment, reference: str) -> Alarm:
    found = dispute_of(shipment.alarms.values(), reference)
    if found is None:
        raise Problem(404, "dispute_unknown", "No dispute of this reference", field="reference",
                      fix="Use the reference that the dispute was told under.")  # fmt: skip
    return found
