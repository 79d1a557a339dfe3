"""`/v1/invoices`: carriers' invoices come in whole, are matched line by line, and settled, reviewed or disputed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import date
from io import BytesIO, TextIOWrapper
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from linkstar_contracts.text import CurrencyCode, SafeStr, Token
from linkstar_labeler.api.commands import answered_once
from linkstar_labeler.carriers import CARRIERS
from linkstar_labeler.domain.dispute_windows import window_of
from linkstar_labeler.domain.invoice_files import read_invoices
from linkstar_labeler.domain.invoice_lines import BilledLine, Fault
from linkstar_labeler.domain.invoice_matching import Kind
from linkstar_labeler.domain.invoices import BookedLine
from linkstar_labeler.handlers.invoices import Importer, accept_line, dispute_line, end_dispute, import_lines
from linkstar_labeler.store import disputes, invoice_reports, invoices
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Transaction
from linkstar_runtime.idempotency import IDEMPOTENCY_KEY
from linkstar_runtime.problems import FieldError, Problem
from linkstar_runtime.service import ServiceContext

__all__ = ["routes"]

Carrier = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]
Number = Annotated[str, Path(max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Line = Annotated[int, Path(ge=1, le=999_999_999)]
Layout = Literal["linkstar", "ups-billing-data"]
Step = Callable[[Transaction, BookedLine], Awaitable[None]]

_CSV = {"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}}}}


class Tolerance(BaseModel):
    """Up to which excess of a line the wallet pays without review."""

    model_config = ConfigDict(extra="forbid", strict=True)

    auto_up_to_minor: Annotated[int, Field(ge=0, le=10**9)]


class Objection(BaseModel):
    """Why a line is disputed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Annotated[str, SafeStr(300, 1)]


class Answer(BaseModel):
    """What the carrier decided."""

    model_config = ConfigDict(extra="forbid", strict=True)

    outcome: Literal["won", "lost"]


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/invoices")
    _add_import(router, context)
    _add_reports(router, context)
    _add_steps(router, context)
    return router


def _add_import(router: APIRouter, context: ServiceContext) -> None:
    writer = Depends(context.authorize("invoices:write"))

    @router.post("", status_code=201, openapi_extra={"parameters": [IDEMPOTENCY_KEY], **_CSV})
    async def import_invoices(
        request: Request, carrier: Annotated[Token, Query()], layout: Layout = "linkstar", principal: Principal = writer
    ) -> Response:
        """Take a file of invoices (the raw body) in, as a whole or not at all. Lines known already change nothing."""
        if carrier not in CARRIERS:
            raise Problem(
                422, "carrier_unknown", f"There is no carrier {carrier}", field="carrier",
                fix=f"Name one of {', '.join(sorted(CARRIERS))}.",
            )  # fmt: skip
        lines, faults = await asyncio.to_thread(_read, await request.body(), layout)

        async def work(tx: Transaction, _key: str) -> dict[str, Any]:
            importer = Importer(principal.tenant, carrier, principal.key_id)
            found = faults or await import_lines(tx, importer, lines)
            if found:
                raise _refused(found)
            numbers = sorted({line.invoice_number for line in lines})
            kept = [
                await invoice_reports.invoices_page(tx, principal.tenant, 10, only=(carrier, each)) for each in numbers
            ]
            return {"invoices": [asdict(invoice) for page in kept for invoice in page]}

        return await answered_once(context, request, principal.tenant, work, 201)

    @router.put("/policy/{currency}")
    async def policy(currency: CurrencyCode, body: Tolerance, principal: Principal = writer) -> dict[str, Any]:
        """Set up to which excess of a line this tenant's wallet pays without review. What is billed less comes back."""
        async with context.database.transaction() as tx:
            await invoices.set_tolerance(tx, (principal.tenant, currency), body.auto_up_to_minor, principal.key_id)
        return {"currency": currency, **body.model_dump()}


def _read(body: bytes, layout: str) -> tuple[list[BilledLine], list[Fault]]:
    return read_invoices(TextIOWrapper(BytesIO(body), encoding="utf-8-sig", newline=""), layout)


def _refused(faults: list[Fault]) -> Problem:
    errors = [
        FieldError(code=each.code, field=f"row {each.row}{', ' + each.column if each.column else ''}", detail=each.what,
                   fix=each.fix)
        for each in faults
    ]  # fmt: skip
    title = f"{len(errors)} row(s) cannot be used; nothing was imported"
    first = errors[0]
    return Problem(
        422, "invoice_invalid", title, first["detail"], field=first["field"], fix=first["fix"], errors=errors
    )


def _add_reports(router: APIRouter, context: ServiceContext) -> None:
    reader = Depends(context.authorize("invoices:read"))

    @router.get("")
    async def page(
        principal: Principal = reader, after: Annotated[str, Query(max_length=110)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> dict[str, Any]:  # fmt: skip
        """Invoices with their sums, by carrier and number; `next` is the cursor of the following page."""
        carrier, number, currency = (*after.split("/", 2), "", "", "")[:3]
        async with context.database.transaction() as tx:
            found = await invoice_reports.invoices_page(tx, principal.tenant, limit, (carrier, number, currency))
        following = (
            {"next": "/".join((found[-1].carrier, found[-1].invoice_number, found[-1].currency))}
            if len(found) == limit
            else {}
        )
        return {"invoices": found, **following}

    @router.get("/disputes")
    async def open_disputes(
        principal: Principal = reader, state: Literal["open", "won", "lost", "expired"] | None = None
    ) -> dict[str, Any]:
        """Disputes, those that are due first; 500 at most."""
        async with context.database.transaction() as tx:
            return {"disputes": await disputes.disputes_page(tx, principal.tenant, state, 500)}

    @router.get("/{carrier}/{number}")
    async def show(
        carrier: Carrier, number: Number, principal: Principal = reader, kind: Kind | None = None,
        after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> dict[str, Any]:  # fmt: skip
        """One invoice: its sums, expected beside billed by charge code, and its lines behind line `after`."""
        async with context.database.transaction() as tx:
            sums = await invoice_reports.invoices_page(tx, principal.tenant, 10, only=(carrier, number))
            if not sums:
                raise Problem(404, "invoice_unknown", "There is no such invoice", fix="Check carrier and number.")
            codes = await invoice_reports.invoice_codes(tx, principal.tenant, carrier, number)
            lines = await invoice_reports.invoice_lines(
                tx, principal.tenant, carrier, number, after, limit, kind.value if kind else None
            )
        following = {"next": lines[-1]["line"]} if len(lines) == limit else {}
        terms = _terms(carrier, sums[0].invoice_date)
        return {"sums": sums, "terms": terms, "codes": codes, "lines": lines, **following}


def _terms(carrier: str, invoice_date: date) -> dict[str, Any]:
    window = window_of(carrier, invoice_date)
    return {"dispute_until": window.closes_on(invoice_date), "source": window.source, "as_of": window.as_of,
            "synthetic": window.synthetic}  # fmt: skip


def _add_steps(router: APIRouter, context: ServiceContext) -> None:
    writer = Depends(context.authorize("invoices:write"))
    keyed: dict[str, Any] = {"parameters": [IDEMPOTENCY_KEY]}

    async def step(request: Request, caller: Principal, place: tuple[str, str, int], needed: str, do: Step) -> Response:
        async def work(tx: Transaction, _key: str) -> dict[str, Any]:
            line = await invoices.lock_line(tx, caller.tenant, *place)
            if line is None:
                raise Problem(404, "line_unknown", "There is no such line", fix="Check carrier, invoice and line.")
            if line.state != needed:
                raise Problem(
                    409, f"line_{line.state}", f"The line is {line.state}", fix=f"Only a line in {needed} can."
                )
            await do(tx, line)
            after = await invoices.lock_line(tx, caller.tenant, *place) or line
            return {"carrier": after.carrier, "invoice_number": after.invoice_number, "line": after.line,
                    "kind": after.kind.value, "state": after.state, "currency": after.currency,
                    "variance_minor": after.variance_minor}  # fmt: skip

        return await answered_once(context, request, caller.tenant, work)

    @router.post("/{carrier}/{number}/lines/{line}/accept", openapi_extra=keyed)
    async def accept(
        carrier: Carrier, number: Number, line: Line, request: Request, caller: Principal = writer
    ) -> Response:
        """Take a line in review as it was billed."""
        return await step(request, caller, (carrier, number, line), "review", accept_line)

    @router.post("/{carrier}/{number}/lines/{line}/dispute", openapi_extra=keyed)
    async def dispute(
        carrier: Carrier, number: Number, line: Line, body: Objection, request: Request, caller: Principal = writer
    ) -> Response:
        """Contest a line in review, within the carrier's window."""

        async def do(tx: Transaction, found: BookedLine) -> None:
            _check_disputable(found, tx)
            await dispute_line(tx, found, body.reason, caller.key_id)

        return await step(request, caller, (carrier, number, line), "review", do)

    @router.post("/{carrier}/{number}/lines/{line}/answer", openapi_extra=keyed)
    async def answer(
        carrier: Carrier, number: Number, line: Line, body: Answer, request: Request, caller: Principal = writer
    ) -> Response:
        """Note what the carrier decided, and post who pays."""

        async def do(tx: Transaction, found: BookedLine) -> None:
            await end_dispute(tx, [found], body.outcome)

        return await step(request, caller, (carrier, number, line), "disputed", do)


def _check_disputable(line: BookedLine, tx: Transaction) -> None:
    if line.contested_minor <= 0:
        raise Problem(409, "nothing_to_dispute", "The carrier billed no more than expected", fix="Accept the line.")
    last = window_of(line.carrier, line.invoice_date).closes_on(line.invoice_date)
    if tx.now.date() > last:
        raise Problem(409, "dispute_window_closed", f"Disputes were possible until {last}", fix="Accept the line.")
