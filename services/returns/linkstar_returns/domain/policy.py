"""When a return may be had, and when it is over by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from linkstar_contracts.events import OrderReceived, ReturnItem

__all__ = ["Policy", "refusal_of"]


@dataclass(frozen=True, slots=True)
class Policy:
    """The seller's terms: days after delivery in which a return may be asked for, and days it may then lie unused."""

    window: timedelta = timedelta(days=30)
    expire_after: timedelta = timedelta(days=30)
    auto_close: bool = True


def refusal_of(
    order: OrderReceived, delivered_at: datetime | None, requested_at: datetime, items: Iterable[ReturnItem],
    returned_before: Iterable[Iterable[ReturnItem]], policy: Policy,
) -> str | None:  # fmt: skip
    """Return the coded reason for which the return is refused, or None. An empty list of items means all of them."""
    if delivered_at is None or delivered_at > requested_at:
        return "not_delivered"
    if requested_at - delivered_at > policy.window:
        return "window_closed"
    return _items_refusal(order, items, returned_before) if order.items else None


def _items_refusal(
    order: OrderReceived, items: Iterable[ReturnItem], returned_before: Iterable[Iterable[ReturnItem]]
) -> str | None:
    left = _ordered(order)
    for earlier in returned_before:
        left.subtract(_counted(earlier) or _ordered(order))
    asked = _counted(items) or _ordered(order)
    if not asked.keys() <= left.keys():
        return "unknown_item"
    return "quantity_exceeded" if any(quantity > left[sku] for sku, quantity in asked.items()) else None


def _ordered(order: OrderReceived) -> Counter[str]:
    ordered: Counter[str] = Counter()
    for item in order.items:
        ordered[item.sku] += item.quantity
    return ordered


def _counted(items: Iterable[ReturnItem]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for item in items:
        counted[item.sku] += item.quantity
    return counted
