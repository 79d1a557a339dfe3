"""Reads the published price files: base rates, surcharges, fuel weeks, areas; rows of low confidence are left out."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import NamedTuple, cast

from linkstar_router.domain.measures import WEIGHTS
from linkstar_router.domain.tariff import FuelWeek, PriceRow, Vat

__all__ = ["BaseRate", "FeeRow", "TariffError", "base_rates", "fee_rows", "fuel_weeks", "read_rows"]

_SHIPPED = files("linkstar_router") / "tariffs"
FOREVER = date(9999, 12, 31)
ALWAYS = date(1, 1, 1)


class TariffError(ValueError):
    """A tariff file or manifest that cannot be used; names the file, the row and what to correct."""


class BaseRate(NamedTuple):
    """One cell of a price list, weight bound in quanta."""

    zone: str
    size_class: str
    up_to: int
    price: PriceRow
    since: date
    until: date | None


class FeeRow(NamedTuple):
    """One published surcharge amount."""

    key: tuple[str, ...]
    zone_from: int
    zone_to: int
    amount: int
    vat: Vat
    since: date
    until: date


def read_rows(file: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield `(row number, cells)` of a shipped CSV file; the header is row 1."""
    text = _SHIPPED.joinpath(*file.split("/")).read_text(encoding="utf-8")
    yield from enumerate(csv.DictReader(text.splitlines()), start=2)


def _trusted(confidence: str) -> bool:
    word = confidence.split()[0] if confidence else "medium"
    return word in ("high", "medium", "medium-high", "synthetic")


def base_rates(file: str, where: Mapping[str, Sequence[str]]) -> list[BaseRate]:
    """Return the rates of `file` whose cells match `where`; raises TariffError when there are none."""
    rates = [
        _base_rate(number, row)
        for number, row in read_rows(file)
        if all(row[column] in values for column, values in where.items()) and _trusted(row.get("confidence", ""))
    ]
    if not rates:
        raise TariffError(f"{file}: no row of sufficient confidence matches {dict(where)}")
    return rates


def _base_rate(number: int, row: Mapping[str, str]) -> BaseRate:
    if "weight_unit" in row:
        up_to = int(Decimal(row["weight_up_to"]) * WEIGHTS[row["weight_unit"]])
        vat: Vat = "exempt"
    else:
        up_to = int(row["weight_up_to_g"]) * WEIGHTS["g"]
        vat = cast("Vat", row["vat_included"])
    price = PriceRow(int(row["price_minor"]), vat, number)
    until = date.fromisoformat(row["effective_to"]) if row.get("effective_to") else None
    return BaseRate(
        row["zone"], row.get("size_class", ""), up_to, price, date.fromisoformat(row["effective_from"]), until
    )


def fee_rows() -> dict[tuple[str, ...], list[FeeRow]]:
    """Return every usable surcharge amount by its key.

    Keys are `(us, carrier, service scope, code)`, `(eu, carrier, surcharge)` and `(synthetic, carrier, surcharge)`.
    """
    found: dict[tuple[str, ...], list[FeeRow]] = {}
    for row in (*_us_fees(), *_eu_fees("eu"), *_eu_fees("synthetic")):
        found.setdefault(row.key, []).append(row)
    return found


def _us_fees() -> Iterator[FeeRow]:
    for _, row in read_rows("us/surcharges_us.csv"):
        if row["price_minor"] and _trusted(row["confidence"].split(",")[0]):
            yield FeeRow(
                ("us", row["carrier"], row["service_scope"], row["code"], *_tier(row)),
                int(row["zone_from"] or 0), int(row["zone_to"] or 99), int(row["price_minor"]), "exempt",
                date.fromisoformat(row["effective_from"]),
                date.fromisoformat(row["effective_to"]) if row["effective_to"] else FOREVER,
            )  # fmt: skip


def _tier(row: Mapping[str, str]) -> tuple[str, ...]:
    return (row["condition"],) if row["code"] == "temporary_peak" else ()


def _eu_fees(folder: str) -> Iterator[FeeRow]:
    for _, row in read_rows(f"{folder}/surcharges.csv"):
        if row["unit"].startswith("per ") and _trusted(row["confidence"]):
            since = date.fromisoformat(row["effective_from"]) if row["effective_from"] else ALWAYS
            amount = int(Decimal(row["amount"]) * 100)
            vat = cast("Vat", row["vat_included"])
            yield FeeRow((folder, row["carrier"], row["surcharge"]), 0, 99, amount, vat, since, FOREVER)


def fuel_weeks(carrier: str, service: str) -> tuple[FuelWeek, ...]:
    """Return the fuel percentages of one service family, oldest first."""
    weeks = sorted(
        FuelWeek(
            date.fromisoformat(row["effective_from"]).toordinal(),
            int(Decimal(row["percent"]) * 100),
            f"{row['percent']} % fuel of the week from {row['effective_from']}",
        )
        for _, row in read_rows("us/fuel_percent_history.csv")
        if row["carrier"] == carrier and row["service"] == service
    )
    if not weeks:
        raise TariffError(f"us/fuel_percent_history.csv: no week of {carrier} {service}")
    return tuple(weeks)
