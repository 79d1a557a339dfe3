"""A shipment mix as a CSV or XLSX file: one row per kind of shipment, with how many of them a month brings."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from linkstar_cli.screen import CommandError
from linkstar_cli.shipment import Goods, destination_of, parcels_of, warehouse_of

__all__ = ["COLUMNS", "Kind", "read_profile"]

COLUMNS = (
    "shipment", "per_month", "from", "to", "parcel", "value", "battery", "commercial", "signature", "level", "paid_now",
)  # fmt: skip
_NEEDED = COLUMNS[:5]
_MAX_KINDS = 500
_YES, _NO = {"yes", "true", "1"}, {"", "no", "false", "0"}


@dataclass(frozen=True)
class Kind:
    """One kind of shipment: how many a month, what is paid for one today (minor units, if told), and its quote request."""

    row: int
    name: str
    per_month: int
    paid_now: Decimal | None
    request: dict[str, Any]


def read_profile(path: Path, warehouses: Mapping[str, Mapping[str, Any]]) -> list[Kind]:
    """Return the kinds of shipment; a fault names its row and how to mend it, and then nothing is quoted."""
    rows = list(_rows(path))
    if not 1 <= len(rows) <= _MAX_KINDS:
        raise CommandError(
            "profile-size", f"{path} has {len(rows)} rows.", f"Give 1 to {_MAX_KINDS} kinds of shipment."
        )
    return [_kind(path, number, row, warehouses) for number, row in rows]


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield `(row number, cells)`; the header is row 1."""
    table = _sheet(path) if path.suffix.lower() == ".xlsx" else _csv(path)
    header = [cell.strip().lower() for cell in table[0]] if table else []
    missing, unknown = [name for name in _NEEDED if name not in header], sorted(set(header) - {*COLUMNS, ""})
    if missing or unknown:
        told = f"{path} row 1: " + "; ".join(
            f"{word} {', '.join(names)}" for word, names in (("lacks", missing), ("does not know", unknown)) if names
        )
        raise CommandError("profile-columns", f"{told}.", f"The columns are {', '.join(COLUMNS)}.")
    for number, cells in enumerate(table[1:], start=2):
        if any(cell.strip() for cell in cells):
            yield number, dict(zip(header, (cell.strip() for cell in cells), strict=False))


def _csv(path: Path) -> list[Sequence[str]]:
    try:
        return list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError("profile-unreadable", f"{path}: {error}.", "Save it as CSV in UTF-8, or as XLSX.") from error


def _sheet(path: Path) -> list[Sequence[str]]:
    import openpyxl  # takes as long to load as all other commands together

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise CommandError("profile-unreadable", f"{path} is no XLSX workbook.", "Save it as XLSX or CSV.") from error
    with closing(book):
        return [["" if cell is None else str(cell) for cell in row] for row in book.worksheets[0].values]


def _kind(path: Path, number: int, row: Mapping[str, str], warehouses: Mapping[str, Mapping[str, Any]]) -> Kind:
    try:
        house = warehouse_of(row["from"], warehouses)
        goods = Goods(row.get("value") or "20", (row.get("battery") or "none").lower())
        residential = not _flag(row, "commercial")
        request = {
            "warehouse": house,
            "destination": destination_of(row["to"], house["country"], residential=residential, po_box=False),
            "parcels": parcels_of(row["parcel"].split("+"), goods, house["country"]),
            "options": {"level": row.get("level") or "standard", "signature": _flag(row, "signature")},
        }
        return Kind(number, row["shipment"], _count(row["per_month"]), _amount(row.get("paid_now", "")), request)
    except CommandError as error:
        raise CommandError(error.code, f"{path} row {number}: {error.message}", error.remedy) from error


def _flag(row: Mapping[str, str], column: str) -> bool:
    text = row.get(column, "").lower()
    if text not in _YES | _NO:
        raise CommandError("flag-unreadable", f"{column} is {text!r}.", "Write yes or no.")
    return text in _YES


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= 10**9):
        raise CommandError("count-unreadable", f"per_month is {text!r}.", "Write how many a month, such as 1200.")
    return int(text)


def _amount(text: str) -> Decimal | None:
    try:
        amount = Decimal(text) if text else None
    except InvalidOperation:
        amount = Decimal("NaN")
    if amount is not None and not (amount.is_finite() and 0 <= amount < 10**9):
        raise CommandError("amount-unreadable", f"paid_now is {text!r}.", "Write an amount such as 8.45, or nothing.")
    return amount
