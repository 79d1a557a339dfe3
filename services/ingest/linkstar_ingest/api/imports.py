"""`/v1/imports`: order files come in whole and are worked off in the background."""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from linkstar_ingest.api.bodies import refused
from linkstar_ingest.channels import CHANNELS
from linkstar_ingest.channels.order_file import OrderFile
from linkstar_ingest.domain.drafts import OrderDraft
from linkstar_ingest.domain.faults import Fault, Refusal
from linkstar_ingest.domain.warehouses import AUTO
from linkstar_ingest.store import imports
from linkstar_ingest.store.imports import ImportJob
from linkstar_runtime import ServiceContext
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.ids import Ids
from linkstar_runtime.problems import Problem

__all__ = ["routes"]

_MOST_ERRORS = 10_000
_UNPRINTABLE = re.compile(r"[^\w .()\-]+")


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["imports"])
    ids = Ids()

    @router.post("/imports", status_code=202, openapi_extra=_BODY)
    async def start_import(
        request: Request,
        channel: Annotated[str, Query(max_length=32)],
        warehouse: Annotated[str, Query(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/+-]*$")] = AUTO,
        filename: Annotated[str, Query(max_length=200)] = "",
        caller: Principal = Depends(context.authorize("orders:write")),
    ) -> JSONResponse:
        """Take an order file (the raw body) in. It is read at once, its orders are accepted in the background."""
        if channel not in CHANNELS:
            known = ", ".join(sorted(CHANNELS))
            raise refused([Fault("channel_unknown", "channel", "is no channel we know", f"use one of {known}")])
        raw = await request.body()
        try:
            file = await asyncio.to_thread(CHANNELS[channel], raw)
        except Refusal as refusal:
            raise refused([refusal.fault]) from refusal
        job = _job(caller.tenant, f"imp-{ids.base62(16)}", channel, warehouse, filename, file)
        async with context.database.transaction() as tx:
            await imports.insert_job(tx, job, raw)
            await imports.put_errors(tx, job, file.faults)
        return JSONResponse({"import_id": job.import_id, "rows": job.rows}, 202)

    @router.get("/imports/{import_id}")
    async def show_import(
        import_id: str, caller: Principal = Depends(context.authorize("orders:read"))
    ) -> JSONResponse:
        """Show how far an import is, and every row that was refused with its code and how to mend it."""
        async with context.database.transaction() as tx:
            job = await imports.find_job(tx, caller.tenant, import_id)
            if job is None:
                raise Problem(404, "import_unknown", "There is no such import", fix="Check the import id.")
            errors = await imports.load_errors(tx, caller.tenant, import_id, _MOST_ERRORS)
        shown = {name: value for name, value in asdict(job).items() if name not in {"tenant", "progress"}}
        return JSONResponse({**shown, "errors": errors})

    return router


def _job(tenant: str, import_id: str, channel: str, warehouse: str, filename: str, file: OrderFile) -> ImportJob:
    """Return the new job; orders with a faulty row are rejected already, each once."""
    rejected = len({found.order_id or f"row {found.row}" for found in file.faults})
    orders = sum(isinstance(draft, OrderDraft) for draft in file.drafts) + rejected + file.skipped
    return ImportJob(
        tenant, import_id, channel, warehouse, _UNPRINTABLE.sub("_", filename), "processing", file.rows, orders,
        progress=0, accepted=0, duplicates=0, rejected=rejected, cancels=0, skipped=file.skipped,
    )  # fmt: skip


_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in (
                "text/csv",
                "text/plain",
                "application/octet-stream",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            )
        },
    }
}
