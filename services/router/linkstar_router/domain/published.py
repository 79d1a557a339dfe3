"""Reads price files: base rates, surcharges, fuel weeks, areas. Rows of low confidence are left out.

A shelf is a folder of such files; what it lacks is taken from the shelf it stands on, usually the shipped one.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple, cast

from linkstar_router.domain.measures import LENGTHS, WEIGHTS
from linkstar_router.domain.tariff import FuelWeek, PriceRow, Vat

__all__ = [
    "ALWAYS", "ANYWHERE", "ANY_WEIGHT", "FOREVER", "SHIPPED", "BaseRate", "FeeRow", "Row", "Shelf", "TariffError",
    "is_trusted",
]  # fmt: skip

FOREVER = date(9999, 12, 31)
ALWAYS = date(1, 1, 1)
ANY_WEIGHT = 10**30
QUARTER_INCH = LENGTHS["in"] // 4
QUARTERS_PER_CUBIC_FOOT = 48**3
ANYWHERE = "all"
"""Zone of a price that holds everywhere."""
_US_FEES = "us/surcharges_us.csv"
_FEE_FILES = {"eu": "eu/surcharges.csv", "synthetic": "synthetic/surcharges.csv", "own": "surcharges.csv"}
_FUEL = "us/fuel_percent_history.csv"
Row = Mapping[str, str]


class TariffError(ValueError):
    """A tariff file or manifest that cannot be used: file, row (0 = the whole file), what is wrong and how to mend it."""

    def __init__(self, code: str, file: str, row: int, what: str, fix: str) -> None:
        super().__init__(f"{file}{f' row {row}' if row else ''}: {what}; {fix}")
        self.code, self.file, self.row, self.what, self.fix = code, file, row, what, fix


class BaseRate(NamedTuple):
    """One cell of a price list. `up_to` is a weight in quanta or a volume in cubes of a quarter inch."""

    zone: str
    size_class: str
    up_to: int
    price: PriceRow
    rate_type: str
    since: date
    until: date | None
    side: int
    """Of the cubes that `up_to` counts; 0 when it is a weight."""


class FeeRow(NamedTuple):
    """One published surcharge amount."""

    key: tuple[str, ...]
    zone_from: int
    zone_to: int
    amount: int
    vat: Vat
    since: date
    until: date
    place: tuple[str, int]
    """File and row."""


def is_trusted(confidence: str) -> bool:
    """True for rows that may be priced from; a row that says nothing counts as of medium confidence."""
    return not confidence or re.split("[ ,;]", confidence)[0] in ("high", "medium", "medium-high", "synthetic")


class Shelf:
    """A folder of price files, each read once."""

    def __init__(self, root: Traversable, below: Shelf | None = None) -> None:
        self.root = root
        self._below = below
        self._read: dict[str, list[tuple[int, Row]]] = {}
        self._fees: dict[tuple[str, ...], list[FeeRow]] = {}

    def has(self, file: str) -> bool:
        """True when the folder itself has the file."""
        return self.root.joinpath(*file.split("/")).is_file()

    def price_files(self) -> list[str]:
        """Return the CSV files of the folder and of its folders, by name."""
        return sorted(_csv_files(self.root, ""))

    def rows(self, file: str) -> list[tuple[int, Row]]:
        """Return `(row number, cells)` of a CSV file; the header is row 1."""
        if file not in self._read:
            self._read[file] = list(enumerate(csv.DictReader(self.text(file).splitlines()), start=2))
        return self._read[file]

    def text(self, file: str) -> str:
        """Return a file of the folder or of those below; raises TariffError when none has it."""
        if self.has(file):
            try:
                return self.root.joinpath(*file.split("/")).read_text(encoding="utf-8-sig")
            except UnicodeDecodeError as error:
                raise TariffError(
                    "file_unreadable", file, 0, f"no UTF-8: {error.reason}", "save it as UTF-8"
                ) from error
        if self._below is None:
            raise TariffError("file_missing", file, 0, "there is no such file", "correct the name, or add the file")
        return self._below.text(file)

    def rates(self, file: str, where: Mapping[str, Sequence[str]]) -> list[BaseRate]:
        """Return the rates of `file` whose cells match `where`; raises TariffError when there are none."""
        rates = [
            _base_rate(number, row)
            for number, row in self.rows(file)
            if all(row.get(column) in values for column, values in where.items())
            and is_trusted(row.get("confidence", ""))
        ]
        if not rates:
            what = f"no row of sufficient confidence matches {dict(where)}"
            raise TariffError("no_rows", file, 0, what, "correct `rows` in the manifest")
        return rates

    def fees(self, key: tuple[str, ...]) -> list[FeeRow]:
        """Return every usable amount of a surcharge; raises TariffError when there is none.

        Keys are `(us, carrier, service scope, code)` and `(eu | synthetic | own, carrier, surcharge)`.
        """
        if not self._fees:
            for row in self._fee_rows():
                self._fees.setdefault(row.key, []).append(row)
        found = self._fees.get(key)
        if found:
            return found
        if self._below is not None:
            return self._below.fees(key)
        file = _US_FEES if key[0] == "us" else _FEE_FILES.get(key[0], "surcharges.csv")
        raise TariffError(
            "no_rows", file, 0, f"no usable row {'/'.join(key)}", "correct `row` of the fee in the manifest"
        )

    def fuel(self, carrier: str, service: str) -> tuple[FuelWeek, ...]:
        """Return the fuel percentages of one service family, oldest first; raises TariffError when there are none."""
        weeks = sorted(
            FuelWeek(
                date.fromisoformat(row["effective_from"]).toordinal(),
                int(Decimal(row["percent"]) * 100),
                f"{row['percent']} % fuel of the week from {row['effective_from']}",
            )
            for _, row in self.rows(_FUEL)
            if row["carrier"] == carrier and row["service"] == service
        )
        if not weeks:
            raise TariffError("no_rows", _FUEL, 0, f"no week of {carrier} {service}", "add its weeks, one row each")
        return tuple(weeks)

    def _fee_rows(self) -> Iterator[FeeRow]:
        if self.has(_US_FEES):
            yield from (_us_fee(number, row) for number, row in self.rows(_US_FEES) if _is_us_amount(row))
        for word, file in _FEE_FILES.items():
            if self.has(file):
                yield from (_eu_fee(word, file, *line) for line in self.rows(file) if _is_eu_amount(line[1]))


def _csv_files(folder: Traversable, prefix: str) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _csv_files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".csv"):
            yield f"{prefix}{entry.name}"


def _base_rate(number: int, row: Row) -> BaseRate:
    amount = row.get("price_minor") or row["price_minor_per_lb"]
    price = PriceRow(int(amount), cast("Vat", row.get("vat_included", "exempt")), number)
    until = date.fromisoformat(row["effective_to"]) if row.get("effective_to") else None
    zone = row.get("zone") or row.get("area") or ANYWHERE
    size = row.get("size_class") or row.get("size") or (row["code"] if "basis" in row and "code" in row else "")
    return BaseRate(
        zone, size, _bound(row), price, row.get("rate_type", "commercial"), date.fromisoformat(row["effective_from"]),
        until, QUARTER_INCH if "cubic_ft_up_to" in row else 0,
    )  # fmt: skip


def _bound(row: Row) -> int:
    """Return what a row prices up to, as `BaseRate.up_to`."""
    if "weight_unit" in row:
        return int(Decimal(row["weight_up_to"]) * WEIGHTS[row["weight_unit"]])
    if "weight_up_to_g" in row:
        return int(row["weight_up_to_g"]) * WEIGHTS["g"]
    if "cubic_ft_up_to" in row:
        return int(Decimal(row["cubic_ft_up_to"]) * QUARTERS_PER_CUBIC_FOOT)
    return ANY_WEIGHT


def _is_us_amount(row: Row) -> bool:
    return bool(row["price_minor"]) and is_trusted(row["confidence"])


def _us_fee(number: int, row: Row) -> FeeRow:
    tier = (row["condition"],) if row["code"] == "temporary_peak" else ()
    return FeeRow(
        ("us", row["carrier"], row["service_scope"], row["code"], *tier),
        int(row["zone_from"] or 0), int(row["zone_to"] or 99), int(row["price_minor"]), "exempt",
        date.fromisoformat(row["effective_from"]),
        date.fromisoformat(row["effective_to"]) if row["effective_to"] else FOREVER, (_US_FEES, number),
    )  # fmt: skip


def _is_eu_amount(row: Row) -> bool:
    return row["unit"].startswith("per ") and is_trusted(row["confidence"])


def _eu_fee(word: str, file: str, number: int, row: Row) -> FeeRow:
    since = date.fromisoformat(row["effective_from"]) if row["effective_from"] else ALWAYS
    amount = int(Decimal(row["amount"]) * 100)
    vat = cast("Vat", row["vat_included"])
    return FeeRow((word, row["carrier"], row["surcharge"]), 0, 99, amount, vat, since, FOREVER, (file, number))


SHIPPED = Shelf(files("linkstar_router") / "tariffs")
