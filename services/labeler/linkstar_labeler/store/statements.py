"""A wallet's month from the ledger, as it stood at one moment."""
# ruff: noqa: S608 - every part of a statement is a constant of this module

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from linkstar_labeler.domain.months import Month
from linkstar_labeler.domain.statements import Movement, Statement
from linkstar_runtime.database import Database

__all__ = ["LedgerMonth", "ledger_month"]

_MOVED = "CASE WHEN to_account = 'wallet' THEN amount_minor ELSE -amount_minor END"
_WALLET = "tenant = $1 AND currency = $2 AND 'wallet' IN (from_account, to_account)"
_AT_ONCE = 1_000


class LedgerMonth:
    """A month in a snapshot of the database: its opening balance is known, its movements come in portions."""

    def __init__(self, connection: Any, statement: Statement, closing_minor: int, count: int) -> None:
        self._connection = connection
        self.statement = statement
        self.closing_minor = closing_minor
        """The sum of the ledger up to the month's end, by a query of its own."""
        self.count = count

    async def movements(self) -> AsyncIterator[list[Movement]]:
        """Yield the month's movements by time, in portions."""
        statement = self.statement
        cursor = await self._connection.cursor(
            f"""SELECT entry_id, posted_at, posting_id, shipment_id, reference, {_MOVED} AS amount_minor
                FROM ledger_entry WHERE {_WALLET} AND posted_at >= $3 AND posted_at < $4
                ORDER BY posted_at, entry_id""",
            statement.tenant, statement.currency, statement.month.starts_at, statement.month.ends_at,
        )  # fmt: skip
        while rows := await cursor.fetch(_AT_ONCE):
            yield [Movement(**row) for row in rows]


@asynccontextmanager
async def ledger_month(database: Database, tenant: str, currency: str, month: Month) -> AsyncIterator[LedgerMonth]:
    """Open a wallet's month."""
    async with (
        database.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        row = await connection.fetchrow(
            f"""SELECT coalesce(sum({_MOVED}) FILTER (WHERE posted_at < $3), 0)::bigint AS opening,
                       coalesce(sum({_MOVED}), 0)::bigint AS closing,
                       count(*) FILTER (WHERE posted_at >= $3) AS count
                FROM ledger_entry WHERE {_WALLET} AND posted_at < $4""",
            tenant, currency, month.starts_at, month.ends_at,
        )  # fmt: skip
        if row is None:
            raise LookupError("a sum returns one row")
        statement = Statement(tenant, currency, month, row["opening"])
        yield LedgerMonth(connection, statement, row["closing"], row["count"])
