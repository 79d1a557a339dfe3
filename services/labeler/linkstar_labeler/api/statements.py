"""`/v1/ledger/statement`: a wallet's month as CSV or PDF, in English or Chinese."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from linkstar_contracts.text import CurrencyCode
from linkstar_labeler.domain.months import Month
from linkstar_labeler.domain.statement_pdf import statement_pdf
from linkstar_labeler.domain.statements import csv_closing, csv_entries, csv_opening
from linkstar_labeler.store.statements import LedgerMonth, ledger_month
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext

__all__ = ["routes"]

MOST_PRINTED = 20_000
"""Entries of a PDF: about 400 pages."""
_IN_MEMORY = 1 << 20
_CHUNK = 1 << 16
_MONTH = r"^20\d\d-(0[1-9]|1[0-2])$"


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    reader = Depends(context.authorize("wallet:read"))

    @router.get("/ledger/statement", responses={200: {"content": {"text/csv": {}, "application/pdf": {}}}})
    async def statement(
        month: Annotated[str, Query(pattern=_MONTH)], currency: Annotated[CurrencyCode, Query()],
        format: Literal["csv", "pdf"] = "csv", lang: Literal["en", "zh"] = "en", principal: Principal = reader,
    ) -> Response:  # fmt: skip
        """The month's opening balance, every entry, closing balance: equal to the ledger, or it is not given out."""
        async with ledger_month(context.database, principal.tenant, currency, Month.parse(month)) as found:
            if format == "csv":
                return StreamingResponse(_chunks(await _csv(found, lang)), media_type="text/csv; charset=utf-8")
            return Response(await _pdf(found, lang), media_type="application/pdf")

    return router


async def _csv(found: LedgerMonth, lang: str) -> IO[bytes]:
    """Write the statement to a file that leaves memory when it grows, so that a slow reader holds no connection."""
    file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed when it has been read
    file.write(f"\ufeff{csv_opening(found.statement, lang)}".encode())
    async for portion in found.movements():
        file.write((await asyncio.to_thread(csv_entries, found.statement, portion, lang)).encode())
    _check(found)
    file.write(csv_closing(found.statement, lang).encode())
    file.seek(0)
    return file


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk


async def _pdf(found: LedgerMonth, lang: str) -> bytes:
    if found.count > MOST_PRINTED:
        title = f"{found.count} entries are too many for paper"
        raise Problem(422, "statement_too_long", title, field="format", fix="Ask for format=csv.")
    movements = [movement async for portion in found.movements() for movement in portion]
    printed = await asyncio.to_thread(statement_pdf, found.statement, movements, lang)
    _check(found)
    return printed


def _check(found: LedgerMonth) -> None:
    """Refuse to give out a statement whose closing balance is not the ledger's sum."""
    if found.statement.balance_minor != found.closing_minor:
        raise LookupError(
            f"the statement closes at {found.statement.balance_minor}, the ledger at {found.closing_minor}"
        )
