"""The end of the day: days close by themselves after their cut-off where the seller wants that, and carriers are asked for
manifests and drivers.
"""

from __future__ import annotations

from datetime import timedelta

from linkstar_labeler.domain.manifests import ManifestState
from linkstar_labeler.domain.purchase_steps import Patience
from linkstar_labeler.handlers import AccountConnectors
from linkstar_labeler.handlers.closing import CloseOrder, Closer
from linkstar_labeler.handlers.manifest_calls import ManifestCalls
from linkstar_labeler.handlers.pickup_calls import PickupCalls
from linkstar_labeler.settings import PurchaseSettings
from linkstar_labeler.store.hand_overs import due_plans, plan_next_close
from linkstar_labeler.store.manifests import drop_manifest_documents, open_manifests
from linkstar_labeler.store.pickups import unknown_pickups
from linkstar_runtime.handling import Transaction
from linkstar_runtime.metrics import MANIFESTS_OPEN, PICKUPS_UNKNOWN, OfState
from linkstar_runtime.service import ServiceContext, Worker

__all__ = ["ITSELF", "EndOfDay", "close_due_day", "measure_hand_overs"]

ITSELF = "end-of-day"
"""Who closed a day that closed by itself, in the place of an API key."""
_KEPT = timedelta(days=60)
"""How long a carrier's own sheet is kept."""


class EndOfDay:
    """One replica's share: every replica takes what is due and nobody else has in hand."""

    def __init__(self, connectors: AccountConnectors, settings: PurchaseSettings) -> None:
        self._connectors, self._look_s = connectors, settings.look_s
        self._patience = Patience(lease_s=settings.lease_s, settle_s=settings.settle_s, give_up_s=settings.give_up_s)

    @property
    def workers(self) -> tuple[Worker, ...]:
        """The loops, with their real periods."""
        return (
            Worker("close-days", self._look_s * 4, self._close),
            Worker("ask-for-manifests", self._look_s, self._ask),
            Worker("drop-manifest-sheets", 3_600.0, _drop),
            Worker("measure-hand-overs", 30.0, measure_hand_overs),
        )

    async def _close(self, context: ServiceContext) -> None:
        closer = Closer(self._connectors, context.clock)
        while True:
            async with context.database.transaction() as tx:
                if not await close_due_day(tx, closer):
                    return

    async def _ask(self, context: ServiceContext) -> None:
        database, clock = context.database, context.clock
        await ManifestCalls(database, context.vault, self._connectors, clock, self._patience).run()
        await PickupCalls(database, self._connectors, clock, self._patience).run()


async def close_due_day(tx: Transaction, closer: Closer) -> bool:
    """Close one day whose cut-off has passed. After a stop the newest such day is closed, with all that waits for it."""
    for plan in await due_plans(tx, 1):
        hand_over = plan.hand_over
        day = hand_over.local_day(hand_over.last_cut_off(tx.now))
        await closer.close(tx, CloseOrder(plan.tenant, plan.warehouse, plan.carrier, day, False, ITSELF))
        await plan_next_close(tx, plan, hand_over.next_cut_off(tx.now))
        return True
    return False


async def measure_hand_overs(context: ServiceContext) -> None:
    """Show what has not ended; every replica shows the same figures."""
    async with context.database.transaction() as tx:
        found, unknown = await open_manifests(tx), await unknown_pickups(tx)
    for state in (ManifestState.CLOSING, ManifestState.UNKNOWN):
        MANIFESTS_OPEN.set(OfState(state.value), found.get(state.value, 0))
    PICKUPS_UNKNOWN.set(unknown)


async def _drop(context: ServiceContext) -> None:
    async with context.database.transaction() as tx:
        await drop_manifest_documents(tx, tx.now - _KEPT)
