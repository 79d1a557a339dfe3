"""Arrays for `unnest`."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["columns"]


def columns(pairs: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Turn pairs into the two arrays `unnest` wants."""
    rows = list(pairs)
    return [first for first, _ in rows], [second for _, second in rows]
