"""`/v1/manifests`: the end of a day at a warehouse, for one carrier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from linkstar_contracts.text import SafeStr, Token
from linkstar_labeler.api.commands import answered_once
from linkstar_labeler.api.days import CalendarDay
from linkstar_labeler.api.manifest_views import ManifestDescription, ManifestDetail, described, sheet_of
from linkstar_labeler.api.press import Press
from linkstar_labeler.domain.carrier_paper import UnreadableLabel, as_pdf
from linkstar_labeler.domain.connector import Document
from linkstar_labeler.domain.manifests import Follow, ManifestedLabel, ManifestKey, ManifestState
from linkstar_labeler.handlers import Connectors
from linkstar_labeler.handlers.closing import Closed, CloseOrder, Closer, DayTooFar
from linkstar_labeler.handlers.manifest_papers import ManifestPapers
from linkstar_labeler.store import manifests as store
from linkstar_labeler.store.manifests import ManifestPage, StoredManifest
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Transaction
from linkstar_runtime.idempotency import IDEMPOTENCY_KEY
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext
from linkstar_runtime.vault import VaultError

__all__ = ["routes"]

ManifestId = Annotated[str, Path(pattern=r"^M[0-9]{7,12}$")]
_PDF = "application/pdf"
_log = structlog.get_logger(__name__)


class CloseDay(BaseModel):
    """The labels of a warehouse and carrier to hand over. Without a day it is the next collection's."""

    model_config = ConfigDict(extra="forbid")

    warehouse: Token
    carrier: Token
    day: CalendarDay | None = None
    include_late: bool = False
    """Labels made after the cut-off too: the driver still waits."""


class ManifestQuery(BaseModel):
    """Which manifests, the newest first; `before` continues below a number."""

    model_config = ConfigDict(extra="forbid")

    warehouse: Token | None = None
    carrier: Token | None = None
    day: CalendarDay | None = None
    state: ManifestState | None = None
    before: Annotated[str, Field(pattern=r"^M[0-9]{7,12}$")] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class CarriersAnswer(BaseModel):
    """What the carrier told somebody of a manifest whose call had no answer: its number, or null for none."""

    model_config = ConfigDict(extra="forbid")

    carrier_number: Annotated[str, SafeStr(64, 1), Field(pattern=r"^[!-~]+$")] | None


def routes(context: ServiceContext, connectors: Connectors, press: Press) -> APIRouter:
    """Return the routes."""
    closer, papers = Closer(connectors, context.clock), ManifestPapers(context.vault)
    router = APIRouter()
    reader = Depends(context.authorize("labels:read"))
    writer = Depends(context.authorize("labels:write"))

    @router.post("/manifests", status_code=201, openapi_extra={"parameters": [IDEMPOTENCY_KEY]})
    async def close(request: Request, body: CloseDay, principal: Principal = writer) -> Response:
        """Close the day: every label that waits goes on a manifest, one per account. LinkStar's own are `closed` at once;
        a carrier's is `closing` until the carrier has made it. Nothing waits: no manifest.
        """
        order = CloseOrder(
            principal.tenant, body.warehouse, body.carrier, body.day, body.include_late, principal.key_id
        )

        async def work(tx: Transaction, _key: str) -> dict[str, Any]:
            return await _told(tx, await _closed(tx, closer, order))

        return await answered_once(context, request, principal.tenant, work, 201)

    @router.get("/manifests")
    async def manifests(query: Annotated[ManifestQuery, Query()], principal: Principal = reader) -> dict[str, Any]:
        """The tenant's manifests. `next` continues where the page ends."""
        page = ManifestPage(query.warehouse, query.carrier, query.day, query.state, query.before)
        async with context.database.transaction() as tx:
            found = await store.find_manifests(tx, principal.tenant, page, query.limit + 1)
            shown = await described(tx, found[: query.limit])
        more = len(found) > query.limit
        return {"manifests": shown, "next": shown[-1].manifest_id if more else None}

    @router.get("/manifests/{manifest_id}.pdf", responses={200: {"content": {_PDF: {}}}})
    async def document(manifest_id: ManifestId, principal: Principal = reader) -> Response:
        """The paper for the driver: the carrier's own sheet as long as it is kept and can be read, else LinkStar's."""
        key = ManifestKey(principal.tenant, manifest_id)
        async with context.database.transaction() as tx:
            stored = _known(await store.find_manifest(tx, key))
            if stored.manifest.state is not ManifestState.CLOSED:
                raise _no_paper(stored)
            sealed = await store.manifest_document(tx, key)
            labels = (await store.manifest_labels(tx, [key]))[key]
        return Response(await press.run(lambda: _sheet(papers, sealed, stored, labels)), media_type=_PDF)

    @router.get("/manifests/{manifest_id}")
    async def manifest(manifest_id: ManifestId, principal: Principal = reader) -> ManifestDetail:
        """One manifest and its labels, with what became of each since."""
        key = ManifestKey(principal.tenant, manifest_id)
        async with context.database.transaction() as tx:
            return await _detail(tx, _known(await store.find_manifest(tx, key)))

    @router.post("/manifests/{manifest_id}/reopen")
    async def reopen(manifest_id: ManifestId, principal: Principal = writer) -> ManifestDescription:
        """Give the labels of LinkStar's own manifest back to the next one; repeating it changes nothing."""
        key = ManifestKey(principal.tenant, manifest_id)
        async with context.database.transaction() as tx:
            gone = await store.handed_over(tx, key)
            stored = _known(await store.lock_manifest(tx, key))
            if refusal := stored.manifest.reopen(gone):
                raise _not_reopened(refusal, stored)
            await store.save_manifest(tx, stored.manifest)
            await papers.carry_out(tx, key, Follow(release=True))
            return (await described(tx, [stored]))[0]

    @router.post("/manifests/{manifest_id}/answer")
    async def answer(
        manifest_id: ManifestId, body: CarriersAnswer, principal: Principal = writer
    ) -> ManifestDescription:
        """End a manifest that is `unknown` by what the carrier told somebody."""
        key = ManifestKey(principal.tenant, manifest_id)
        async with context.database.transaction() as tx:
            stored = _known(await store.lock_manifest(tx, key))
            follow = stored.manifest.answer(body.carrier_number)
            if follow is None:
                raise Problem(
                    409, "manifest_not_unknown", f"The manifest is {stored.manifest.state}", fix="Look at it."
                )
            await store.save_manifest(tx, stored.manifest)
            await papers.carry_out(tx, key, follow)
            return (await described(tx, [stored]))[0]

    return router


async def _closed(tx: Transaction, closer: Closer, order: CloseOrder) -> Closed:
    try:
        return await closer.close(tx, order)
    except DayTooFar as error:
        raise Problem(
            422, "day_too_far", "No parcel of now leaves on this day", str(error), field="day",
            fix="Leave day out, or name a day near now.",
        ) from error  # fmt: skip


async def _told(tx: Transaction, done: Closed) -> dict[str, Any]:
    stored = [_known(await store.find_manifest(tx, key)) for key in done.manifests]
    shown = [each.model_dump(mode="json") for each in await described(tx, stored)]
    return {"manifests": shown, "waiting": [each._asdict() for each in done.waiting]}


async def _detail(tx: Transaction, stored: StoredManifest) -> ManifestDetail:
    [description] = await described(tx, [stored])
    key = stored.manifest.key
    return ManifestDetail.of(description, (await store.manifest_labels(tx, [key]))[key])


def _sheet(
    papers: ManifestPapers, sealed: Document | None, stored: StoredManifest, labels: Sequence[ManifestedLabel]
) -> bytes:
    if sealed:
        try:
            return as_pdf(papers.opened(stored.manifest.key, sealed))
        except (UnreadableLabel, VaultError) as error:
            _log.warning("carriers_sheet_unreadable", manifest=stored.manifest.key.manifest_id, error=str(error))
    return sheet_of(stored, labels)


def _known(stored: StoredManifest | None) -> StoredManifest:
    if stored is None:
        raise Problem(404, "manifest_unknown", "There is no such manifest", fix="List them at /v1/manifests.")
    return stored


def _no_paper(stored: StoredManifest) -> Problem:
    return Problem(
        409, "manifest_not_closed", f"The manifest is {stored.manifest.state}: it has no paper", stored.manifest.detail,
        fix="Wait until it is closed; of a refused or reopened one, close the day again.",
    )  # fmt: skip


def _not_reopened(code: str, stored: StoredManifest) -> Problem:
    title, fix = {
        "manifest_not_closed": (f"The manifest is {stored.manifest.state}", "Only a closed manifest is reopened."),
        "manifest_final": (
            "The carrier made this manifest and takes none back",
            "Void single labels; the carrier decides.",
        ),
        "manifest_handed_over": ("The carrier has scanned parcels of this manifest", "Close the day for the others."),
    }[code]
    return Problem(409, code, title, fix=fix)
