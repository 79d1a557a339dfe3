"""What the tracker does by time and in loops outside the batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from linkstar_contracts.event import Event
from linkstar_runtime.handling import Transaction
from linkstar_runtime.service import ServiceContext, TimerHandler
from linkstar_tracker import store
from linkstar_tracker.domain.foresight import Foresight, foresee
from linkstar_tracker.settings import SilenceSettings

__all__ = ["renewing", "review_open", "tidy_unmatched"]

_AT_ONCE = 500


async def tidy_unmatched(context: ServiceContext) -> None:
    """Pass on waiting scans whose number is known by now, and drop those whose time is over, as calls of carriers are.

    A scan stored in the very moment in which its label is registered is seen by neither side; this finds it.
    """
    await context.writer.run(_pass_on)
    async with context.database.transaction() as tx:
        await store.expire_unmatched(tx, _AT_ONCE)
        await store.expire_webhooks(tx, _AT_ONCE)


async def review_open(context: ServiceContext) -> None:
    """Have open shipments looked at under their seller's new policy, a portion at a time."""
    async with context.database.transaction() as tx:
        await store.review_next(tx, _AT_ONCE)


async def _pass_on(tx: Transaction) -> Sequence[Event]:
    matched = await store.take_matched(tx, _AT_ONCE)
    return [scan.event(owner.tenant, owner.order_id, owner.shipment_id) for scan, owner in matched]


def renewing(foresight: Foresight, settings: SilenceSettings) -> TimerHandler:
    """Return the timer that keeps a process's foresight up to date with what all of them have counted."""

    async def renew(shards: Sequence[int], tx: Transaction) -> Sequence[Event]:
        since = await store.first_week(tx)
        if since is not None and (tx.now.date() - since).days >= settings.least_days:
            counts = await store.learned_silences(tx)
            patience, trust, most = settings.patience, settings.trust, settings.alerts_per_1000
            foresight.renew(await asyncio.to_thread(foresee, counts, patience, trust, most))
        await store.drop_silences(tx, shards)
        return ()

    return renew
