"""Files of carriers' invoices, read row by row: our own columns, and the shape of UPS's billing data.

Our columns stand in any order under a header: `invoice_number`, `invoice_date`, `line`, `tracking_number`, `charge_code`,
`amount`, `currency`, and if known `billed_weight`, `weight_unit`, `description`. Other columns are not read.

UPS's billing data has no header. The columns read here, and their meaning, come from UPS's "Forwarding Data Dictionary" (1
to 30) and from what others found in real files (44 to 53); no file of a real account was at
hand: this layout is not verified.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date

from linkstar_labeler.domain.charge_codes import CODES, code_of_line, ups_code
from linkstar_labeler.domain.invoice_lines import BilledLine, Fault, Faulty, Row

__all__ = ["LAYOUTS", "MOST_FAULTS", "MOST_LINES", "read_invoices"]

MOST_LINES = 50_000
MOST_FAULTS = 100
REQUIRED = ("invoice_number", "invoice_date", "line", "tracking_number", "charge_code", "amount", "currency")
Reader = Callable[[Iterator[tuple[int, list[str]]]], Iterator[BilledLine | Fault]]


def read_invoices(text: Iterable[str], layout: str) -> tuple[list[BilledLine], list[Fault]]:
    """Return the lines of a file and its faults, of which the first `MOST_FAULTS` are told."""
    lines: list[BilledLine] = []
    faults: list[Fault] = []
    ledger = _Invoices()
    for found in LAYOUTS[layout](_rows(text)):
        fault: Fault | None
        if isinstance(found, BilledLine):
            lines.append(found)
            fault = ledger.add(found)
        else:
            fault = found
        if fault is not None:
            faults.append(fault)
        if len(faults) == MOST_FAULTS or len(lines) > MOST_LINES:
            break
    if not lines and not faults:
        faults.append(Fault("file_empty", 1, "", "The file holds no line", "Send the file that the carrier sent."))
    return lines, faults


class _Invoices:
    """The lines of a file so far: each once, an invoice on one date, no more than one transaction should bear."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int], int] = {}
        self._dates: dict[str, date] = {}

    def add(self, line: BilledLine) -> Fault | None:
        """Take a line in; return what is wrong with it beside the others."""
        row = self._rows.setdefault(line.key, line.row)
        if row != line.row:
            what = f"This line of the invoice stands in row {row} already"
            return Fault("line_repeated", line.row, "line", what, "Number the lines of each invoice 1, 2, 3 …")
        if self._dates.setdefault(line.invoice_number, line.invoice_date) != line.invoice_date:
            return Fault("invoice_date_differs", line.row, "invoice_date", "The invoice has two dates", "Give it one.")
        if len(self._rows) > MOST_LINES:
            what = f"The file has more than {MOST_LINES} lines"
            return Fault("file_too_long", line.row, "", what, "Split the file between two invoices.")
        return None


def _rows(text: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not empty, with its number; what is no CSV in UTF-8 is a fault."""
    number = 0
    try:
        for number, cells in enumerate(csv.reader(text, strict=True), 1):
            if any(cells):
                yield number, cells
    except csv.Error as error:
        raise Faulty(Fault("csv_invalid", number + 1, "", str(error), "Save it as comma-separated values.")) from error
    except UnicodeDecodeError as error:
        raise Faulty(Fault("file_not_utf8", number + 1, "", "is not UTF-8", "Save the file as UTF-8.")) from error


def _guarded(
    rows: Iterator[tuple[int, list[str]]], read: Callable[[int, list[str]], BilledLine | None]
) -> Iterator[BilledLine | Fault]:
    """Read row after row; a faulty one is told and the next is read, but after a file's own fault nothing is."""
    while True:
        try:
            number, cells = next(rows)
        except StopIteration:
            return
        except Faulty as faulty:
            yield faulty.fault
            return
        try:
            line = read(number, cells)
        except Faulty as faulty:
            yield faulty.fault
            continue
        if line is not None:
            yield line


def _own(rows: Iterator[tuple[int, list[str]]]) -> Iterator[BilledLine | Fault]:
    try:
        number, header = next(rows, (1, []))
    except Faulty as faulty:
        yield faulty.fault
        return
    names = [name.strip().lower() for name in header]
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        fix = f"Name the columns in the first row: {', '.join(REQUIRED)}."
        yield Fault("column_missing", number, missing[0], f"There is no column {', '.join(missing)}", fix)
        return
    yield from _guarded(rows, lambda place, cells: _own_line(Row(place, dict(zip(names, cells, strict=False)))))


def _own_line(row: Row) -> BilledLine:
    written = row.text("charge_code", 64)
    code = written.upper() if written.upper() in CODES else code_of_line(written.lower())
    if not written or code is None or (code == "OTHER" and written.upper() != "OTHER"):
        raise row.fault("charge_code_unknown", "charge_code", "is no charge code", f"Use one of {', '.join(CODES)}.")
    currency = row.currency("currency")
    return BilledLine(
        row.invoice_number("invoice_number"), row.day("invoice_date"), row.line("line"),
        row.tracking_number("tracking_number"), code, written, row.money("amount", currency),
        row.grams("billed_weight", row.text("weight_unit").lower()), row.text("description"), row.number,
    )  # fmt: skip


_UPS_COLUMNS = {
    "invoice_date": 5, "invoice_number": 6, "currency": 10, "tracking_number": 21, "billed_weight": 29, "weight_unit": 30,
    "charge_category": 44, "charge_code": 45, "description": 46, "net_amount": 53,
}  # fmt: skip
"""Columns counted from 1. Of the weight unit only the first letter is given."""
_UPS_UNITS = {"K": "kg", "L": "lb", "O": "oz"}
_UPS_TELLING = frozenset({"INF", "EXM"})
"""Categories of rows that bill nothing."""


def _ups(rows: Iterator[tuple[int, list[str]]]) -> Iterator[BilledLine | Fault]:
    """A line's number is its place in its invoice, since UPS gives none: the same file gives the same numbers."""
    counted: Counter[str] = Counter()

    def read(number: int, cells: list[str]) -> BilledLine | None:
        if len(cells) < max(_UPS_COLUMNS.values()):
            what = f"The row has {len(cells)} columns"
            fix = "Send the CSV of UPS's billing data as it came, without header."
            raise Faulty(Fault("columns_missing", number, "", what, fix))
        row = Row(number, {name: cells[place - 1].strip() for name, place in _UPS_COLUMNS.items()})
        invoice = row.invoice_number("invoice_number")
        counted[invoice] += 1
        return _ups_line(row, invoice, counted[invoice])

    yield from _guarded(rows, read)


def _ups_line(row: Row, invoice: str, line: int) -> BilledLine | None:
    category, charge = row.text("charge_category", 8), row.text("charge_code", 16)
    amount = row.money("net_amount", row.currency("currency"))
    if category in _UPS_TELLING and not amount.amount_minor:
        return None
    unit = _UPS_UNITS.get(row.text("weight_unit")[:1], "kg")
    code = ups_code(category, charge, row.text("description"))
    return BilledLine(
        invoice, row.day("invoice_date"), line, row.tracking_number("tracking_number"), code, f"{category}/{charge}", amount,
        row.grams("billed_weight", unit), row.text("description"), row.number,
    )  # fmt: skip


LAYOUTS: dict[str, Reader] = {"linkstar": _own, "ups-billing-data": _ups}
