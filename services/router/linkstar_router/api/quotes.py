"""`/v1/quotes`: one shipment or many priced under every service. Nothing is stored, so a repeat is always safe."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import ValidationError

from linkstar_router.domain.decision import is_timezone
from linkstar_router.domain.quotes import QuoteRequest, quote
from linkstar_router.domain.snapshot import Snapshot
from linkstar_router.domain.terms import Terms
from linkstar_router.store.termbook import Termbook
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.clock import Clock
from linkstar_runtime.json_body import check_json
from linkstar_runtime.problems import Problem, validation_problem
from linkstar_runtime.service import Command, ServiceContext
from linkstar_runtime.turns import Turns

__all__ = ["Quoter", "quote_command", "routes"]

BATCH = 500


class Quoter:
    """Answers quotes under the same terms, as the JSON that is sent."""

    def __init__(self, terms: Terms, penalty_minor: int, clock: Clock) -> None:
        self._terms = terms
        self._penalty_minor = penalty_minor
        self._clock = clock

    def one(self, body: object, now: datetime) -> bytes:
        """Return the quote of one request body; raises Problem when it is not valid."""
        made = quote(self._terms, _request(body), now, self._penalty_minor)
        return made.__pydantic_serializer__.to_json(made, exclude_none=True)

    async def answer(self, body: dict[str, Any], now: datetime) -> bytes:
        """Return the quote, or the results of `{"quotes": [...]}`."""
        return await self.many(_batch(body["quotes"]), now) if "quotes" in body else self.one(body, now)

    async def many(self, bodies: list[object], now: datetime) -> bytes:
        """Return one result per body, in their order; a bad one does not block the rest, nor the batch other work."""
        results: list[bytes] = []
        turns = Turns(self._clock)
        for index, body in enumerate(bodies):
            results.append(self._result(index, body, now))
            await turns.pause()
        return b'{"results":[%s]}' % b",".join(results)

    def _result(self, index: int, body: object, now: datetime) -> bytes:
        try:
            return b'{"index":%d,"status":"quoted","quote":%s}' % (index, self.one(body, now))
        except Problem as problem:
            document = json.dumps(problem.document).encode()
            return b'{"index":%d,"status":"rejected","problem":%s}' % (index, document)


def routes(context: ServiceContext, termbook: Termbook, penalty_minor: int) -> APIRouter:
    """Return the route."""
    router = APIRouter(tags=["quotes"])

    @router.post("/quotes")
    async def quotes(
        body: dict[str, Any], principal: Principal = Depends(context.authorize("quotes:read"))
    ) -> Response:
        """Price one shipment, or up to 500 as `{"quotes": [...]}`: itemised, with reasons for what is missing.

        The seller's rules hold as they do for orders; full capacity pools are told, and nothing is taken of any.
        """
        quoter = Quoter(await termbook.of(principal.tenant), penalty_minor, context.clock)
        return Response(await quoter.answer(body, context.clock.now()), media_type="application/json")

    return router


def quote_command(snapshot: Snapshot, penalty_minor: int) -> Command:
    """Return the command that answers as `POST /v1/quotes` does."""

    async def answer(body: bytes, clock: Clock) -> bytes:
        check_json(body)
        stated = json.loads(body or b"null")
        if not isinstance(stated, dict):
            raise Problem(422, "dict_type", "The input is no JSON object", fix="Send one quote or a batch of quotes.")
        return await Quoter(Terms(snapshot), penalty_minor, clock).answer(stated, clock.now())

    return Command("quote", "quote standard input as POST /v1/quotes does", answer)


def _batch(bodies: object) -> list[object]:
    if not isinstance(bodies, list) or not 1 <= len(bodies) <= BATCH:
        fix = f"Send 1 to {BATCH} quotes in a list."
        raise Problem(422, "batch_size", "The batch is empty, too long or no list", field="quotes", fix=fix)
    return bodies


def _request(body: object) -> QuoteRequest:
    try:
        request = QuoteRequest.model_validate_json(json.dumps(body))
    except ValidationError as error:
        raise validation_problem(error) from error
    if not is_timezone(request.warehouse.timezone):
        fix = "Use an IANA name such as Europe/London."
        raise Problem(422, "timezone_unknown", "No such time zone", field="warehouse.timezone", fix=fix)
    _check_parcels(request)
    return request


def _check_parcels(request: QuoteRequest) -> None:
    values = [parcel.declared_value for parcel in request.parcels]
    if len({value.currency for value in values}) > 1:
        fix = "Use one currency per shipment."
        raise Problem(422, "currency_mixed", "The parcels differ in currency", field="parcels.declared_value", fix=fix)
    if any(value.amount_minor < 0 for value in values):
        fix = "State the value of the goods."
        raise Problem(422, "value_negative", "A value is below zero", field="parcels.declared_value", fix=fix)
