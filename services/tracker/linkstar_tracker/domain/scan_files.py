"""A file of scans as rows: CSV with a header, one scan per row, read as `ScanReport` reads it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

__all__ = ["COLUMNS", "MAX_ROWS", "FileRefused", "FileRow", "read_scan_file"]

MAX_ROWS = 100_000
_MAX_CELL = 2_000
_REQUIRED = ("carrier", "tracking_number", "code")
_PLACE = ("city", "region", "postcode", "country")
_ONWARD = {"next_carrier": "carrier", "next_number": "tracking_number"}
COLUMNS = (*_REQUIRED, "scanned_at", "scanned_local", "timezone", "text", *_PLACE, *_ONWARD)
"""Every column that is read; others are passed over. A row has `scanned_at`, or `scanned_local` and where that was."""


class FileRefused(ValueError):
    """The file as a whole is no file of scans. `code` is stable, the message says what is wrong."""

    def __init__(self, code: str, detail: str, fix: str) -> None:
        super().__init__(detail)
        self.code, self.fix = code, fix


class FileRow(NamedTuple):
    """One row: the line it ends on, and what it reports; None where it has not as many cells as the header."""

    line: int
    report: dict[str, Any] | None


def read_scan_file(raw: bytes) -> list[FileRow]:
    """Return the rows of a file. Comma, semicolon or tab, whichever the header has most of. Raises `FileRefused`."""
    text = _text(raw)
    lines = text.splitlines(keepends=True)
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise FileRefused("file_empty", "the file holds no rows", "Send a header and one row per scan.")
    delimiter = max(",;\t", key=lines[first].count)
    reader = csv.reader(io.StringIO("".join(lines[first:]), newline=""), delimiter=delimiter)
    try:
        header = _header(next(reader))
        rows = []
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(FileRow(first + reader.line_num, _report(header, cells)))
            if len(rows) > MAX_ROWS:
                raise FileRefused("rows_too_many", f"the file has more than {MAX_ROWS} rows", "Split it.")
    except csv.Error as error:
        raise FileRefused(
            "file_unreadable", f"line {first + reader.line_num} is no CSV", "Export the file again as CSV."
        ) from error
    return rows


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileRefused("file_not_utf8", f"byte {error.start} is not UTF-8", "Save the file as CSV UTF-8.") from error
    if "\x00" in text:
        raise FileRefused("file_unreadable", "the file holds a NUL character", "Save the file as CSV UTF-8.")
    return text


def _header(cells: Sequence[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    missing = [name for name in _REQUIRED if name not in names]
    if not {"scanned_at", "scanned_local"} & set(names):
        missing.append("scanned_at or scanned_local")
    if missing:
        raise FileRefused("column_missing", f"no column {', '.join(missing)}", "Name the columns in the first row.")
    twice = [name for name in COLUMNS if names.count(name) > 1]
    if twice:
        raise FileRefused("column_duplicate", f"two columns {', '.join(twice)}", "Remove one of them.")
    return names


def _report(header: Sequence[str], cells: Sequence[str]) -> dict[str, Any] | None:
    if len(cells) != len(header) or any(len(cell) > _MAX_CELL for cell in cells):
        return None
    told = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if name in COLUMNS and cell.strip()}
    place = {name: told.pop(name) for name in _PLACE if name in told}
    onward = {field: told.pop(name) for name, field in _ONWARD.items() if name in told}
    return {**told, **({"place": place} if place else {}), **({"travels_on_as": onward} if onward else {})}
