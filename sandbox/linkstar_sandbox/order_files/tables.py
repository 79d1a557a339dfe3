"""What all order files have in common: drafts become rows of text, rows become the bytes of a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from linkstar_sandbox.order_files.drafts import Draft

__all__ = ["FileFormat", "Row"]

Row = dict[str, str]


@dataclass(frozen=True)
class FileFormat:
    """One file format. `field` names the column of each thing that a flaw may spoil."""

    channel: str
    columns: tuple[str, ...]
    delimiter: str
    rows: Callable[[Draft], list[Row]]
    order_id: Callable[[Draft], str]
    field: Mapping[str, str]

    def spoil(self, rows: list[Row], fields: Mapping[str, str]) -> list[Row]:
        """Return `rows` with values replaced in the order's first row."""
        return [{**rows[0], **{self.field[name]: value for name, value in fields.items()}}, *rows[1:]]

    def can_spoil(self, fields: Mapping[str, str]) -> bool:
        """Tell whether this format has a column for each of `fields`."""
        return set(fields) <= set(self.field)

    def write(self, rows: Iterable[Row], encoding: str) -> bytes:
        """Return the file's bytes."""
        text = io.StringIO()
        table = csv.DictWriter(text, self.columns, restval="", delimiter=self.delimiter, lineterminator="\r\n")
        table.writeheader()
        table.writerows(rows)
        return text.getvalue().encode(encoding)
