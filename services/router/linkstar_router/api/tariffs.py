"""`/v1/tariffs`: the price lists in use, with their evidence and their known gaps."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends

from linkstar_router.domain.packs import load_gaps, packs_of
from linkstar_router.domain.snapshot import Snapshot
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.service import ServiceContext

__all__ = ["routes"]


def routes(context: ServiceContext, snapshot: Snapshot) -> APIRouter:
    """Return the route."""
    router = APIRouter(tags=["tariffs"])

    @router.get("/tariffs")
    async def tariffs(_principal: Principal = Depends(context.authorize("quotes:read"))) -> dict[str, Any]:
        """The price lists in use with source, date and confidence, and what each carrier's lists leave out."""
        return {"version": snapshot.version, "packs": _packs(snapshot), "gaps": load_gaps()}

    return router


def _packs(snapshot: Snapshot) -> list[dict[str, Any]]:
    return [
        {
            "id": pack.id, "carrier": pack.carrier, "service": pack.service, "currency": pack.currency,
            "file": pack.file, "source": pack.source, "as_of": pack.as_of.isoformat(),
            "valid_from": pack.valid_from.isoformat(), "valid_to": pack.valid_to and pack.valid_to.isoformat(),
            "confidence": pack.confidence, "synthetic": pack.synthetic,
        }
        for pack in packs_of(snapshot.services)
    ]  # fmt: skip
