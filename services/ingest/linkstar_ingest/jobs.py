"""The import worker: works order files off in portions. A portion's orders and its progress commit together, so that a
file is worked off exactly once, whatever crashes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from linkstar_contracts.event import Event
from linkstar_contracts.events import OrderCancelRequested, OrderSubmitted
from linkstar_ingest.channels import CHANNELS
from linkstar_ingest.domain.drafts import CancelDraft, OrderDraft, complete
from linkstar_ingest.domain.faults import Refusal, RowFault, schema_faults
from linkstar_ingest.domain.products import Product
from linkstar_ingest.handlers import Intake, outcomes
from linkstar_ingest.settings import ImportSettings, IngestSettings
from linkstar_ingest.store import catalogue, imports
from linkstar_ingest.store.imports import Counts, ImportJob
from linkstar_runtime import Received, ServiceContext
from linkstar_runtime.handling import Outcome as StageOutcome

__all__ = ["run_imports"]

Draft = OrderDraft | CancelDraft


class _Overtaken(Exception):
    """Another worker has done this portion."""


async def run_imports(context: ServiceContext) -> None:
    """Work off all waiting imports, oldest first."""
    settings = context.settings.imports if isinstance(context.settings, IngestSettings) else ImportSettings()
    intake = Intake(context.vault)
    while True:
        now = context.clock.wall()
        async with context.database.transaction() as tx:
            job = await imports.lease_job(tx, now, now + timedelta(seconds=settings.lease_s))
            raw = await imports.load_file(tx, job) if job else None
        if job is None:
            return
        try:
            await _work_off(context, intake, settings, job, raw or b"")
        except _Overtaken:
            continue


async def _work_off(
    context: ServiceContext, intake: Intake, settings: ImportSettings, job: ImportJob, raw: bytes
) -> None:
    try:
        file = await asyncio.to_thread(CHANNELS[job.channel], raw)
    except Refusal as refusal:
        async with context.database.transaction() as tx:
            await imports.put_errors(tx, job, [RowFault(1, "", refusal.fault)])
            await imports.finish(tx, job, "failed")
        return
    for start in range(job.progress, len(file.drafts), settings.portion):
        drafts = file.drafts[start : start + settings.portion]
        async with context.database.transaction() as tx:
            skus = [line.sku for draft in drafts if isinstance(draft, OrderDraft) for line in draft.lines]
            products = await catalogue.load_products(tx, job.tenant, skus)
        leased_until = context.clock.wall() + timedelta(seconds=settings.lease_s)
        portion = _Portion(intake, job, start, drafts, leased_until)
        await asyncio.to_thread(portion.fill, context.clock.now(), products)
        await context.writer.submit(portion.handle, portion.events)
    async with context.database.transaction() as tx:
        await imports.finish(tx, job, "done")


@dataclass(slots=True)
class _Portion:
    """Some orders of a file on their way through one transaction."""

    intake: Intake
    job: ImportJob
    start: int
    drafts: Sequence[Draft]
    leased_until: datetime
    events: list[Event] = field(default_factory=list)
    rows: dict[tuple[str, str], int] = field(default_factory=dict)
    """Row of each order, by event type and order id."""
    faults: list[RowFault] = field(default_factory=list)
    rejected: int = 0

    async def handle(self, batch: Sequence[Received[Any]], tx: Any) -> Sequence[StageOutcome]:
        """Take the orders in and write the progress down in the same transaction."""
        verdicts = await self.intake.judge(batch, tx)
        faults = list(self.faults)
        counts = Counts(drafts=len(self.drafts), rejected=self.rejected)
        for verdict in verdicts:
            event = verdict.received.event
            if verdict.fault is not None:
                faults.append(RowFault(self.rows[event.TYPE, event.order_id], event.order_id, verdict.fault))
                counts = replace(counts, rejected=counts.rejected + 1)
            elif isinstance(event, OrderCancelRequested):
                counts = replace(counts, cancels=counts.cancels + 1)
            elif verdict.status == "duplicate":
                counts = replace(counts, duplicates=counts.duplicates + 1)
            else:
                counts = replace(counts, accepted=counts.accepted + 1)
        if not await imports.advance(tx, self.job, self.start, counts, self.leased_until):
            raise _Overtaken
        await imports.put_errors(tx, self.job, faults)
        return outcomes(replace(verdict, fault=None) for verdict in verdicts)

    def fill(self, now: datetime, products: dict[str, Product]) -> None:
        """Make each draft an event, or note what is wrong with it."""
        for draft in self.drafts:
            event = _event(draft, self.job, now, products)
            if isinstance(event, list):
                self.faults += event
                self.rejected += 1
            else:
                self.events.append(event)
                self.rows[event.TYPE, event.order_id] = draft.row


def _event(
    draft: Draft, job: ImportJob, now: datetime, products: dict[str, Product]
) -> OrderSubmitted | OrderCancelRequested | list[RowFault]:
    if isinstance(draft, OrderDraft):
        return complete(draft, job.tenant, now, job.warehouse, products)
    try:
        return OrderCancelRequested(tenant=job.tenant, order_id=draft.order_id, occurred_at=now, reason=draft.reason)
    except ValidationError as error:
        return [RowFault(draft.row, draft.order_id, schema_faults(error)[0])]
