"""`/v1/decisions`: what was decided about a shipment, on what question, and whether it re-executes to the same bytes."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Depends

from linkstar_router import store
from linkstar_router.domain.decision import ANSWER_FIELDS, reexecute
from linkstar_router.domain.shipment import Record
from linkstar_router.domain.snapshot import Snapshot
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext

__all__ = ["routes"]

_DECISIONS = 50


def routes(context: ServiceContext, snapshot: Snapshot) -> APIRouter:
    """Return the route."""
    router = APIRouter(tags=["decisions"])

    @router.get("/decisions/{shipment_id}")
    async def decisions(
        shipment_id: str,
        replay: bool = False,
        principal: Principal = Depends(context.authorize("decisions:read")),
    ) -> dict[str, Any]:
        """Every decision about a shipment, newest first; `replay=true` re-executes each and compares."""
        async with context.database.transaction() as tx:
            found = await store.decisions_of(tx, principal.tenant, shipment_id, _DECISIONS)
        if not found:
            raise Problem(404, "decision_unknown", "No decision about this shipment", fix="Check the shipment id.")
        return {"shipment_id": shipment_id, "decisions": [_told(record, snapshot, replay) for record in found]}

    return router


def _told(record: Record, snapshot: Snapshot, replay: bool) -> dict[str, Any]:
    told = {
        "sequence": record.sequence, "attempt": record.attempt, "decided_at": record.decided_at.isoformat(),
        "snapshot": record.snapshot, "question": json.loads(record.question), "answer": _spelt_out(record.answer),
    }  # fmt: skip
    return told | {"replay": _replayed(record, snapshot)} if replay else told


def _spelt_out(answer: bytes) -> dict[str, Any]:
    """Return the stored answer with the names of its values."""
    stored = json.loads(answer)
    candidates = [dict(zip(ANSWER_FIELDS, candidate, strict=True)) for candidate in stored["candidates"]]
    excluded = [dict(zip(("service", "code", "detail"), entry, strict=True)) for entry in stored["excluded"]]
    return {"candidates": candidates, "excluded": excluded}


def _replayed(record: Record, snapshot: Snapshot) -> str:
    """Say whether the stored question gives the stored bytes again; another version of the data is not guessed at."""
    if record.snapshot != snapshot.version:
        return "other_snapshot"
    return "same" if reexecute(snapshot, record.question) == record.answer else "differs"
