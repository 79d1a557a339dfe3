"""Takes files of scans in, a portion of rows in each transaction: a process that dies leaves the rest to another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from linkstar_contracts.event import Event
from linkstar_runtime.handling import Transaction
from linkstar_runtime.service import ServiceContext
from linkstar_tracker import store
from linkstar_tracker.domain.scan_files import FileRow, read_scan_file
from linkstar_tracker.jobs.intake import Judged, judge, take
from linkstar_tracker.settings import Settings
from linkstar_tracker.store import RowFault, ScanFile

__all__ = ["ScanFiles"]

_AT_ONCE = 200
_LEASE = timedelta(minutes=2)


class ScanFiles:
    """The loop over files that wait. Scans of a file go in by the door of the webhooks; repeated ones change nothing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __call__(self, context: ServiceContext) -> None:
        """Take the oldest file in that nobody works on."""
        wall = context.clock.wall()
        async with context.database.transaction() as tx:
            await store.expire_scan_files(tx, 10)
            file = await store.lease_scan_file(tx, wall, wall + _LEASE)
        if file is None:
            return
        rows = await asyncio.to_thread(read_scan_file, file.body)
        while file is not None and file.taken < len(rows):
            file = await self._take_next(context, file, rows[file.taken : file.taken + _AT_ONCE])

    async def _take_next(self, context: ServiceContext, file: ScanFile, rows: Sequence[FileRow]) -> ScanFile | None:
        """Take a portion in; None when another process has gone on with the file."""
        judged, faults = await asyncio.to_thread(self._judge, context, rows)
        taken = file.taken + len(rows)
        until = context.clock.wall() + _LEASE
        mine = False

        async def store_rows(tx: Transaction) -> Sequence[Event]:
            nonlocal mine
            done = await take(tx, judged, file.tenant, self._settings.unmatched.keep)
            counts = done.accepted, done.unmatched, len(faults)
            mine = await store.advance_scan_file(tx, file, taken, counts, faults, until)
            return done.events if mine else ()

        await context.writer.run(store_rows)
        return replace(file, taken=taken) if mine else None

    def _judge(self, context: ServiceContext, rows: Sequence[FileRow]) -> tuple[Judged, list[RowFault]]:
        latest = context.clock.now() + self._settings.future_tolerance
        whole = [row for row in rows if row.report is not None]
        judged = judge((row.report for row in whole), latest, "file")
        faults = [
            RowFault(whole[each.index].line, each.code, each.field, each.detail, each.fix) for each in judged.rejected
        ]
        return judged, faults + [_misshapen(row.line) for row in rows if row.report is None]


def _misshapen(line: int) -> RowFault:
    fix = "Give the row as many cells as the header has, none longer than 2,000 characters."
    return RowFault(line, "row_shape", "row", "the row does not have the header's cells", fix)
