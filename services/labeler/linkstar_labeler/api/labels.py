"""`/v1/labels`: print, describe and void the label of a shipment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel

from linkstar_contracts.event import Event
from linkstar_contracts.text import ShipmentId
from linkstar_contracts.values import Money
from linkstar_labeler import store
from linkstar_labeler.carriers import CARRIERS
from linkstar_labeler.carriers.printing import make_labels
from linkstar_labeler.domain.exceptions import HOLD_CODES
from linkstar_labeler.domain.label_layout import Label
from linkstar_labeler.domain.pdf import render_pdf
from linkstar_labeler.domain.png import render_png
from linkstar_labeler.domain.zpl import render_zpl
from linkstar_labeler.handlers import Settler
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Transaction
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext

__all__ = ["routes"]

LabelName = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9._:#~-]+$")]
"""A shipment id, with or without the suffix of a print format."""


def routes(context: ServiceContext, settler: Settler) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    reader = Depends(context.authorize("labels:read"))
    writer = Depends(context.authorize("labels:write"))

    @router.get("/labels/{name}", responses={200: {"content": {kind: {} for kind, _ in _PRINTERS.values()}}})
    async def label(
        name: LabelName, parcel: Annotated[int, Query(ge=1, le=20)] = 1, principal: Principal = reader
    ) -> Response:
        """`<shipment>.zpl`, `.pdf` (all parcels) or `.png` (one parcel); without a suffix what is known of the label."""
        shipment_id, dot, suffix = name.rpartition(".")
        if not dot or suffix not in _PRINTERS:
            return await _describe(context, principal.tenant, name)
        labels = await _open_labels(context, principal.tenant, shipment_id)
        if parcel > len(labels):
            raise Problem(
                404, "parcel_unknown", f"The shipment has {len(labels)} parcel(s)", field="parcel",
                fix=f"Ask for parcel 1 to {len(labels)}.",
            )  # fmt: skip
        media_type, printer = _PRINTERS[suffix]
        return Response(printer(labels, parcel), media_type=media_type)

    @router.post("/labels/{shipment_id}/void")
    async def void(shipment_id: ShipmentId, principal: Principal = writer) -> dict[str, str]:
        """Void the label and refund its charge; repeating it changes nothing."""

        async def work(tx: Transaction) -> Sequence[Event]:
            locked = await store.lock_shipments(tx, [(principal.tenant, shipment_id)])
            shipment = locked.get((principal.tenant, shipment_id))
            if shipment is None:
                raise _unknown()
            if not shipment.void("requested"):
                raise Problem(409, "label_in_use", "The carrier already has the parcel", fix="Open a return instead.")
            return await settler.settle(tx, [shipment])

        await context.writer.run(work)
        return {"shipment_id": shipment_id, "state": "voided"}

    return router


async def _open_labels(context: ServiceContext, tenant: str, shipment_id: str) -> list[Label]:
    """Print again what was printed: from the stored route, numbers and time, and the consignee as long as it exists."""
    async with context.database.transaction() as tx:
        stored, created_at = await _stored(tx, tenant, shipment_id)
        if stored.state != "active":
            raise _not_printable(stored)
        order_id = stored.shipment.order_id
        [consignee] = await context.vault.open_many(tx, [(tenant, order_id, stored.route.consignee)])
    if consignee is None:
        fix = "Submit a new order with its address; this label cannot be printed any more."
        raise Problem(410, "consignee_erased", "The consignee's data has been erased", fix=fix)
    carrier = CARRIERS[stored.route.route.carrier]
    return make_labels(carrier, stored.route, consignee, stored.tracking_numbers, created_at)


def _not_printable(stored: store.StoredLabel) -> Problem:
    """What holds a held label is told with its remedy; a voided or withdrawn one is never printed again."""
    hold = HOLD_CODES[stored.hold_code] if stored.hold_code else None
    return Problem(
        409, f"label_{stored.state}", f"The label is {stored.state}", hold.detail if hold else "",
        fix=hold.action if hold else "Change the order to have a new label made; if it is cancelled, submit a new one.",
    )  # fmt: skip


async def _describe(context: ServiceContext, tenant: str, shipment_id: str) -> Response:
    async with context.database.transaction() as tx:
        stored, created_at = await _stored(tx, tenant, shipment_id)
    return Response(LabelDescription.of(stored, created_at).model_dump_json(), media_type="application/json")


async def _stored(tx: Transaction, tenant: str, shipment_id: str) -> tuple[store.StoredLabel, datetime]:
    found = await store.find_label(tx, tenant, shipment_id)
    if found is None:
        raise _unknown()
    return found


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

    @classmethod
    def of(cls, stored: store.StoredLabel, created_at: datetime) -> LabelDescription:
        """Describe a stored label."""
        chosen = stored.route.route
        return cls(
            shipment_id=stored.shipment.shipment_id, order_id=stored.shipment.order_id, state=stored.state,
            hold_code=stored.hold_code, carrier=chosen.carrier, service=chosen.service,
            route_version=stored.route.version, tracking_numbers=stored.tracking_numbers, total=chosen.total,
            created_at=created_at,
        )  # fmt: skip


def _unknown() -> Problem:
    return Problem(404, "label_unknown", "There is no label of this shipment", fix="Check the shipment id.")


_PRINTERS: dict[str, tuple[str, Callable[[list[Label], int], bytes]]] = {
    "zpl": ("application/zpl", lambda labels, _parcel: "".join(map(render_zpl, labels)).encode()),
    "pdf": ("application/pdf", lambda labels, _parcel: render_pdf(labels)),
    "png": ("image/png", lambda labels, parcel: render_png(render_pdf(labels), parcel - 1)),
}
