"""The book of attempts and orphans in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from linkstar_labeler import store
from linkstar_labeler.domain.connector import BillableLabel, CarrierConnector, LabelRequest, RecoverOutcome
from linkstar_labeler.domain.purchase_steps import Patience
from linkstar_labeler.domain.reconciliation import Standing, judge, weigh
from linkstar_labeler.handlers.connectors import Connectors
from linkstar_labeler.handlers.reconciling import OrphanEnd, Suspect
from linkstar_labeler.handlers.requests import Asked, write_requests
from linkstar_labeler.store import AccountKey, OrphanLabel
from linkstar_runtime.clock import Clock
from linkstar_runtime.database import Database
from linkstar_runtime.ids import Ids
from linkstar_runtime.metrics import LABELS_LISTED, ORPHAN_LABELS, OfState, Standings
from linkstar_runtime.vault import Vault

__all__ = ["StoredOrphans"]


class StoredOrphans:
    """`OrphanBook` over labeler's tables."""

    def __init__(
        self, database: Database, vault: Vault, connectors: Connectors, clock: Clock, patience: Patience
    ) -> None:
        self._database, self._vault, self._connectors = database, vault, connectors
        self._clock, self._patience = clock, patience
        self._ids = Ids()

    async def days_in_doubt(self) -> Sequence[tuple[AccountKey, CarrierConnector, date]]:
        """Return today and yesterday of each account that bought then, and every day with a suspected attempt."""
        found = []
        async with self._database.transaction() as tx:
            for account, day in await store.days_to_compare(tx, tx.now - timedelta(days=1)):
                connector = (await self._connectors.of(tx, account)).connector
                if connector.capabilities.lists_labels:
                    found.append((account, connector, day))
        return found

    async def compare(self, account: AccountKey, day: date, listed: Sequence[BillableLabel]) -> None:
        """Judge a day's list in one transaction."""
        async with self._database.transaction() as tx:
            known = await store.attempted(tx, account, [label.reference for label in listed])
            for label in listed:
                attempt, purchase = known.get(label.reference, (0, None))
                standing = judge(label, attempt, purchase)
                LABELS_LISTED.inc(Standings(standing.value))
                if standing is Standing.ORPHAN:
                    orphan = OrphanLabel(account, label.carrier_id, label.reference, (label.tracking_number,))
                    await store.found_orphan(tx, orphan, self._clock.wall())
            if day < tx.now.date() - timedelta(days=1):
                await store.clear_suspicion(tx, account, day)

    async def take_suspects(self, limit: int) -> Sequence[Suspect]:
        """Take suspected attempts whose look-up is due, under a lease."""
        now = self._clock.wall()
        until = now + timedelta(seconds=self._patience.lease_s)
        async with self._database.transaction() as tx:
            suspected = await store.due_suspects(tx, now, until, limit)
            asked = [Asked(each.key, each.attempt, await self._connectors.of(tx, each.account)) for each in suspected]
            written = await write_requests(tx, self._vault, asked)
        return [
            Suspect(attempt, one.bound.connector, request if isinstance(request, LabelRequest) else None)
            for attempt, one, request in zip(suspected, asked, written, strict=True)
        ]

    async def end_suspect(self, suspect: Suspect, outcome: RecoverOutcome) -> None:
        """Store what the look-up said. A label found is an orphan unless it is the purchase's own."""
        attempt = suspect.attempt
        async with self._database.transaction() as tx:
            known = await store.attempted(tx, attempt.account, [attempt.reference])
            _, purchase = known[attempt.reference]
            found = weigh(outcome, attempt.reference, attempt.attempt, attempt.checks, purchase, self._patience)
            if found.orphan:
                numbers = tuple(parcel.tracking_number or "" for parcel in found.orphan.parcels)
                orphan = OrphanLabel(attempt.account, found.orphan.carrier_id, attempt.reference, numbers)
                await store.found_orphan(tx, orphan, self._clock.wall())
            again_at = self._clock.wall() + timedelta(seconds=found.again_s) if found.again_s else None
            await store.end_suspicion(tx, attempt.reference, found.checks, again_at)

    async def take_orphans(self, limit: int) -> Sequence[tuple[OrphanLabel, CarrierConnector]]:
        """Take orphans whose void is due, under a lease."""
        now = self._clock.wall()
        until = now + timedelta(seconds=self._patience.lease_s)
        async with self._database.transaction() as tx:
            taken = await store.due_orphans(tx, now, until, self._ids.hex(12), limit)
            return [(orphan, (await self._connectors.of(tx, orphan.account)).connector) for orphan in taken]

    async def end_orphan(self, orphan: OrphanLabel, end: OrphanEnd) -> None:
        """Store what the carrier said."""
        again_at = self._clock.wall() + timedelta(seconds=end.again_s) if end.state == "voiding" else None
        async with self._database.transaction() as tx:
            await store.end_orphan(tx, orphan, end.state, end.detail, again_at)
        ORPHAN_LABELS.inc(OfState(end.state))
