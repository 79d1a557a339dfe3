"""`POST /v1/labels/print`: many labels as one document, and the record of who printed what."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from linkstar_contracts.text import ShipmentId
from linkstar_labeler import store
from linkstar_labeler.api.opening import Opened, open_labels
from linkstar_labeler.api.press import MEDIA_TYPES, Press, PrintOptions
from linkstar_labeler.domain.pick_order import pick_order
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext

__all__ = ["note", "printable", "routes"]

_MOST_SHIPMENTS, _MOST_LABELS = 200, 1_000


class PrintOrder(PrintOptions):
    """Many shipments' labels as one document."""

    model_config = ConfigDict(extra="forbid")

    shipment_ids: Annotated[list[ShipmentId], Field(min_length=1, max_length=_MOST_SHIPMENTS)]
    format: Literal["pdf", "zpl"] = "pdf"
    order: Literal["pick", "given"] = "pick"
    """`pick`: by warehouse, carrier, then the goods; `given`: as the ids come."""


class PrintedShipment(BaseModel):
    """What was printed of a shipment; `first_label` counts from 1 through the document."""

    shipment_id: str
    warehouse: str
    carrier: str
    service: str
    first_label: int
    labels: int
    changed: bool
    """The label no longer equals the first print: the product has been updated since."""


class NotPrinted(BaseModel):
    """Why a shipment is not in the document, and how to mend it."""

    shipment_id: str
    code: str
    title: str
    fix: str


class PrintRun(BaseModel):
    """A document and what is in it: every shipment asked for is either printed or told why not."""

    printed: list[PrintedShipment]
    not_printed: list[NotPrinted]
    labels: int
    media_type: str
    document_base64: str | None
    """None when nothing could be printed."""


def routes(context: ServiceContext, press: Press) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    reader = Depends(context.authorize("labels:read"))

    @router.post("/labels/print", response_model=PrintRun)
    async def print_run(body: PrintOrder, principal: Principal = reader) -> Response:
        """Print the labels of up to 200 shipments as one document, grouped by warehouse and carrier in picking order.
        Nothing is left out silently: `not_printed` tells which shipment is missing, why, and how to mend it.
        """
        body.check(body.format)
        ids = list(dict.fromkeys(body.shipment_ids))
        opened, problems = await printable(context, press, principal.tenant, ids, body.format, body)
        members = [opened[each] for each in ids if each in opened]
        if body.order == "pick":
            members.sort(key=lambda member: pick_order(member.stored.route))
        if sum(member.count for member in members) > _MOST_LABELS:
            raise Problem(
                422, "print_too_large", f"These shipments have more than {_MOST_LABELS} labels", field="shipment_ids",
                fix="Ask for fewer shipments at once.",
            )  # fmt: skip
        document = await press.make(members, body.format, body) if members else None
        await note(context, principal, body.format, members)
        told = _told(members, {each: problems[each] for each in ids if each in problems}, body.format)
        answer = await press.run(lambda: json.dumps(told | {"document_base64": _encoded(document)}).encode())
        return Response(answer, media_type="application/json")

    return router


async def printable(
    context: ServiceContext, press: Press, tenant: str, ids: Sequence[str], form: str, options: PrintOptions
) -> tuple[dict[str, Opened], dict[str, Problem]]:
    """Return what can be printed in this format, and why the rest cannot."""
    opened, problems = await open_labels(context, tenant, ids, options.slip)
    problems |= await press.faults(opened, form)
    return {each: found for each, found in opened.items() if each not in problems}, problems


async def note(context: ServiceContext, principal: Principal, form: str, members: Sequence[Opened]) -> None:
    """Record who printed what."""
    if not members:
        return
    printed = [(each.stored.shipment.shipment_id, each.stored.route.version, each.changed) for each in members]
    async with context.database.transaction() as tx:
        await store.note_prints(tx, principal.tenant, principal.key_id, form, printed)


def _told(members: Sequence[Opened], problems: dict[str, Problem], form: str) -> dict[str, Any]:
    printed, first = [], 1
    for member in members:
        chosen, count = member.stored.route, member.count
        printed.append(
            PrintedShipment(
                shipment_id=chosen.shipment_id, warehouse=chosen.warehouse.code, carrier=chosen.route.carrier,
                service=chosen.route.service, first_label=first, labels=count, changed=member.changed,
            ).model_dump()
        )  # fmt: skip
        first += count
    missing = [
        NotPrinted.model_validate(
            {"shipment_id": each} | {name: problem.document.get(name, "") for name in ("code", "title", "fix")}
        )
        for each, problem in problems.items()
    ]
    return {
        "printed": printed, "not_printed": [each.model_dump() for each in missing], "labels": first - 1,
        "media_type": MEDIA_TYPES[form],
    }  # fmt: skip


def _encoded(document: bytes | None) -> str | None:
    return None if document is None else b64encode(document).decode()
