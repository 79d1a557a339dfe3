"""Arrays for `unnest`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["columns", "literal", "transposed"]


def columns(pairs: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Turn pairs into the two arrays `unnest` wants."""
    rows = list(pairs)
    return [first for first, _ in rows], [second for _, second in rows]


def transposed(rows: Sequence[Sequence[object]]) -> list[Sequence[object]]:
    """Turn rows, of which there is one at least, into their columns."""
    return list(zip(*rows, strict=True))


def literal(values: Iterable[str]) -> str:
    """Write values as PostgreSQL writes a `text[]`: an array of arrays of different lengths cannot be sent as one."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"
