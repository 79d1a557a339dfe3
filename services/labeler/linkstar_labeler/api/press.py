"""The press: what a print may ask for, and labels as documents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, Field

from linkstar_labeler.api.opening import Opened
from linkstar_labeler.domain.carrier_paper import UnreadableLabel, as_pdf, as_png, as_zpl, impose
from linkstar_labeler.domain.paper import LABEL, PAPERS
from linkstar_labeler.domain.pdf import render_pdf, render_slip
from linkstar_labeler.domain.png import render_png
from linkstar_labeler.domain.zpl import render_zpl
from linkstar_runtime.problems import Problem

__all__ = ["MEDIA_TYPES", "Press", "PrintOptions"]

MEDIA_TYPES = {"zpl": "application/zpl", "pdf": "application/pdf", "png": "image/png"}
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


class Press:
    """Makes documents in one thread of its own, so that the event loop never waits for one."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "press")

    async def make(self, opened: Sequence[Opened], form: str, options: PrintOptions, parcel: int = 1) -> bytes:
        """Return the labels of `opened`, in order, as one document of this format; a PNG shows one parcel."""
        return await self.run(lambda: _document(opened, form, options, parcel))

    async def faults(self, opened: Mapping[str, Opened], form: str) -> dict[str, Problem]:
        """Return why what carriers printed cannot be printed again in this format."""
        foreign = {each: found for each, found in opened.items() if found.documents}
        if not foreign:
            return {}
        return await self.run(lambda: {each: fault for each in foreign if (fault := _fault(foreign[each], form))})

    async def run(self, work: Callable[[], _Made]) -> _Made:
        """Do `work` in the press's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _fault(opened: Opened, form: str) -> Problem | None:
    """Return why what the carrier printed cannot be printed again in this format."""
    for document in opened.documents:
        if document.media_type == MEDIA_TYPES["zpl"]:
            if form != "zpl":
                return Problem(409, "carrier_label_is_zpl", "The carrier printed this label as ZPL", fix="Ask for zpl.")
            continue
        try:
            as_pdf(document)
        except UnreadableLabel as error:
            fix = "Void the label, so that a new one is bought, and tell the carrier."
            return Problem(409, "carrier_label_unreadable", f"The carrier's label is {error}", fix=fix)
    return None


def _document(opened: Sequence[Opened], form: str, options: PrintOptions, parcel: int) -> bytes:
    if form == "zpl":
        return b"".join(part for each in opened for part in _zpl(each, options.dpi))
    if form == "png":
        return _png(opened[0], parcel - 1, options.dpi)
    paper, slips = PAPERS[options.paper], [slip for each in opened for slip in each.slips]
    if not any(each.documents for each in opened):
        return render_pdf([label for each in opened for label in each.labels], paper, options.position, slips)
    prints = [part for each in opened for part in _pdfs(each)]
    if len(prints) == 1 and paper is LABEL and not slips:
        return prints[0]
    return impose(prints, paper, options.position, [render_slip(slip, paper) for slip in slips])


def _zpl(opened: Opened, dpi: int) -> list[bytes]:
    own = [render_zpl(label, dpi).encode() for label in opened.labels]
    return own or [as_zpl(document, dpi) for document in opened.documents]


def _png(opened: Opened, place: int, dpi: int) -> bytes:
    if opened.documents:
        return as_png(opened.documents[place], dpi)
    return render_png(render_pdf([opened.labels[place]]), 0, dpi)


def _pdfs(opened: Opened) -> list[bytes]:
    return [render_pdf([label]) for label in opened.labels] or [as_pdf(document) for document in opened.documents]
