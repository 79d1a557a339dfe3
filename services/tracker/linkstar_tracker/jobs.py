"""Loops of the tracker outside the batch."""

from __future__ import annotations

from collections.abc import Sequence

from linkstar_contracts.event import Event
from linkstar_runtime.handling import Transaction
from linkstar_runtime.service import ServiceContext
from linkstar_tracker import store

__all__ = ["tidy_unmatched"]

_AT_ONCE = 500


async def tidy_unmatched(context: ServiceContext) -> None:
    """Pass on waiting scans whose number is known by now, and drop those whose time is over.

    A scan stored in the very moment in which its label is registered is seen by neither side; this finds it.
    """
    await context.writer.run(_pass_on)
    async with context.database.transaction() as tx:
        await store.expire_unmatched(tx, _AT_ONCE)


async def _pass_on(tx: Transaction) -> Sequence[Event]:
    matched = await store.take_matched(tx, _AT_ONCE)
    return [scan.event(owner.tenant, owner.order_id, owner.shipment_id) for scan, owner in matched]
