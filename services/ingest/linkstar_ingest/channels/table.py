"""Delimited text as rows with line numbers. A bad row is told and skipped; it never hides the rows after it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from linkstar_ingest.channels.encodings import decode
from linkstar_ingest.domain.faults import Fault, Refusal, RowFault

__all__ = ["MAX_FILE_BYTES", "MAX_ROWS", "Row", "Table", "read_table"]

MAX_FILE_BYTES = 16 * 1024 * 1024
MAX_ROWS = 100_000
_MAX_COLUMNS = 300
_MAX_RECORD_CHARS = 32_768
_MAX_RECORD_LINES = 60
_MAX_BROKEN_RECORDS = 1_000
_WRAPPED = re.compile(r'"(?:[^"]|"")*"')
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")


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

    rows: list[Row]
    faults: list[RowFault]
    broken: list[Row]
    """Rows of `faults` as far as they could be read: enough to tell which order they belong to."""


def read_table(raw: bytes, required: Sequence[str], quoted: bool = True) -> Table:
    """Return the rows of an order file with the columns `required`, names in lower case.

    Delimiter (comma, semicolon, tab, bar), encoding and line ends (LF, CRLF, CR) are found out. `quoted=False` takes
    quotation marks as ordinary characters. Raises Refusal when the file as a whole is no such file.
    """
    if len(raw) > MAX_FILE_BYTES:
        limit = f"{MAX_FILE_BYTES // 2**20} MiB"
        raise Refusal(Fault("file_too_large", "file", f"is larger than {limit}", "split it"))
    lines = [match.group() for match in _LINES.finditer(decode(raw))]
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise Refusal(Fault("file_empty", "file", "holds no rows", "export the orders again"))
    delimiter = max(",;\t|", key=lines[first].count)
    header = [name.strip().lower() for name in _split(lines[first], delimiter, quoted)]
    _check_header(header, required)
    table = Table([], [], [])
    for line, record in _records(lines, first + 1, delimiter if quoted else None, table.faults):
        _add(table, line, _split(record, delimiter, quoted), header, record)
    return table


def _check_header(header: list[str], required: Sequence[str]) -> None:
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


def _split(record: str, delimiter: str, quoted: bool) -> list[str]:
    bare = record.rstrip("\r\n")
    if not quoted:
        return [_unwrapped(cell) for cell in bare.split(delimiter)]
    return next(csv.reader(_kept_ends(bare), delimiter=delimiter, quotechar='"'), [])


def _unwrapped(cell: str) -> str:
    """A spreadsheet that saved the file again has wrapped cells with quotation marks in them."""
    return cell[1:-1].replace('""', '"') if _WRAPPED.fullmatch(cell) else cell


def _kept_ends(record: str) -> Iterable[str]:
    return [match.group() for match in _LINES.finditer(record)]


def _add(table: Table, line: int, values: list[str], header: list[str], record: str) -> None:
    if not any(value.strip() for value in values):
        return
    if len(table.rows) >= MAX_ROWS:
        raise Refusal(Fault("rows_too_many", "file", f"has more than {MAX_ROWS} rows", "split it"))
    row = Row(line, {name: value.strip() for name, value in zip(header, values, strict=False)})
    fault = _row_fault(values, header, record)
    if fault is None:
        table.rows.append(row)
    else:
        table.faults.append(RowFault(line, "", fault))
        table.broken.append(row)


def _row_fault(values: list[str], header: list[str], record: str) -> Fault | None:
    if len(values) > len(header):
        fix = "put texts that hold the delimiter in quotation marks"
        return Fault("cells_surplus", "row", f"has {len(values)} cells under {len(header)} columns", fix)
    if "\0" in record:
        column = next((header[i] for i, value in enumerate(values) if "\0" in value), "row")
        return Fault("nul_character", column, "holds a NUL character", "export the file again, or delete the character")
    return None


def _records(lines: list[str], start: int, delimiter: str | None, faults: list[RowFault]) -> Iterator[tuple[int, str]]:
    """Join lines into records. A quotation mark that never closes spoils its own line only."""
    index = start
    while index < len(lines):
        record, end = lines[index], index + 1
        while delimiter and _is_open(record, delimiter):
            if end == len(lines) or end - index >= _MAX_RECORD_LINES or len(record) > _MAX_RECORD_CHARS:
                record, end = "", index + 1
                _note_open(faults, index + 1)
            else:
                record, end = record + lines[end], end + 1
        if len(record) > _MAX_RECORD_CHARS:
            fault = Fault("row_too_long", "row", f"is longer than {_MAX_RECORD_CHARS} characters", "shorten its texts")
            faults.append(RowFault(index + 1, "", fault))
        else:
            yield index + 1, record
        index = end


def _note_open(faults: list[RowFault], line: int) -> None:
    fault = Fault("quote_unclosed", "row", "opens a quotation mark and never closes it", "close it, or double it")
    faults.append(RowFault(line, "", fault))
    if len(faults) > _MAX_BROKEN_RECORDS:
        raise Refusal(Fault("rows_broken", "file", "has too many broken rows", "export it again"))


_QUOTED = {mark: re.compile(rf'(?:^|(?<={re.escape(mark)}))"(?:[^"]|"")*"') for mark in ",;\t|"}
_OPENING = {mark: re.compile(rf'(?:^|{re.escape(mark)})"') for mark in ",;\t|"}


def _is_open(record: str, delimiter: str) -> bool:
    return '"' in record and _OPENING[delimiter].search(_QUOTED[delimiter].sub("", record)) is not None
