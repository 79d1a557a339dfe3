"""Which labels the monthly limits of their accounts allow: those that are to be bought, and those that wait for room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from linkstar_contracts.values import Money
from linkstar_labeler import store
from linkstar_labeler.domain.ledger import admit
from linkstar_labeler.store import AccountKey
from linkstar_labeler.store.shipments import ShipmentKey
from linkstar_runtime.handling import Transaction

__all__ = ["with_room_again", "within_limits"]

Charge = tuple[tuple[AccountKey, str], int]
"""Account and currency, and an amount in minor units."""


async def within_limits(tx: Transaction, limits: Mapping[AccountKey, Money], charges: Sequence[Charge]) -> list[bool]:
    """Tell for each charge, in order, whether its account's limit allows it after the earlier ones. An account without a
    limit, and another currency than the limit's, are not limited.
    """
    limited = [place for place, ((key, of), _) in enumerate(charges) if key in limits and limits[key].currency == of]
    allowed = [True] * len(charges)
    if not limited:
        return allowed
    spent = await store.account_spending(tx, limits, tx.now.date())
    left = {
        (key, limit.currency): limit.amount_minor - spent.get((key, limit.currency), 0) for key, limit in limits.items()
    }
    for place, within in zip(limited, admit([charges[place] for place in limited], left), strict=True):
        allowed[place] = within
    return allowed


async def with_room_again(tx: Transaction, shards: Sequence[int], of_each: int) -> list[ShipmentKey]:
    """Return the shipments held by their account's limit that have room now, in order of arrival; at most
    `of_each` of each account are looked at.
    """
    held = await store.held_by_limits(tx, shards, of_each)
    if not held:
        return []
    limits = await store.account_limits(tx, {each.account for each in held})
    fitting = await within_limits(tx, limits, [((each.account, each.currency), each.charged_minor) for each in held])
    return [each.shipment for each, fits in zip(held, fitting, strict=True) if fits]
