"""One line of a carrier's invoice, read from text exactly; what cannot be read is told with row, column and remedy."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar

from linkstar_contracts.text import CURRENCY_EXPONENTS, clean_text
from linkstar_contracts.values import GRAMS_PER_UNIT, Money, parse_money

__all__ = ["BilledLine", "Fault", "Faulty", "Row"]

T = TypeVar("T")
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_TRACKING = re.compile(r"[A-Z0-9]{6,40}")
_LINE = re.compile(r"[1-9][0-9]{0,8}")
_WEIGHT = re.compile(r"[0-9]{1,7}(\.[0-9]{1,4})?")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a row of the file (1 is its first), and how to mend it."""

    code: str
    row: int
    column: str
    what: str
    fix: str


class Faulty(Exception):
    """Raised with the fault of the row that is being read."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class BilledLine:
    """What a carrier bills in one line. Without tracking number it bills the account."""

    invoice_number: str
    invoice_date: date
    line: int
    tracking_number: str
    code: str
    carrier_code: str
    amount: Money
    grams: Decimal | None
    description: str
    row: int

    @property
    def key(self) -> tuple[str, int]:
        """Its identity among the invoices of a carrier."""
        return self.invoice_number, self.line


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if not 2000 <= day.year < 2100:
        raise ValueError("is not of our time")
    return day


class Row:
    """One row by the names of its columns; every reader raises `Faulty`, naming the column."""

    def __init__(self, number: int, cells: dict[str, str]) -> None:
        self.number = number
        self._cells = cells

    def text(self, column: str, most: int = 200) -> str:
        """Return a cell as clean text; an absent one is empty."""
        return self._read(column, lambda text: clean_text(text)[:most], "Save the file as UTF-8 text.")

    def invoice_number(self, column: str) -> str:
        """Return an invoice's number."""
        return self._matched(
            column, _NUMBER, "is no invoice number", "Write letters, digits, `.`, `_` or `-`, 40 at most."
        )

    def line(self, column: str) -> int:
        """Return the number of a line in its invoice."""
        return int(self._matched(column, _LINE, "is no line number", "Number the lines of each invoice 1, 2, 3 …"))

    def tracking_number(self, column: str) -> str:
        """Return a tracking number without blanks, in capitals; empty for charges of the account."""
        text = self.text(column).replace(" ", "").upper()
        if text and not _TRACKING.fullmatch(text):
            fix = "Format the column as text before saving: spreadsheets turn long numbers into 1.23E+21."
            raise self.fault("tracking_number_damaged", column, "is no tracking number", fix)
        return text

    def day(self, column: str) -> date:
        """Return a date."""
        return self._read(column, _day, "Write the date as 2026-11-30.", "is no date of our time")

    def currency(self, column: str) -> str:
        """Return a currency."""
        code = self.text(column)
        if code not in CURRENCY_EXPONENTS:
            raise self.fault("currency_unknown", column, "is no currency of ISO 4217", "Write a code such as USD.")
        return code

    def money(self, column: str, currency: str) -> Money:
        """Return an amount, exactly as written."""
        text = self.text(column)
        return self._read(
            column, lambda _: parse_money(text, currency), "Write the amount as 1234.50, without thousands separators."
        )

    def grams(self, column: str, unit: str) -> Decimal | None:
        """Return a weight exactly, in grams; None for an empty or zero one."""
        text = self.text(column)
        if not text:
            return None
        if not _WEIGHT.fullmatch(text) or unit not in GRAMS_PER_UNIT:
            raise self.fault(
                "weight_invalid", column, "is no weight", "Write 12.5 with one of the units g, kg, oz, lb."
            )
        return Decimal(text) * GRAMS_PER_UNIT[unit] or None

    def fault(self, code: str, column: str, what: str, fix: str) -> Faulty:
        """Return the exception that tells what is wrong in a column of this row."""
        return Faulty(Fault(code, self.number, column, what, fix))

    def _matched(self, column: str, pattern: re.Pattern[str], what: str, fix: str) -> str:
        text = self.text(column)
        if not pattern.fullmatch(text):
            raise self.fault(f"{column}_invalid", column, what, fix)
        return text

    def _read(self, column: str, read: Callable[[str], T], fix: str, what: str = "") -> T:
        try:
            return read(self._cells.get(column, ""))
        except ValueError as error:
            raise self.fault(f"{column}_invalid", column, what or str(error), fix) from error
