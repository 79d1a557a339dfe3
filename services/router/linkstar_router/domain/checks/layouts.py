"""The layouts of price files and the check that a file keeps to one: columns by name, each cell by its kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import NamedTuple

from linkstar_router.domain.checks.findings import Finding
from linkstar_router.domain.measures import WEIGHTS
from linkstar_router.domain.published import Row

__all__ = ["LAYOUTS", "Layout", "layout_findings", "layout_of"]

_CONFIDENCES = ("high", "medium", "medium-high", "low", "low-medium", "synthetic")


class _Kind(NamedTuple):
    """What a cell may hold; `fix` tells how to write it."""

    accepts: Callable[[str], bool]
    fix: str


def _is_number(text: str) -> bool:
    try:
        return Decimal(text) >= 0
    except InvalidOperation:
        return False


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def _or_empty(kind: _Kind) -> _Kind:
    return _Kind(lambda text: not text or kind.accepts(text), f"{kind.fix}, or leave it empty")


_TEXT = _Kind(bool, "fill the cell")
_ANY = _Kind(lambda _: True, "")
_NUMBER = _Kind(_is_number, "write a number such as 12.5")
_RATE = _Kind(
    lambda text: _is_number(text) and 10**-6 <= Decimal(text) <= 10**6, "write what 1 EUR buys, such as 1.0815"
)
_ZIP3 = _Kind(
    lambda text: bool(re.fullmatch("[0-9]{3}", text)), "write the first three digits of the ZIP codes, such as 005"
)
_ZONE = _Kind(lambda text: bool(re.fullmatch("0*[1-9][0-9]{0,2}", text)), "write the zone as a number, such as 5")
_MINOR = _Kind(lambda text: text.isascii() and text.isdigit(), "write whole minor units: 7.20 is 720")
_DAY = _Kind(_is_day, "write the date as YYYY-MM-DD")
_UNIT = _Kind(WEIGHTS.__contains__, f"use one of {', '.join(WEIGHTS)}")
_CURRENCY = _Kind(lambda text: bool(re.fullmatch("[A-Z]{3}", text)), "write the ISO code of the currency, such as USD")
_VAT = _Kind(("yes", "no", "exempt").__contains__, "use yes, no or exempt")
_CONFIDENCE = _Kind(
    lambda text: re.split("[ ,;]", text)[0] in _CONFIDENCES, f"begin with one of {', '.join(_CONFIDENCES)}"
)


class Layout(NamedTuple):
    """The columns of a kind of file."""

    name: str
    columns: dict[str, _Kind]


_PRICE = {"carrier": _TEXT, "service": _TEXT, "currency": _CURRENCY}
_EVIDENCE = {"confidence": _CONFIDENCE, "source": _TEXT}
LAYOUTS = (
    Layout("rates by weight and zone", {
        **_PRICE, "zone": _TEXT, "weight_up_to": _NUMBER, "weight_unit": _UNIT, "price_minor": _MINOR,
        "rate_type": _TEXT, "effective_from": _DAY,
    }),
    Layout("rates by volume and zone", {
        **_PRICE, "zone": _TEXT, "cubic_ft_up_to": _NUMBER, "price_minor": _MINOR, "rate_type": _TEXT,
        "effective_from": _DAY,
    }),
    Layout("rates per pound", {
        **_PRICE, "zone": _TEXT, "price_minor_per_lb": _MINOR, "basis": _TEXT, "rate_type": _TEXT,
        "effective_from": _DAY,
    }),
    Layout("rates by box", {
        **_PRICE, "area": _TEXT, "size": _TEXT, "price_minor": _MINOR, "rate_type": _TEXT, "effective_from": _DAY,
    }),
    Layout("rates by size class and weight", {
        **_PRICE, "zone": _TEXT, "size_class": _ANY, "weight_up_to_g": _MINOR, "price_minor": _MINOR,
        "vat_included": _VAT, "rate_type": _TEXT, "effective_from": _DAY, "effective_to": _or_empty(_DAY), **_EVIDENCE,
    }),
    Layout("surcharges by zone", {
        "carrier": _TEXT, "service_scope": _TEXT, "code": _TEXT, "currency": _CURRENCY, "basis": _TEXT,
        "condition": _ANY, "zone_from": _or_empty(_MINOR), "zone_to": _or_empty(_MINOR),
        "price_minor": _or_empty(_MINOR), "percent": _or_empty(_NUMBER), "effective_from": _DAY,
        "effective_to": _or_empty(_DAY), "source": _TEXT, "confidence": _CONFIDENCE,
    }),
    Layout("surcharges by country", {
        "country": _TEXT, "carrier": _TEXT, "surcharge": _TEXT, "amount": _NUMBER, "unit": _TEXT,
        "currency": _CURRENCY, "vat_included": _VAT, "rate_type": _TEXT, "condition": _ANY,
        "effective_from": _or_empty(_DAY), **_EVIDENCE,
    }),
    Layout("fuel weeks", {
        "carrier": _TEXT, "service": _TEXT, "effective_from": _DAY, "percent": _NUMBER, "source": _TEXT,
        "confidence": _CONFIDENCE,
    }),
    Layout("fuel index bands", {
        "carrier": _TEXT, "service": _TEXT, "index": _TEXT, "at_least": _NUMBER, "less_than": _NUMBER,
        "percent": _NUMBER, "effective_from": _DAY, "source": _TEXT, "confidence": _CONFIDENCE,
    }),
    Layout("remote areas", {
        "country": _TEXT, "carrier": _TEXT, "zone": _TEXT, "match": _TEXT, "code": _TEXT, **_EVIDENCE,
    }),
    Layout("size limits", {
        "country": _TEXT, "carrier": _TEXT, "service": _TEXT, "size_class": _ANY, "max_weight_g": _ANY,
        "max_length_mm": _or_empty(_MINOR), "max_width_mm": _or_empty(_MINOR), "max_height_mm": _or_empty(_MINOR),
        "rule": _ANY, "limit_mm": _or_empty(_MINOR), "min_mm": _ANY, "delivery_days": _ANY, "cover": _ANY, **_EVIDENCE,
    }),
    Layout("exchange rates", {"currency": _CURRENCY, "per_eur": _RATE, "effective_from": _DAY, **_EVIDENCE}),
    Layout("zone charts", {
        "carrier": _TEXT, "origin_from": _ZIP3, "origin_to": _ZIP3, "destination_from": _ZIP3, "destination_to": _ZIP3,
        "zone": _ZONE, **_EVIDENCE,
    }),
    Layout("transit days", {
        "carrier": _TEXT, "service": _TEXT, "zone_from": _MINOR, "zone_to": _MINOR, "p50_days": _NUMBER,
        "p90_days": _NUMBER, "source": _TEXT, "evidence": _TEXT,
    }),
)  # fmt: skip


_FIXED = {
    "us/surcharges_us.csv": "surcharges by zone", "eu/surcharges.csv": "surcharges by country",
    "synthetic/surcharges.csv": "surcharges by country", "surcharges.csv": "surcharges by country",
    "us/fuel_percent_history.csv": "fuel weeks", "eu/remote_areas.csv": "remote areas", "transit.csv": "transit days",
    "exchange_rates.csv": "exchange rates", "zone_charts.csv": "zone charts",
}  # fmt: skip
"""Files that are read by name, so they must have their layout."""


def layout_of(columns: Iterable[str]) -> Layout | None:
    """Return the layout that a file comes closest to, or None when it has less than half of any one's columns."""
    named = set(columns)
    best = max(LAYOUTS, key=lambda layout: 2 * len(named & layout.columns.keys()) - len(layout.columns))
    return best if 2 * len(named & best.columns.keys()) >= len(best.columns) else None


def layout_findings(file: str, columns: list[str], rows: Iterable[tuple[int, Row]]) -> Iterator[Finding]:
    """Yield every column that is unknown or missing and every cell that is none of its kind."""
    layout = layout_of(columns)
    if layout is None:
        if file in _FIXED:
            fix = f"write the columns of {_FIXED[file]}"
            yield Finding("error", "layout_unknown", file, 1, f"the columns are {', '.join(columns)}", fix)
        return
    for column in columns:
        if column not in layout.columns:
            near = get_close_matches(column, layout.columns, 1)
            fix = f"rename it {near[0]}" if near else f"remove it; the columns are {', '.join(layout.columns)}"
            yield Finding("error", "unknown_column", file, 1, f"no column {column!r} in {layout.name}", fix)
    missing = [column for column in layout.columns if column not in columns]
    for column in missing:
        what = f"the column {column!r} of {layout.name} is missing"
        yield Finding("error", "missing_column", file, 1, what, "add it to every row")
    for number, row in rows:
        for column, kind in layout.columns.items():
            cell = row.get(column)
            if cell is None and column not in missing:
                yield Finding("error", "short_row", file, number, f"the row ends before {column!r}", "fill the row")
                break
            if cell is not None and not kind.accepts(cell):
                code = "wrong_unit" if kind in (_UNIT, _CURRENCY, _MINOR) else "bad_value"
                yield Finding("error", code, file, number, f"{column} is {cell!r}", kind.fix)
