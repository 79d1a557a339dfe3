"""`/v1/evidence`: what is known of a shipment, as a pack that anyone can verify."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Depends, Response

from linkstar_contracts.evidence_pack import EvidencePack, zipped
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext
from linkstar_tracker import store
from linkstar_tracker.domain.evidence_case import pack_of, with_files
from linkstar_tracker.domain.evidence_paper import SUMMARY_FILE, summary_pdf

__all__ = ["routes"]


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.post("/evidence/{shipment_id}", response_class=Response)
    async def export_evidence(
        shipment_id: str, form: Literal["json", "zip"] = "json",
        principal: Principal = Depends(context.authorize("evidence:read")),
    ) -> Response:  # fmt: skip
        """Return a shipment's evidence pack: JSON, or a ZIP of it with a summary on paper (PDF)."""
        async with context.database.transaction() as tx:
            chain = await store.read_evidence(tx, principal.tenant, shipment_id)
            now = tx.now
        if chain is None:
            raise Problem(
                404, "shipment_unknown", "No such shipment is tracked", field="shipment_id",
                fix="Use the shipment_id of LabelCreated: the order id, or the return id.",
            )  # fmt: skip
        pack = pack_of(principal.tenant, shipment_id, chain, now)
        if form == "json":
            return Response(pack.file(), media_type="application/json")
        return Response(_zip(pack), media_type="application/zip")

    return router


def _zip(pack: EvidencePack) -> bytes:
    files = {SUMMARY_FILE: summary_pdf(pack)}
    return zipped(with_files(pack, files).file(), files)
