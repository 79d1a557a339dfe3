"""What every order file comes down to: drafts of orders and cancels, faults by row, and what needs no shipping."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from linkstar_ingest.channels.rows import Row, Table
from linkstar_ingest.domain.drafts import CancelDraft, OrderDraft
from linkstar_ingest.domain.faults import Fault, RowFault

__all__ = ["Channel", "OrderFile", "group_rows", "service_level"]


@dataclass(slots=True)
class OrderFile:
    """A read order file. Every order of it is in exactly one of `drafts`, `skipped` and, by order id, `faults`."""

    rows: int = 0
    drafts: list[OrderDraft | CancelDraft] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    skipped: int = 0
    """Orders that need no shipping: fulfilled, refunded, digital."""


Channel = Callable[[bytes], OrderFile]
"""Reads a file of the channel; raises Refusal when it is none."""


def group_rows(table: Table, column: str, order_id: Callable[[str], str]) -> tuple[dict[str, list[Row]], OrderFile]:
    """Return the rows per value of `column`, in file order, and an OrderFile holding all faults met so far.

    An order with a broken row is left out whole; its other rows are told, too.
    """
    file = OrderFile(rows=len(table.rows) + len(table.faults))
    groups: dict[str, list[Row]] = {}
    for row in table.rows:
        groups.setdefault(row[column], []).append(row)
    origin = {row.line: row[column] for row in table.broken}
    for found in table.faults:
        reference = origin.get(found.row, "")
        file.faults.append(RowFault(found.row, order_id(reference) if reference else "", found.fault))
    for line, reference in origin.items():
        others = groups.pop(reference, []) if reference else []
        file.faults += _left_out(others, line, order_id(reference))
    for row in groups.pop("", []):
        fault = Fault("order_id_missing", column, "is empty", "fill in the order's reference")
        file.faults.append(RowFault(row.line, "", fault))
    return groups, file


def _left_out(rows: Iterable[Row], line: int, order_id: str) -> list[RowFault]:
    fault = Fault("order_incomplete", "row", f"belongs to the order of row {line}, which is faulty", "mend that row")
    return [RowFault(row.line, order_id, fault) for row in rows]


_LEVELS = (
    ("next_day", ("overnight", "next day", "nextday", "next_day", "24h")),
    ("expedited", ("expedited", "express", "second", "2-day", "2 day", "priority", "加急")),
    ("economy", ("economy", "saver", "经济")),
)


def service_level(text: str) -> str:
    """Return our service level for a channel's words; `standard` when they tell nothing else."""
    lower = text.lower()
    return next((level for level, words in _LEVELS if any(word in lower for word in words)), "standard")
