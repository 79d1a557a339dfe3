"""`/v1/labels`: print, describe and void the label of a shipment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, Field

from linkstar_contracts.event import Event
from linkstar_contracts.text import ShipmentId
from linkstar_contracts.values import Money
from linkstar_labeler import store
from linkstar_labeler.api.manifested import refuse_manifested
from linkstar_labeler.api.opening import unknown
from linkstar_labeler.api.press import MEDIA_TYPES, Press, PrintOptions
from linkstar_labeler.api.printing import note, printable
from linkstar_labeler.handlers import Settler
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Transaction
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext

__all__ = ["routes"]

LabelName = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9._:#~-]+$")]
"""A shipment id, with or without the suffix of a print format."""


class LabelQuery(PrintOptions):
    """How to print one shipment's label; `parcel` is the one that a PNG shows."""

    parcel: Annotated[int, Field(ge=1, le=20)] = 1


def routes(context: ServiceContext, settler: Settler, press: Press) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    reader = Depends(context.authorize("labels:read"))
    writer = Depends(context.authorize("labels:write"))

    @router.get("/labels/{name}", responses={200: {"content": {kind: {} for kind in MEDIA_TYPES.values()}}})
    async def label(name: LabelName, query: Annotated[LabelQuery, Query()], principal: Principal = reader) -> Response:
        """`<shipment>.zpl`, `.pdf` (all parcels) or `.png` (one parcel); without a suffix what is known of the label, and
        who printed it. A print equals the first one; it is possible until the consignee's data is erased.
        """
        shipment_id, dot, suffix = name.rpartition(".")
        if not dot or suffix not in MEDIA_TYPES:
            return await _describe(context, principal.tenant, name)
        query.check(suffix)
        opened, problems = await printable(context, press, principal.tenant, [shipment_id], suffix, query)
        if problems:
            raise problems[shipment_id]
        member = opened[shipment_id]
        if query.parcel > member.count:
            raise Problem(
                404, "parcel_unknown", f"The shipment has {member.count} parcel(s)", field="parcel",
                fix=f"Ask for parcel 1 to {member.count}.",
            )  # fmt: skip
        document = await press.make([member], suffix, query, query.parcel)
        await note(context, principal, suffix, [member])
        return Response(document, media_type=MEDIA_TYPES[suffix])

    @router.post("/labels/{shipment_id}/void")
    async def void(shipment_id: ShipmentId, principal: Principal = writer) -> dict[str, str]:
        """Void the label and refund its charge; repeating it changes nothing. With a `manifest_id` the label is on a
        carrier's manifest: the refund comes when the carrier agrees.
        """
        answer = {"shipment_id": shipment_id, "state": "voided"}

        async def work(tx: Transaction) -> Sequence[Event]:
            locked = await store.lock_shipments(tx, [(principal.tenant, shipment_id)])
            shipment = locked.get((principal.tenant, shipment_id))
            if shipment is None:
                raise unknown()
            if manifest := await refuse_manifested(tx, shipment):
                answer["manifest_id"] = manifest
            if not shipment.void("requested"):
                raise Problem(409, "label_in_use", "The carrier already has the parcel", fix="Open a return instead.")
            return await settler.settle(tx, [shipment])

        await context.writer.run(work)
        return answer

    return router


async def _describe(context: ServiceContext, tenant: str, shipment_id: str) -> Response:
    async with context.database.transaction() as tx:
        found = await store.find_labels(tx, tenant, [shipment_id])
        if not found:
            raise unknown()
        stored, created_at = found[shipment_id]
        prints = await store.prints_of(tx, tenant, shipment_id, stored.route.version)
    description = LabelDescription.of(stored, created_at, prints)
    return Response(description.model_dump_json(), media_type="application/json")


class LabelPrints(BaseModel):
    """How often a key printed the label in a format; `changed`: the last print differed from the first."""

    key_id: str
    format: str
    prints: int
    changed: bool
    first_at: datetime
    last_at: datetime


class LabelDescription(BaseModel):
    """The newest label of a shipment."""

    shipment_id: str
    order_id: str
    state: str
    hold_code: str | None
    carrier: str
    service: str
    route_version: int
    tracking_numbers: tuple[str, ...]
    total: Money
    created_at: datetime
    prints: list[LabelPrints]

    @classmethod
    def of(
        cls, stored: store.StoredLabel, created_at: datetime, prints: Sequence[store.PrintCount]
    ) -> LabelDescription:
        """Describe a stored label."""
        chosen = stored.route.route
        return cls(
            shipment_id=stored.shipment.shipment_id, order_id=stored.shipment.order_id, state=stored.state,
            hold_code=stored.hold_code, carrier=chosen.carrier, service=chosen.service,
            route_version=stored.route.version, tracking_numbers=stored.tracking_numbers, total=chosen.total,
            created_at=created_at, prints=[LabelPrints(**each._asdict()) for each in prints],
        )  # fmt: skip
