"""What a table of any file format comes down to: rows of text by column name, and faults by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from linkstar_ingest.domain.faults import Fault, Refusal, RowFault

__all__ = ["MAX_ROWS", "MAX_ROW_CHARS", "Layout", "Row", "Table", "check_header"]

MAX_ROWS = 100_000
MAX_ROW_CHARS = 32_768
_MAX_COLUMNS = 300


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a channel's file, in lower case: those that must be there, and those read where present.

    Rows that agree in `identity` are one order. A spreadsheet may hold times in `times` only.
    """

    identity: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    times: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its first line in the file, and its cells by column name, trimmed. Absent cells are empty."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class Table:
    """The readable rows of a file, and what is wrong with the others."""

    rows: list[Row] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    broken: list[Row] = field(default_factory=list)
    """Rows of `faults` as far as they could be read: enough to tell which order they belong to."""

    def add(self, row: Row, fault: Fault | None) -> None:
        """Take a row in, or note what is wrong with it. Raises Refusal when there are too many."""
        if len(self.rows) >= MAX_ROWS:
            raise Refusal(Fault("rows_too_many", "file", f"has more than {MAX_ROWS} rows", "split it"))
        if fault is None:
            self.rows.append(row)
        else:
            self.faults.append(RowFault(row.line, "", fault))
            self.broken.append(row)


def check_header(header: Sequence[str], required: Sequence[str]) -> None:
    """Raise Refusal when these are not the columns of the channel's file."""
    if len(header) > _MAX_COLUMNS:
        raise Refusal(Fault("columns_too_many", "file", f"has more than {_MAX_COLUMNS} columns", "export it again"))
    missing = [name for name in required if name not in header]
    if missing:
        named = ", ".join(missing)
        fix = "check that the file is of this channel, and keep its header row"
        raise Refusal(Fault("column_missing", "file", f"has no column {named}", fix))
    twice = [name for name in required if header.count(name) > 1]
    if twice:
        raise Refusal(Fault("column_duplicate", "file", f"has two columns {', '.join(twice)}", "remove one"))
