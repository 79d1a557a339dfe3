"""Work due by time: what was held goes on by itself once the wallet, or the number range, allows it."""

from __future__ import annotations

from collections.abc import Sequence

from linkstar_contracts.event import Event
from linkstar_labeler import store
from linkstar_labeler.domain.ledger import admit
from linkstar_labeler.handlers import Settler
from linkstar_labeler.handlers.account_limits import with_room_again
from linkstar_runtime.handling import Transaction
from linkstar_runtime.metrics import LABELS_HELD, WALLET_BALANCE, WALLETS_OVERDRAWN, HoldReason, OfCurrency
from linkstar_runtime.service import ServiceContext, TimerHandler

__all__ = ["MoneyGauges", "continue_held"]

AT_ONCE = 500
"""Shipments continued in one transaction."""
AT_ONCE_OF_ACCOUNT = 100
"""Of those, how many of one account that has room again."""


def continue_held(settler: Settler) -> TimerHandler:
    """Return the timer that buys held labels and posts waiting amounts, in order of arrival."""

    async def handler(shards: Sequence[int], tx: Transaction) -> Sequence[Event]:
        keys = await store.held_shipments(tx, shards, AT_ONCE)
        keys += await with_room_again(tx, shards, AT_ONCE_OF_ACCOUNT)
        events: list[Event] = []
        if keys:
            locked = await store.lock_shipments(tx, keys)
            for shipment in locked.values():
                shipment.retry()
            events = await settler.settle(tx, [locked[key] for key in keys])
        await _post_waiting(tx, shards)
        return events

    return handler


class MoneyGauges:
    """Shows wallets and held labels to Prometheus; every replica shows the same figures."""

    def __init__(self) -> None:
        self._codes: set[str] = set()

    async def measure(self, context: ServiceContext) -> None:
        """Read the totals once and set the gauges; a reason that no longer holds anything goes to 0."""
        async with context.database.transaction() as tx:
            totals, held = await store.totals(tx), await store.held_counts(tx)
        for total in totals:
            WALLET_BALANCE.set(OfCurrency(total.currency), total.balance_minor)
        WALLETS_OVERDRAWN.set(sum(total.overdrawn for total in totals))
        self._codes |= held.keys()
        for code in self._codes:
            LABELS_HELD.set(HoldReason(code), held.get(code, 0))


async def _post_waiting(tx: Transaction, shards: Sequence[int]) -> None:
    waiting = await store.waiting_postings(tx, shards, AT_ONCE)
    if not waiting:
        return
    funds = await store.available_funds(tx, [entry.wallet for entry in waiting])
    covered = admit([(entry.wallet, -entry.wallet_change) for entry in waiting], funds)
    posted = [entry for entry, fits in zip(waiting, covered, strict=True) if fits]
    await store.post(tx, posted)
    await store.drop_waiting(tx, posted)
