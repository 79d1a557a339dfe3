"""`POST /v1/scans`, the door that takes scans as carriers tell them, and what became of those nobody knows yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from linkstar_contracts.event import Event
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Transaction
from linkstar_runtime.problems import Problem, field_errors
from linkstar_runtime.service import ServiceContext
from linkstar_tracker import store
from linkstar_tracker.domain.documents import scan_document
from linkstar_tracker.domain.local_time import LocalTimeError
from linkstar_tracker.domain.reports import ScanReport
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.settings import Settings

__all__ = ["routes"]

MAX_SCANS = 500
ANY_TENANT = "*"


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


class Rejection(BaseModel):
    """Why one scan was not taken, and how to fix it."""

    index: int
    code: str
    field: str = ""
    detail: str
    fix: str


class ScanReceipt(BaseModel):
    """What became of a batch: accepted and unmatched scans are stored durably, rejected ones are not stored."""

    accepted: int
    unmatched: int
    rejected: list[Rejection]


@dataclass(slots=True)
class _Judged:
    scans: list[Scan] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


def routes(context: ServiceContext, settings: Settings) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.post("/scans", status_code=202)
    async def post_scans(
        batch: ScanBatch, principal: Principal = Depends(context.authorize("scans:write"))
    ) -> ScanReceipt:
        """Take carrier scans: answered when they are stored durably. Repeated scans change nothing."""
        judged = _judge(batch.scans, context.clock.now() + settings.future_tolerance)
        unmatched = 0

        async def store_scans(tx: Transaction) -> Sequence[Event]:
            nonlocal unmatched
            events, unknown = await _resolve(tx, judged.scans, principal.tenant)
            unmatched = len(unknown)
            if unknown:
                await store.keep_unmatched(tx, _waiting(unknown, principal.tenant, tx.now, settings.unmatched.keep))
            return events

        if judged.scans:
            await context.writer.run(store_scans)
        return ScanReceipt(accepted=len(judged.scans) - unmatched, unmatched=unmatched, rejected=judged.rejected)

    @router.get("/unmatched")
    async def list_unmatched(
        after: Annotated[str, Query(max_length=160)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        principal: Principal = Depends(context.authorize("scans:write")),
    ) -> dict[str, Any]:
        """List the scans this key's holder has reported for numbers that nobody has registered yet."""
        async with context.database.transaction() as tx:
            page = await store.unmatched_scans(tx, principal.tenant, _cursor(after), limit)
        return {
            "unmatched": [{**scan_document(each.scan), "expires_at": each.expires_at.isoformat()} for each in page],
            "next": _next_cursor(page[-1].scan) if len(page) == limit else None,
        }

    @router.get("/unmapped-codes")
    async def list_unmapped(
        principal: Principal = Depends(context.authorize("scans:write")),
    ) -> dict[str, Any]:
        """List carrier codes that no row of the status map explains, with how often they came."""
        async with context.database.transaction() as tx:
            return {"unmapped": await store.unmapped_codes(tx)}

    return router


def _judge(reports: Sequence[Any], latest: datetime) -> _Judged:
    """Part the reports into scans and coded rejections."""
    judged = _Judged()
    for index, report in enumerate(reports):
        try:
            scan = ScanReport.model_validate(report, extra="forbid").scan()
        except ValidationError as error:
            first = field_errors(error.errors(include_url=False, include_context=False, include_input=False))[0]
            judged.rejected.append(Rejection(index=index, **first))
        except LocalTimeError as error:
            judged.rejected.append(
                Rejection(
                    index=index, code=error.code, field="scanned_local", detail="the time is unclear", fix=str(error)
                )
            )
        else:
            if scan.scanned_at > latest:
                judged.rejected.append(_too_far_ahead(index))
            else:
                judged.scans.append(scan)
    return judged


def _too_far_ahead(index: int) -> Rejection:
    return Rejection(
        index=index, code="scan_in_future", field="scanned_at", detail="the scan lies ahead of the clock",
        fix="Check the offset or the time zone.",
    )  # fmt: skip


async def _resolve(tx: Transaction, scans: Sequence[Scan], reporter: str) -> tuple[list[Event], list[Scan]]:
    """Part the scans into events of known shipments and scans of unknown numbers. Nobody can scan another's parcel."""
    owners = await store.owners_of(tx, ((scan.carrier, scan.tracking_number) for scan in scans))
    events: list[Event] = []
    unknown = []
    for scan in scans:
        owner = owners.get((scan.carrier, scan.tracking_number))
        if owner and reporter in {ANY_TENANT, owner.tenant}:
            events.append(scan.event(owner.tenant, owner.order_id, owner.shipment_id))
        else:
            unknown.append(scan)
    return events, unknown


def _waiting(scans: Sequence[Scan], reporter: str, now: datetime, keep: timedelta) -> list[store.UnmatchedScan]:
    return [store.UnmatchedScan(scan, reporter, now, now + keep) for scan in scans]


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
