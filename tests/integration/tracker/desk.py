"""The tracker's handlers on a real database, as the stage would call them, with a clock that moves when told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from unit.tracker.tracked_facts import LABELLED

from linkstar_contracts.events import CarrierScan, ExceptionRaised, LabelCreated, LabelVoided, TrackingUpdated
from linkstar_runtime.clock import ManualClock
from linkstar_runtime.database import Database
from linkstar_runtime.handling import Linked, Outcome, Received
from linkstar_runtime.migrate import migrate
from linkstar_runtime.settings import DatabaseSettings
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.domain.shipment import Rules
from linkstar_tracker.handlers import Tracking
from linkstar_tracker.settings import Settings

LIVES = timedelta(days=365)
"""Tests tell whole lives at once, whatever the clock shows."""


class Desk:
    """Each call is one committed transaction, at the clock's time."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database = database
        self.clock = clock
        self.tracking = Tracking(Rules.shipped(), ahead=LIVES)

    async def labels(self, *events: LabelCreated | LabelVoided) -> Sequence[Outcome]:
        async with self.database.transaction() as tx:
            return _told(await self.tracking.on_labels([_received(event) for event in events], tx))

    async def scans(self, *scans: Scan, tenant: str = "demo", order: str = "s-1") -> Sequence[Outcome]:
        events = [scan.event(tenant, order, order) for scan in scans]
        async with self.database.transaction() as tx:
            received = [_received(event) for event in events]
            return _told([each async for few in self.tracking.on_carrier_scans(received, tx) for each in few])

    async def timer(self, hours: float, shards: Sequence[int] = (3,)) -> Sequence[Outcome]:
        self.clock.advance(LABELLED + timedelta(hours=hours) - self.clock.now())
        async with self.database.transaction() as tx:
            return _told(await self.tracking.raise_silences(shards, tx))


def _told(outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    return [outcome.event if isinstance(outcome, Linked) else outcome for outcome in outcomes]


@asynccontextmanager
async def opened_desk(database_url: str) -> AsyncIterator[Desk]:
    """A desk over empty tables."""
    await migrate(database_url, "tracker", "linkstar_tracker.migrations")
    clock = ManualClock(LABELLED)
    database = await Database.connect(Settings(database=DatabaseSettings(url=database_url)), "tracker", clock)
    async with database.transaction() as tx:
        for table in ("tracker", "scan", "shipment_exception", "tracking_number", "number_conflict", "unmatched_scan",
                      "unmapped_code", "silence", "evidence", "watch_policy", "quarantined_scan", "shipment_action",
                      "automation", "exception_review", "rule_firing", "idempotency_key",
                      "evidence_case", "evidence_paper", "signing_key", "lane_course",
                      "incident", "watch_tally", "lane_outcome"):  # fmt: skip
            await tx.execute(f"DELETE FROM {table}")
    yield Desk(database, clock)
    await database.close()


def told(outcomes: Sequence[object]) -> list[tuple[int, str]]:
    return [(each.version, each.status.value) for each in outcomes if isinstance(each, TrackingUpdated)]


def raised(outcomes: Sequence[object]) -> list[tuple[str, int, str]]:
    return [(e.exception_id, e.version, e.state.value) for e in outcomes if isinstance(e, ExceptionRaised)]


def _received(event: LabelCreated | LabelVoided | CarrierScan) -> Received[LabelCreated | LabelVoided | CarrierScan]:
    return Received(event, event.key, 3)
