"""Delimited text as rows with line numbers. A bad row is told and skipped; it never hides the rows after it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator

from linkstar_ingest.channels.encodings import decode
from linkstar_ingest.channels.rows import MAX_ROW_CHARS, Layout, Row, Table, check_header
from linkstar_ingest.domain.faults import Fault, Refusal, RowFault

__all__ = ["read_delimited"]

_MAX_RECORD_LINES = 60
_MAX_BROKEN_RECORDS = 1_000
_WRAPPED = re.compile(r'"(?:[^"]|"")*"')
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")


def read_delimited(raw: bytes, layout: Layout, quoted: bool = True) -> Table:
    """Return the rows of an order file with the columns of `layout`.

    Delimiter (comma, semicolon, tab, bar), encoding and line ends (LF, CRLF, CR) are found out. `quoted=False` takes
    quotation marks as ordinary characters. Raises Refusal when the file as a whole is no such file.
    """
    lines = [match.group() for match in _LINES.finditer(decode(raw))]
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise Refusal(Fault("file_empty", "file", "holds no rows", "export the orders again"))
    delimiter = max(",;\t|", key=lines[first].count)
    header = [name.strip().lower() for name in _split(lines[first], delimiter, quoted)]
    check_header(header, layout.required)
    table = Table()
    for line, record in _records(lines, first + 1, delimiter if quoted else None, table.faults):
        _add(table, line, _split(record, delimiter, quoted), header, record)
    return table


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
    row = Row(line, {name: value.strip() for name, value in zip(header, values, strict=False)})
    table.add(row, _row_fault(values, header, record))


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
            if end == len(lines) or end - index >= _MAX_RECORD_LINES or len(record) > MAX_ROW_CHARS:
                record, end = "", index + 1
                _note_open(faults, index + 1)
            else:
                record, end = record + lines[end], end + 1
        if len(record) > MAX_ROW_CHARS:
            fault = Fault("row_too_long", "row", f"is longer than {MAX_ROW_CHARS} characters", "shorten its texts")
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
