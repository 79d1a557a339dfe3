"""XLSX workbooks as rows of text. What a spreadsheet has made of a value is undone where that is certain, else refused.

The file comes from strangers: it is bounded before it is unpacked, and whatever is wrong with it ends in a Refusal.
"""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from openpyxl import load_workbook
from openpyxl.worksheet._reader import WorkSheetParser

from linkstar_ingest.channels.rows import MAX_ROW_CHARS, Layout, Row, Table, check_header
from linkstar_ingest.domain.faults import Fault, Refusal

__all__ = ["is_workbook", "read_workbook"]

warnings.filterwarnings("ignore", module="openpyxl")  # what it leaves out of styles and rules is nothing to us

_ZIP, _EMPTY_ZIP, _OLE = b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAX_UNPACKED_BYTES = 48 * 1024 * 1024
_MAX_RATIO = 100
_SMALL_BYTES = 1024 * 1024
_MAX_PARTS, _MAX_SHEETS, _MAX_CELLS, _MAX_BROKEN_ROWS = 500, 20, 200_000, 1_000
_LAST_ROW = 1_048_576
_EXACT_BELOW = 10**15

_AS_TEXT = "format the column as text and enter the value again"
_FORMULA = ("cell_formula", "holds a formula", "paste the value in its place")
_ERROR = ("cell_error", "holds a spreadsheet error such as #N/A", "mend the cell")
_DATE = ("cell_date", "was turned into a date or time", _AS_TEXT)
_ROUNDED = ("number_rounded", "is a number of more than 15 digits, which spreadsheets round", _AS_TEXT)

Cells = Mapping[int, Any]


def is_workbook(raw: bytes) -> bool:
    """Tell a workbook, also one that cannot be read, from text."""
    return raw.startswith((_ZIP, _EMPTY_ZIP, _OLE))


def read_workbook(raw: bytes, layout: Layout) -> Table:
    """Return the rows of the one visible sheet with the layout's columns. Rows keep their numbers.

    A formula, an error value, a value turned into a date and a rounded number spoil their order, if the column is read.
    Raises Refusal when the file is no such workbook.
    """
    try:
        _check_package(raw)
        book = load_workbook(io.BytesIO(raw), read_only=True, keep_links=False)
        sheets = [sheet for sheet in book.worksheets[: _MAX_SHEETS + 1] if sheet.sheet_state == "visible"]
        return _table(_chosen(sheets, layout), layout)
    except Refusal:
        raise
    except Exception as error:
        fix = "save it as XLSX without a password, or as CSV UTF-8"
        raise Refusal(Fault("workbook_unreadable", "file", "is no XLSX workbook we can read", fix)) from error


def _check_package(raw: bytes) -> None:
    """Raise Refusal before a bomb is unpacked. No part can unpack to more than the package says."""
    parts = zipfile.ZipFile(io.BytesIO(raw)).infolist()
    size = sum(part.file_size for part in parts)
    bomb = size > _SMALL_BYTES and size > _MAX_RATIO * len(raw)
    if bomb or size > _MAX_UNPACKED_BYTES or len(parts) > _MAX_PARTS:
        limits = f"{_MAX_UNPACKED_BYTES // 2**20} MiB, {_MAX_RATIO} times its size or {_MAX_PARTS} parts"
        detail = f"unpacks to more than {limits}"
        raise Refusal(Fault("workbook_too_large", "file", detail, "split it, or save it as CSV UTF-8"))


def _chosen(sheets: list[Any], layout: Layout) -> Any:
    fitting, refusals = [], []
    for sheet in sheets[:_MAX_SHEETS]:
        try:
            _header(_rows(sheet), layout)
            fitting.append(sheet)
        except Refusal as refusal:
            refusals.append(refusal)
    if len(fitting) > 1 or len(sheets) > _MAX_SHEETS:
        detail = "has several sheets that may hold the orders"
        raise Refusal(Fault("sheets_several", "file", detail, "leave one sheet, or hide the others"))
    if not fitting:
        raise refusals[0] if refusals else _empty()
    return fitting[0]


def _empty() -> Refusal:
    return Refusal(Fault("file_empty", "file", "holds no rows", "export the orders again"))


def _rows(sheet: Any) -> Iterator[tuple[int, Cells]]:
    """Yield row numbers and the cells by column; raises ValueError when one stands twice.

    The library's own iterator would fill every gap with cells and drop rows out of order.
    """
    with sheet._get_source() as source:
        parser = WorkSheetParser(
            source, sheet._shared_strings, epoch=sheet.parent.epoch, date_formats=sheet.parent._date_formats,
            timedelta_formats=sheet.parent._timedelta_formats,
        )  # fmt: skip
        last = count = 0
        for number, found in parser.parse():
            cells = {cell["column"]: cell for cell in found}
            if not last < number <= _LAST_ROW or len(cells) < len(found):
                raise ValueError("a row or cell out of place")
            last, count = number, count + len(found)
            if count > _MAX_CELLS:
                raise Refusal(Fault("cells_too_many", "file", f"has more than {_MAX_CELLS} cells", "split it"))
            yield number, {column: cell for column, cell in cells.items() if cell["value"] is not None}


def _header(rows: Iterator[tuple[int, Cells]], layout: Layout) -> dict[int, str]:
    """Return the column names of the first row with cells."""
    for _, cells in rows:
        header = {column: _text(cell["value"]).strip().lower() for column, cell in cells.items()}
        if any(header.values()):
            check_header(list(header.values()), layout.required)
            return header
    raise _empty()


def _table(sheet: Any, layout: Layout) -> Table:
    rows = _rows(sheet)
    header = _header(rows, layout)
    read = {*layout.required, *layout.optional}
    table = Table()
    for number, cells in rows:
        named = {header[column]: cell for column, cell in cells.items() if header.get(column) in read}
        texts = {name: _text(cell["value"]).strip() for name, cell in named.items()}
        if any(texts.values()):
            table.add(Row(number, texts), _row_fault(number, named, texts, layout))
        if len(table.faults) > _MAX_BROKEN_ROWS:
            raise Refusal(Fault("rows_broken", "file", "has too many broken rows", "export it again"))
    return table


def _row_fault(number: int, named: Mapping[str, Any], texts: Mapping[str, str], layout: Layout) -> Fault | None:
    if sum(map(len, texts.values())) > MAX_ROW_CHARS:
        return Fault("row_too_long", "row", f"is longer than {MAX_ROW_CHARS} characters", "shorten its texts")
    for name, cell in named.items():
        damage = _damage(cell, name in layout.times)
        if damage in (_FORMULA, _ERROR) and name == layout.identity:
            code, detail, fix = damage
            raise Refusal(Fault(code, name, f"{detail} in row {number}, so its order is unknown", fix))
        if damage:
            code, detail, fix = damage
            return Fault(code, name, detail, fix)
    return None


def _damage(cell: Mapping[str, Any], may_be_time: bool) -> tuple[str, str, str] | None:
    value, kind = cell["value"], cell["data_type"]
    if kind == "f":
        return _FORMULA
    if kind == "e":
        return _ERROR
    if isinstance(value, date | time | timedelta):
        return None if may_be_time else _DATE
    exact = isinstance(value, str) or (math.isfinite(value) and abs(value) < _EXACT_BELOW)
    return None if exact else _ROUNDED


def _text(value: Any) -> str:
    """Return what a cell holds as a file of text would say it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    return value.isoformat() if isinstance(value, datetime | date | time) else str(value)
