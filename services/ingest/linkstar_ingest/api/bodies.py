"""Request bodies and refusals as HTTP speaks them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fastapi import Request

from linkstar_ingest.domain.faults import Fault
from linkstar_runtime.problems import FieldError, Problem

__all__ = ["field_error", "json_body", "refused"]

_STATUS = {
    "order_conflict": 409, "order_too_large": 413, "file_too_large": 413, "rows_too_many": 413, "change_too_late": 409,
    "order_cancelled": 409,
}  # fmt: skip


async def json_body(request: Request) -> Any:
    """Return the JSON body; duplicate keys, NUL, bad encoding and deep nesting were refused before."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        fix = "Send `Content-Type: application/json`."
        raise Problem(415, "content_type_unsupported", "This request takes JSON", fix=fix)
    raw = await request.body()
    if not raw.strip():
        raise Problem(422, "body_empty", "The request has no body", fix="Send a JSON document.")
    return json.loads(raw)


def field_error(fault: Fault) -> FieldError:
    """Return a fault as an entry of a problem document."""
    return FieldError(code=fault.code, field=fault.field, detail=fault.detail, fix=fault.fix)


def refused(faults: Sequence[Fault]) -> Problem:
    """Return the problem document for what was refused; the first fault gives it its code."""
    first = faults[0]
    return Problem(
        _STATUS.get(first.code, 422), first.code, f"{first.field} {first.detail}", first.detail, field=first.field,
        fix=first.fix, errors=[field_error(fault) for fault in faults],
    )  # fmt: skip
