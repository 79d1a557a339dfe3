"""`POST /v1/trackers/{shipment_id}/evidence`: papers for a claim, chained like scans and sealed under the case's key."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from linkstar_contracts.event import Event
from linkstar_contracts.evidence_papers import PAPER, PaperKind, commitment
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.data_keys import DataKey
from linkstar_runtime.handling import Transaction
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext
from linkstar_runtime.vault import Vault
from linkstar_tracker import store
from linkstar_tracker.domain.cases import Case, CaseOpening, case_name, keep_until
from linkstar_tracker.domain.papers import (
    MOST_PAPER_BYTES,
    MOST_PAPERS,
    Paper,
    PaperError,
    bound_to,
    judged,
)
from linkstar_tracker.domain.shipment import Shipment

__all__ = ["locked_shipment", "routes", "unknown_shipment"]

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            name: {"schema": {"type": "string", "format": "binary"}}
            for name in ("text/plain", "application/pdf", "image/jpeg", "image/png", "image/webp", "image/heic")
        },
    }
}  # fmt: skip


class PaperReceipt(BaseModel):
    """Where a paper stands in the chain, and until when it can be read."""

    entry: int
    case: int
    commitment: str
    keep_until: datetime


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.post("/trackers/{shipment_id}/evidence", status_code=201, openapi_extra=_BODY)
    async def add_paper(
        shipment_id: str, kind: Annotated[PaperKind, Query()], request: Request, response: Response,
        principal: Principal = Depends(context.authorize("evidence:write")),
    ) -> PaperReceipt:  # fmt: skip
        """Add a text or a file to a shipment's evidence; opens a case if none is. The same content again changes nothing."""
        paper = _judged(kind, request.headers.get("content-type", ""), await request.body())
        added: list[tuple[PaperReceipt, bool]] = []

        async def add(tx: Transaction) -> Sequence[Event]:
            added[:] = [await _added(tx, context.vault, principal.tenant, shipment_id, paper)]
            return ()

        await context.writer.run(add)
        receipt, is_new = added[0]
        response.status_code = 201 if is_new else 200
        return receipt

    return router


def _judged(kind: PaperKind, told_type: str, content: bytes) -> Paper:
    try:
        return judged(kind, told_type, content)
    except PaperError as error:
        status = {"content_type_wrong": 415, "paper_too_large": 413}.get(error.code, 422)
        raise Problem(
            status, error.code, "This paper cannot be taken", error.detail, field="body", fix=error.fix
        ) from error


async def _added(
    tx: Transaction, vault: Vault, tenant: str, shipment_id: str, paper: Paper
) -> tuple[PaperReceipt, bool]:
    """Add a paper under the shipment's lock; False when it was there before."""
    shipment = await locked_shipment(tx, tenant, shipment_id)
    until = keep_until(shipment.label, tx.now)
    await store.open_cases(tx, [CaseOpening(tenant, shipment_id, shipment.shard, "paper", until)])
    case = await store.case_of(tx, tenant, shipment_id)
    assert case is not None  # noqa: S101 - just opened, under the shipment's lock
    key = await _key_of(tx, vault, case)
    salt = await asyncio.to_thread(key.salt, paper.kind.value, paper.content)
    committed = commitment(salt, paper.content)
    entry = await store.known_paper(tx, tenant, shipment_id, bytes.fromhex(committed))
    if entry is None:
        _check_room(case, paper)
        entry = await _keep(tx, shipment, case, paper, key, committed)
        return PaperReceipt(entry=entry, case=case.number, commitment=committed, keep_until=case.keep_until), True
    return PaperReceipt(entry=entry, case=case.number, commitment=committed, keep_until=case.keep_until), False


async def _key_of(tx: Transaction, vault: Vault, case: Case) -> DataKey:
    name, sealed = case_name(case.shipment_id, case.number), case.key
    if sealed is None:
        sealed = vault.make_key(case.tenant, case_name(case.shipment_id, case.number))
        await store.store_case_key(tx, case, sealed)
    return vault.open_key(case.tenant, name, sealed)


async def _keep(
    tx: Transaction, shipment: Shipment, case: Case, paper: Paper, key: DataKey, committed: str
) -> int:  # fmt: skip
    """Chain the paper's fact, and keep its content sealed under the number of that entry."""
    shipment.trail.keep(shipment.tenant, shipment.shipment_id, PAPER, tx.now, paper.fact(case.number, committed))
    entry = shipment.trail.count
    sealed = await asyncio.to_thread(key.seal, paper.content, bound_to(shipment.tenant, shipment.shipment_id, entry))
    kept = store.SealedPaper(
        entry, case.number, paper.kind.value, paper.content_type, len(paper.content), bytes.fromhex(committed), sealed
    )
    await store.keep_papers(tx, [shipment])
    await store.add_paper(tx, shipment.tenant, shipment.shipment_id, kept)
    await store.save_trails(tx, [shipment])
    return entry


def _check_room(case: Case, paper: Paper) -> None:
    if case.papers >= MOST_PAPERS or case.size + len(paper.content) > MOST_PAPER_BYTES:
        raise Problem(
            409, "case_full", "The case holds as much as one pack can carry",
            f"{case.papers} papers, {case.size} bytes", fix="Send smaller pictures, or close this case first.",
        )  # fmt: skip


async def locked_shipment(tx: Transaction, tenant: str, shipment_id: str) -> Shipment:
    """Return the shipment without its scans, locked; raises the coded 404."""
    found = await store.lock_trails(tx, [(tenant, shipment_id)])
    if not found:
        raise unknown_shipment()
    return found[tenant, shipment_id]


def unknown_shipment() -> Problem:
    """Return the problem of a shipment nobody tracks."""
    return Problem(
        404, "shipment_unknown", "No such shipment is tracked", field="shipment_id",
        fix="Use the shipment_id of LabelCreated: the order id, or the return id.",
    )  # fmt: skip
