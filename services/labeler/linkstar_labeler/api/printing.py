"""`POST /v1/labels/print` and the press behind it: what a print may ask for, and labels as documents."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from linkstar_contracts.text import ShipmentId
from linkstar_labeler import store
from linkstar_labeler.api.opening import Opened, open_labels
from linkstar_labeler.domain.paper import LABEL, PAPERS
from linkstar_labeler.domain.pdf import render_pdf
from linkstar_labeler.domain.pick_order import pick_order
from linkstar_labeler.domain.png import render_png
from linkstar_labeler.domain.zpl import render_zpl
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext

__all__ = ["MEDIA_TYPES", "Press", "PrintOptions", "note", "routes"]

MEDIA_TYPES = {"zpl": "application/zpl", "pdf": "application/pdf", "png": "image/png"}
_MOST_SHIPMENTS, _MOST_LABELS = 200, 1_000
_Made = TypeVar("_Made")


def _number(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


class PrintOptions(BaseModel):
    """On which paper, from which place of the sheet on, with a packing slip or without, for how fine a printer."""

    paper: Literal["4x6", "a6", "a4", "letter"] = "4x6"
    position: Annotated[int, Field(ge=1, le=4)] = 1
    slip: bool = False
    dpi: Annotated[Literal[203, 300], BeforeValidator(_number)] = 203

    def check(self, form: str) -> None:
        """Refuse what cannot be printed together."""
        places = len(PAPERS[self.paper].places)
        if form != "pdf" and (self.paper != LABEL.name or self.slip):
            raise Problem(
                422, "pdf_only", f"{form.upper()} has one label of 4x6 inches on a page and no packing slip",
                field="slip" if self.slip else "paper", fix="Ask for pdf, or leave paper and slip out.",
            )  # fmt: skip
        if self.position > places:
            raise Problem(
                422, "position_unknown", f"This paper has {places} place(s)", field="position",
                fix=f"Choose 1 to {places}.",
            )  # fmt: skip
        if self.slip and self.position > 1:
            raise Problem(
                422, "slip_needs_whole_sheet", "A label with its packing slip takes a whole sheet", field="position",
                fix="Leave position out, or slip.",
            )  # fmt: skip


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


class Press:
    """Makes documents in one thread of its own, so that the event loop never waits for one."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "press")

    async def make(self, opened: Sequence[Opened], form: str, options: PrintOptions, parcel: int = 1) -> bytes:
        """Return the labels of `opened`, in order, as one document of this format; a PNG shows one parcel."""
        return await self.run(lambda: _document(opened, form, options, parcel))

    async def run(self, work: Callable[[], _Made]) -> _Made:
        """Do `work` in the press's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


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
        opened, problems = await open_labels(context, principal.tenant, ids, body.slip)
        members = [opened[each] for each in ids if each in opened]
        if body.order == "pick":
            members.sort(key=lambda member: pick_order(member.stored.route))
        if sum(len(member.labels) for member in members) > _MOST_LABELS:
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


async def note(context: ServiceContext, principal: Principal, form: str, members: Sequence[Opened]) -> None:
    """Record who printed what."""
    if not members:
        return
    printed = [(each.stored.shipment.shipment_id, each.stored.route.version, each.changed) for each in members]
    async with context.database.transaction() as tx:
        await store.note_prints(tx, principal.tenant, principal.key_id, form, printed)


def _document(opened: Sequence[Opened], form: str, options: PrintOptions, parcel: int) -> bytes:
    labels = [label for each in opened for label in each.labels]
    if form == "zpl":
        return "".join(render_zpl(label, options.dpi) for label in labels).encode()
    if form == "png":
        return render_png(render_pdf([labels[parcel - 1]]), 0, options.dpi)
    slips = [slip for each in opened for slip in each.slips]
    return render_pdf(labels, PAPERS[options.paper], options.position, slips)


def _told(members: Sequence[Opened], problems: dict[str, Problem], form: str) -> dict[str, Any]:
    printed, first = [], 1
    for member in members:
        chosen, count = member.stored.route, len(member.labels)
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
