"""The loops that buy labels over the network, compare them with the carriers' lists, and void what nobody pays for."""

from __future__ import annotations

from linkstar_labeler import store
from linkstar_labeler.domain.purchase_steps import OPEN_STATES, PurchaseState
from linkstar_labeler.handlers import AccountConnectors, Buyer, Reconciler, StoredOrphans, StoredPurchases
from linkstar_labeler.handlers.interventions import Interventions
from linkstar_labeler.settings import PurchaseSettings
from linkstar_runtime.metrics import PURCHASE_UNKNOWN_AGE, PURCHASES_OPEN, OfState
from linkstar_runtime.service import ServiceContext, Worker

__all__ = ["Purchasing"]

_WAITING = (*OPEN_STATES, PurchaseState.VOIDING)


class Purchasing:
    """One replica's share of the purchases: every replica takes what is due and nobody else has in hand."""

    def __init__(self, connectors: AccountConnectors, settings: PurchaseSettings) -> None:
        self._connectors, self._settings = connectors, settings
        self._patience = settings.patience

    @property
    def workers(self) -> tuple[Worker, ...]:
        """The loops, with their real periods."""
        own = self._settings
        return (
            Worker("buy-labels", own.look_s, self._buy),
            Worker("void-orphans", own.look_s * 10, self._void_orphans),
            Worker("compare-lists", own.compare_s, self._compare),
            Worker("ask-carriers", own.look_s * 2, self._ask),
            Worker("measure-purchases", 30.0, _measure),
        )

    async def _buy(self, context: ServiceContext) -> None:
        book = StoredPurchases(
            context.database, context.writer, context.vault, self._connectors, context.clock, self._patience
        )
        await Buyer(book, context.clock, self._settings.at_once).run()

    async def _ask(self, context: ServiceContext) -> None:
        database, writer, clock = context.database, context.writer, context.clock
        await Interventions(database, writer, context.vault, self._connectors, clock, self._patience).run()

    async def _void_orphans(self, context: ServiceContext) -> None:
        reconciler = self._reconciler(context)
        await reconciler.look_up_suspects()
        await reconciler.void_orphans()

    async def _compare(self, context: ServiceContext) -> None:
        await self._reconciler(context).read_lists()

    def _reconciler(self, context: ServiceContext) -> Reconciler:
        book = StoredOrphans(context.database, context.vault, self._connectors, context.clock, self._patience)
        return Reconciler(book, self._patience)


async def _measure(context: ServiceContext) -> None:
    """Show what has not ended; every replica shows the same figures."""
    async with context.database.transaction() as tx:
        found = await store.open_purchases(tx)
    for state in _WAITING:
        PURCHASES_OPEN.set(OfState(state.value), found[state.value][0] if state.value in found else 0)
    _, since = found.get(PurchaseState.UNKNOWN.value, (0, None))
    PURCHASE_UNKNOWN_AGE.set((context.clock.wall() - since).total_seconds() if since else 0.0)
