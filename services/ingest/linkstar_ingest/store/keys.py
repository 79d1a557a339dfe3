"""Keys of orders as columns of a statement."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Key", "pairs"]

Key = tuple[str, str]
"""(tenant, order id)."""


def pairs(keys: Iterable[Key]) -> tuple[list[str], list[str]]:
    """Return distinct keys in lock order as two columns."""
    ordered = sorted(set(keys))
    return [tenant for tenant, _ in ordered], [order_id for _, order_id in ordered]
