"""HTTP of the router: quotes for one or many shipments, stored decisions, and the price lists in use."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import ConfigDict, Field, ValidationError

from linkstar_contracts.events import CostedRoute, Exclusion
from linkstar_contracts.values import Destination, Instant, Notice, Parcel, ServiceOptions, Value, Warehouse
from linkstar_router import store
from linkstar_router.domain.decision import ANSWER_FIELDS, Question, decide, is_timezone, reexecute
from linkstar_router.domain.notices import notices
from linkstar_router.domain.packs import load_gaps, packs_of
from linkstar_router.domain.routes import costed, exclusions
from linkstar_router.domain.shipment import Record
from linkstar_router.domain.snapshot import Snapshot
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.problems import Problem, validation_problem
from linkstar_runtime.service import ServiceContext

__all__ = ["quote_routes"]

_BATCH, _YIELD_EVERY, _DECISIONS = 500, 8, 50


class QuoteRequest(Value):
    """A shipment to price: as an order, but without a consignee. `ordered_at` decides which lists hold; default now."""

    model_config = ConfigDict(extra="forbid")

    warehouse: Warehouse
    destination: Destination
    parcels: Annotated[tuple[Parcel, ...], Field(min_length=1, max_length=20, strict=False)]
    options: ServiceOptions = ServiceOptions()
    ordered_at: Instant | None = None


class Quote(Value):
    """Every service that can take the shipment, best first, and why the others cannot."""

    routes: tuple[CostedRoute, ...]
    excluded: tuple[Exclusion, ...]
    notices: tuple[Notice, ...]
    tariffs: str
    """Version of the router data the quote was made from."""


class Quoter:
    """Answers quotes from one snapshot."""

    def __init__(self, snapshot: Snapshot, penalty_minor: int) -> None:
        self._snapshot = snapshot
        self._penalty_minor = penalty_minor

    def quote(self, body: object, now: datetime) -> Quote:
        """Return the quote of one request body; raises Problem when it is not valid."""
        try:
            request = QuoteRequest.model_validate_json(json.dumps(body))
        except ValidationError as error:
            raise validation_problem(error) from error
        if not is_timezone(request.warehouse.timezone):
            fix = "Use an IANA name such as Europe/London."
            raise Problem(422, "timezone_unknown", "No such time zone", field="warehouse.timezone", fix=fix)
        return self._priced(request, now)

    def _priced(self, request: QuoteRequest, now: datetime) -> Quote:
        question = Question(
            warehouse=request.warehouse,
            destination=request.destination,
            parcels=request.parcels,
            options=request.options,
            ordered_at=request.ordered_at or now,
            decided_at=now,
            penalty_minor=self._penalty_minor,
        )
        decision = decide(self._snapshot, question)
        return Quote(
            routes=tuple(costed(candidate) for candidate in decision.candidates),
            excluded=exclusions(decision.excluded),
            notices=notices(self._snapshot, question, decision),
            tariffs=self._snapshot.version,
        )

    async def many(self, bodies: list[object], now: datetime) -> list[dict[str, Any]]:
        """Return one result per body, in their order; a bad one does not block the rest."""
        results: list[dict[str, Any]] = []
        for index, body in enumerate(bodies):
            results.append({"index": index, **self._result(body, now)})
            if index % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
        return results

    def _result(self, body: object, now: datetime) -> dict[str, Any]:
        try:
            return {"status": "quoted", "quote": self.quote(body, now).model_dump(mode="json", exclude_none=True)}
        except Problem as problem:
            return {"status": "rejected", "problem": problem.document}


def quote_routes(snapshot: Snapshot, penalty_minor: int) -> Callable[[ServiceContext], APIRouter]:
    """Return the route factory of the router's HTTP."""

    def routes(context: ServiceContext) -> APIRouter:
        router = APIRouter(prefix="/v1")
        quoter = Quoter(snapshot, penalty_minor)
        may_quote = Depends(context.authorize("quotes:read"))
        may_read_decisions = Depends(context.authorize("decisions:read"))

        @router.post("/quotes")
        async def quote(body: dict[str, Any], _principal: Principal = may_quote) -> dict[str, Any]:
            """Price one shipment, or up to 500 as `{"quotes": [...]}`: itemised, with reasons for what is missing."""
            now = context.clock.now()
            if "quotes" not in body:
                return quoter.quote(body, now).model_dump(mode="json", exclude_none=True)
            return {"results": await quoter.many(_batch(body["quotes"]), now)}

        @router.get("/decisions/{shipment_id}")
        async def decisions(
            shipment_id: str,
            replay: bool = False,
            principal: Principal = may_read_decisions,
        ) -> dict[str, Any]:
            """Every decision about a shipment, newest first; `replay=true` re-executes each and compares."""
            async with context.database.transaction() as tx:
                found = await store.decisions_of(tx, principal.tenant, shipment_id, _DECISIONS)
            if not found:
                raise Problem(404, "decision_unknown", "No decision about this shipment", fix="Check the shipment id.")
            return {"shipment_id": shipment_id, "decisions": [_told(record, snapshot, replay) for record in found]}

        @router.get("/tariffs")
        async def tariffs(
            _principal: Principal = may_quote,
        ) -> dict[str, Any]:
            """The price lists in use with source, date and confidence, and what each carrier's lists leave out."""
            return {"version": snapshot.version, "packs": _packs(snapshot), "gaps": load_gaps()}

        return router

    return routes


def _batch(bodies: object) -> list[object]:
    if not isinstance(bodies, list) or not 1 <= len(bodies) <= _BATCH:
        fix = f"Send 1 to {_BATCH} quotes in a list."
        raise Problem(422, "batch_size", "The batch is empty, too long or no list", field="quotes", fix=fix)
    return bodies


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
