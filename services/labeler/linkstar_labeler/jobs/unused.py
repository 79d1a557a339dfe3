"""Labels that no carrier ever scanned are given up, and their price comes back, where the seller wants that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from linkstar_contracts.event import Event
from linkstar_labeler import store
from linkstar_labeler.handlers import Settler
from linkstar_labeler.store import unused
from linkstar_runtime.handling import Transaction
from linkstar_runtime.service import TimerHandler

__all__ = ["give_up_unused"]

AT_ONCE = 500
"""Labels of a tenant given up in one transaction."""


def give_up_unused(settler: Settler) -> TimerHandler:
    """Return the timer that voids labels which were not scanned within the seller's days. Each is looked at once."""

    async def handler(shards: Sequence[int], tx: Transaction) -> Sequence[Event]:
        events: list[Event] = []
        for policy in await unused.unused_policies(tx, shards):
            until = tx.now - timedelta(days=policy.after_days)
            keys = await unused.unused_labels(tx, policy, shards, until, AT_ONCE)
            if len(keys) < AT_ONCE:
                await unused.note_swept(tx, policy.tenant, shards, until)
            locked = await store.lock_shipments(tx, keys) if keys else {}
            given_up = [shipment for shipment in locked.values() if shipment.void("unused")]
            events += await settler.settle(tx, given_up)
        return events

    return handler
