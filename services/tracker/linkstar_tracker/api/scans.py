"""`POST /v1/scans`, the door that takes scans as carriers tell them, and what became of those nobody knows yet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from linkstar_contracts.event import Event
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Transaction
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext
from linkstar_tracker import store
from linkstar_tracker.domain.documents import scan_document
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.jobs.intake import ScanReceipt, Taken, judge, take
from linkstar_tracker.settings import Settings

__all__ = ["routes"]

MAX_SCANS = 500
After = Annotated[str, Query(max_length=160)]
Limit = Annotated[int, Query(ge=1, le=500)]
ReadPage = Callable[[Transaction, str, tuple[str, str, str], int], Awaitable[list[store.UnmatchedScan]]]


class ScanBatch(BaseModel):
    """Scans as a carrier tells them; each is judged for itself."""

    model_config = ConfigDict(extra="forbid")

    scans: Annotated[list[Any], Field(min_length=1, max_length=MAX_SCANS)]

    @model_validator(mode="before")
    @classmethod
    def _stands_in_an_object(cls, body: object) -> object:
        if isinstance(body, list):
            raise Problem(
                422, "scans_not_in_object", "The body is a list, not an object", field="body",
                fix='Send {"scans": [...]}.',
            )  # fmt: skip
        return body


def routes(context: ServiceContext, settings: Settings) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.post("/scans", status_code=202)
    async def post_scans(
        batch: ScanBatch, principal: Principal = Depends(context.authorize("scans:write"))
    ) -> ScanReceipt:
        """Take carrier scans: answered when they are stored durably. Repeated scans change nothing."""
        judged = judge(batch.scans, context.clock.now() + settings.future_tolerance)
        taken = Taken()

        async def store_scans(tx: Transaction) -> Sequence[Event]:
            nonlocal taken
            taken = await take(tx, judged, principal.tenant, settings.unmatched.keep)
            return taken.events

        if judged.scans or judged.ahead:
            await context.writer.run(store_scans)
        return ScanReceipt(accepted=taken.accepted, unmatched=taken.unmatched, rejected=judged.rejected)

    @router.get("/unmatched")
    async def list_unmatched(
        after: After = "", limit: Limit = 100, principal: Principal = Depends(context.authorize("scans:write"))
    ) -> dict[str, Any]:
        """List the scans this key's holder has reported for numbers that nobody has registered yet."""
        return await page("unmatched", store.unmatched_scans, principal, after, limit)

    @router.get("/quarantine")
    async def list_quarantined(
        after: After = "", limit: Limit = 100, principal: Principal = Depends(context.authorize("scans:write"))
    ) -> dict[str, Any]:
        """List the scans of this key's holder that lie too far ahead of the clock: they are in no timeline."""
        return await page("quarantined", store.quarantined_scans, principal, after, limit)

    async def page(name: str, read: ReadPage, principal: Principal, after: str, limit: int) -> dict[str, Any]:
        async with context.database.transaction() as tx:
            found = await read(tx, principal.tenant, _cursor(after), limit)
        return {
            name: [{**scan_document(each.scan), "expires_at": each.expires_at.isoformat()} for each in found],
            "next": _next_cursor(found[-1].scan) if len(found) == limit else None,
        }

    @router.get("/unmapped-codes")
    async def list_unmapped(
        principal: Principal = Depends(context.authorize("scans:write")),
    ) -> dict[str, Any]:
        """List the codes of the caller's scans that no row of the status map explains, with how often they came."""
        async with context.database.transaction() as tx:
            return {"unmapped": await store.unmapped_codes(tx, principal.tenant)}

    return router


def _cursor(after: str) -> tuple[str, str, str]:
    """Read `carrier|number|scan id`; an empty cursor stands before everything."""
    if not after:
        return "", "", ""
    parts = after.split("|")
    if len(parts) != 3:
        raise Problem(
            422, "cursor_invalid", "No cursor of this list", field="after", fix="Use `next` of the page before."
        )
    return parts[0], parts[1], parts[2]


def _next_cursor(scan: Scan) -> str:
    return f"{scan.carrier}|{scan.tracking_number}|{scan.scan_id}"
