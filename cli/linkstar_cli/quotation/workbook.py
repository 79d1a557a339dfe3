"""The quotation as an XLSX workbook: prices, every line, what is out and why, break-even volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from linkstar_cli.quotation.mix import BreakEven, Quoted
from linkstar_cli.screen import CommandError

__all__ = ["write_quotation"]

Row = Sequence[object]
_WIDTHS = (28, 12, 26, 12, 12, 14, 14, 26, 12, 60)


def write_quotation(
    path: Path, quoted: Sequence[Quoted], volumes: Mapping[str, Sequence[BreakEven]], about: Mapping[str, str]
) -> None:
    """Write the workbook: a sheet each for the quotation, its lines, the services that are out, and break-even volumes."""
    try:
        file = path.open("wb")
    except OSError as error:
        raise CommandError(
            "quotation-unwritable", f"{path}: {error.strerror}.", "Name a file in a folder that exists and is yours."
        ) from error
    with file:
        _book(quoted, volumes, about).save(file)


def _book(quoted: Sequence[Quoted], volumes: Mapping[str, Sequence[BreakEven]], about: Mapping[str, str]) -> Workbook:
    book = Workbook(write_only=True)
    _sheet(book, "Quotation", _prices(quoted), _PRICES)
    _sheet(book, "Lines", _lines(quoted), ("shipment", "service", "line", "amount", "currency", "detail", "synthetic"))
    _sheet(book, "Not offered", _missing(quoted), ("shipment", "service", "code", "why"))
    _sheet(book, "Break-even", _volumes(volumes), _VOLUMES)
    _sheet(book, "About", about.items(), ("what", "value"))
    return book


_PRICES = (
    "shipment", "per month", "service", "price", "currency", "month", "paid now", "second best", "its price", "notices",
    "price list", "kind of price", "as of", "synthetic",
)  # fmt: skip
_VOLUMES = (
    "what", "against", "currency", "fixed per month", "saving per parcel", "break-even parcels per month",
    "expected parcels per month",
)  # fmt: skip


def _sheet(book: Workbook, title: str, rows: Iterable[Row], header: Sequence[str]) -> None:
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABCDEFGHIJ", _WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width
    heads = []
    for text in header:
        cell = WriteOnlyCell(sheet, value=text)
        cell.font = Font(bold=True)
        heads.append(cell)
    sheet.append(heads)
    for row in rows:
        sheet.append([_plain(value) for value in row])


def _plain(value: object) -> object:
    """Text that a spreadsheet would take for a formula stays text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


def _prices(quoted: Sequence[Quoted]) -> Iterable[Row]:
    for each in quoted:
        told = "; ".join(f"{notice['code']}: {notice['detail']}" for notice in each.notices)
        if not each.routes:
            yield (each.kind.name, each.kind.per_month, "none: see Not offered", *[None] * 6, told)
            continue
        best, second = each.routes[0], each.routes[1] if len(each.routes) > 1 else None
        minor, evidence = best["total"]["amount_minor"], best["evidence"]
        yield (
            each.kind.name, each.kind.per_month, _service(best), _money(minor), each.currency,
            _money(minor * each.kind.per_month), each.kind.paid_now, _service(second) if second else None,
            _money(second["total"]["amount_minor"]) if second else None, told, evidence["source"],
            evidence["rate_type"], evidence["as_of"], "yes" if evidence["synthetic"] else "no",
        )  # fmt: skip


def _lines(quoted: Sequence[Quoted]) -> Iterable[Row]:
    for each in quoted:
        for route in each.routes:
            for line in route["lines"]:
                amount = line["amount"]
                yield (
                    each.kind.name, _service(route), line["code"], _money(amount["amount_minor"]), amount["currency"],
                    line.get("detail", ""), "yes" if line["synthetic"] else "no",
                )  # fmt: skip


def _missing(quoted: Sequence[Quoted]) -> Iterable[Row]:
    for each in quoted:
        for entry in each.excluded:
            yield each.kind.name, _service(entry), entry["code"], entry.get("detail", "")


def _volumes(volumes: Mapping[str, Sequence[BreakEven]]) -> Iterable[Row]:
    for currency, found in volumes.items():
        for each in found:
            saving = each.saving_per_parcel
            yield (
                each.what, each.against, currency, _money(each.fixed_minor),
                (Decimal(saving.numerator) / saving.denominator / 100).quantize(Decimal("0.0001")),
                "never" if each.volume is None else each.volume, each.expected,
            )  # fmt: skip


def _service(route: Mapping[str, Any]) -> str:
    return f"{route['carrier']}/{route['service']}"


def _money(minor: int) -> Decimal:
    return Decimal(minor).scaleb(-2)
