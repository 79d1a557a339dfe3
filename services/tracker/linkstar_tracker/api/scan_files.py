"""`/v1/scan-files`: scans by file, for carriers that neither call nor answer."""

from __future__ import annotations

import asyncio
import re
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from linkstar_runtime.api_keys import Principal
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext
from linkstar_tracker import store
from linkstar_tracker.domain.scan_files import FileRefused, read_scan_file
from linkstar_tracker.settings import Settings
from linkstar_tracker.store import ScanFile

__all__ = ["routes"]

FileId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
_UNPRINTABLE = re.compile(r"[^ -~]")
_BODY = {"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}}}}


def routes(context: ServiceContext, settings: Settings) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    reporter = Depends(context.authorize("scans:write"))

    @router.post("/scan-files", status_code=202, openapi_extra=_BODY)
    async def take_file(
        request: Request, response: Response, filename: Annotated[str, Query(max_length=200)] = "",
        principal: Principal = reporter,
    ) -> dict[str, Any]:  # fmt: skip
        """Take a CSV file: answered when it is stored durably, and taken in behind that. The same content again is the same
        file, and changes nothing.
        """
        raw = await request.body()
        try:
            rows = len(await asyncio.to_thread(read_scan_file, raw))
        except FileRefused as refused:
            raise Problem(
                422, refused.code, "This is no file of scans", str(refused), field="file", fix=refused.fix
            ) from refused
        if not rows:
            raise Problem(422, "file_empty", "This is no file of scans", "it has a header and no row", field="file",
                          fix="Send one row per scan.")  # fmt: skip
        file_id = sha256(raw).hexdigest()[:32]
        async with context.database.transaction() as tx:
            name, until = _UNPRINTABLE.sub("_", filename), tx.now + settings.webhooks.keep
            if not await store.add_scan_file(tx, principal.tenant, file_id, name, raw, rows, until):
                response.status_code = 200
            return _shown(await store.scan_file(tx, principal.tenant, file_id))

    @router.get("/scan-files/{file_id}")
    async def show_file(
        file_id: FileId, after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 500, principal: Principal = reporter,
    ) -> dict[str, Any]:  # fmt: skip
        """Tell how far a file has been taken in, and name the rows that were not, with code and remedy."""
        async with context.database.transaction() as tx:
            shown = _shown(await store.scan_file(tx, principal.tenant, file_id))
            faults = await store.read_scan_faults(tx, principal.tenant, file_id, after, limit)
        following = faults[-1].line if len(faults) == limit else None
        return {**shown, "faults": [fault._asdict() for fault in faults], "next": following}

    return router


def _shown(file: ScanFile | None) -> dict[str, Any]:
    if file is None:
        raise Problem(404, "scan_file_unknown", "There is no such file", fix="Use the file_id of the upload.")
    return {
        "file_id": file.file_id, "filename": file.name, "state": "done" if file.finished_at else "processing",
        "rows": file.rows, "taken": file.taken, "accepted": file.accepted, "unmatched": file.unmatched,
        "rejected": file.rejected, "received_at": file.received_at.isoformat(),
        "finished_at": file.finished_at.isoformat() if file.finished_at else None,
    }  # fmt: skip
