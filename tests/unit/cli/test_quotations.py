"""Quotations: mixes as files, with every fault named, and break-even volumes by arithmetic."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from linkstar_cli.quotation.making import Costs
from linkstar_cli.quotation.mix import Quoted, break_evens, by_currency
from linkstar_cli.quotation.profile import Kind, read_profile
from linkstar_cli.quotation.workbook import write_quotation
from linkstar_cli.screen import CommandError
from linkstar_sandbox.order_files.catalogue import WAREHOUSES

HOUSES = {house["code"]: house for house in WAREHOUSES}
HEADER = "shipment,per_month,from,to,parcel,paid_now"


def _mix(tmp_path: Path, *rows: str, header: str = HEADER) -> Path:
    path = tmp_path / "mix.csv"
    path.write_text("\n".join((header, *rows)), "utf-8")
    return path


def test_a_mix_reads_as_written(tmp_path: Path) -> None:
    path = _mix(
        tmp_path, "mug,120,US-LA,10001,1 lb 6x5x4 in + 2 lb 8x8x8 in,8.45", "lamp,5,DE-HAJ,80331,2 kg 30x20x20 cm,"
    )
    mug, lamp = read_profile(path, HOUSES)
    assert (mug.row, mug.name, mug.per_month, mug.paid_now) == (2, "mug", 120, Decimal("8.45"))
    assert [parcel["number"] for parcel in mug.request["parcels"]] == [1, 2]
    assert lamp.request["destination"]["country"] == "DE"
    assert lamp.paid_now is None


def test_a_workbook_reads_like_its_csv(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADER.split(","))
    sheet.append(["mug", 120, "US-LA", "US 10001", "1 lb 6x5x4 in", 8.45])
    book.save(tmp_path / "mix.xlsx")
    [mug] = read_profile(tmp_path / "mix.xlsx", HOUSES)
    assert (mug.per_month, mug.paid_now) == (120, Decimal("8.45"))


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("mug,many,US-LA,10001,1 lb 6x5x4 in,", "count-unreadable"),
        ("mug,1,US-XX,10001,1 lb 6x5x4 in,", "unknown-warehouse"),
        ("mug,1,US-LA,10001,1 lb,", "parcel-unreadable"),
        ("mug,1,US-LA,10001,1 lb 6x5x4 in,cheap", "amount-unreadable"),
    ],
)
def test_a_fault_names_its_row(tmp_path: Path, row: str, code: str) -> None:
    with pytest.raises(CommandError, match=r"mix\.csv row 3") as refused:
        read_profile(_mix(tmp_path, "mug,1,US-LA,10001,1 lb 6x5x4 in,", row), HOUSES)
    assert refused.value.code == code


@pytest.mark.parametrize("header", ["shipment,per_month,from,to", HEADER + ",colour"])
def test_columns_must_be_known_and_whole(tmp_path: Path, header: str) -> None:
    with pytest.raises(CommandError) as refused:
        read_profile(_mix(tmp_path, header=header), HOUSES)
    assert refused.value.code == "profile-columns"


def test_an_empty_mix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="0 rows"):
        read_profile(_mix(tmp_path), HOUSES)


def _route(key: str, minor: int, currency: str = "USD") -> dict[str, Any]:
    carrier, _, service = key.partition("/")
    amount = {"amount_minor": minor, "currency": currency}
    return {
        "carrier": carrier, "service": service, "total": amount,
        "lines": [{"code": "base_rate", "amount": amount, "detail": "=1+1", "synthetic": False}],
        "evidence": {"source": "list", "rate_type": "list", "as_of": "2026-11-22", "synthetic": False},
    }  # fmt: skip


def _quoted(per_month: int, paid: str | None, *routes: dict[str, Any], name: str = "mug") -> Quoted:
    kind = Kind(2, name, per_month, None if paid is None else Decimal(paid), {})
    return Quoted(kind, routes, (), ())


MIX = [
    _quoted(300, "10.00", _route("usps/ga", 800), _route("ups/ground", 900)),
    _quoted(100, "20.00", _route("ups/ground", 1500), _route("usps/ga", 1900)),
]


def test_a_quotation_pays_when_the_saving_has_earned_the_fixed_cost() -> None:
    [against_now] = break_evens(MIX, 50_000, {})
    assert against_now.saving_per_parcel == Fraction(300 * 200 + 100 * 500, 400) == Fraction(275)
    assert (against_now.volume, against_now.expected) == (182, 400)
    assert 181 * 275 < 50_000 <= 182 * 275


def test_a_carrier_with_a_fee_is_used_only_where_it_is_cheaper() -> None:
    fee = break_evens(MIX, 0, {"ups": 8_000})[1]
    assert fee.saving_per_parcel == Fraction(100 * 400, 400)
    assert fee.volume == 80


def test_what_saves_nothing_never_pays() -> None:
    assert break_evens([_quoted(10, "7.00", _route("usps/ga", 800))], 100, {})[0].volume is None


def test_currencies_are_never_added() -> None:
    groups = by_currency([*MIX, _quoted(1, None, _route("dpd-de/classic", 500, "EUR")), _quoted(1, None)])
    assert {currency: len(group) for currency, group in groups.items()} == {"USD": 2, "EUR": 1}


def test_the_workbook_holds_prices_lines_and_volumes(tmp_path: Path) -> None:
    volumes = {"USD": break_evens(MIX, 50_000, {"ups": 8_000})}
    write_quotation(tmp_path / "q.xlsx", [*MIX, _quoted(9, None, name="=cmd()")], volumes, {"mix": "mix.csv"})
    book = openpyxl.load_workbook(tmp_path / "q.xlsx")
    rows = list(book["Quotation"].values)
    assert rows[1][:7] == ("mug", 300, "usps/ga", 8, "USD", 2400, 10)
    assert rows[3][:3] == ("'=cmd()", 9, "none: see Not offered")
    assert [row[5] for row in list(book["Break-even"].values)[1:]] == [182, 80]
    assert len(list(book["Lines"].values)) == 5
    assert list(book["Lines"].values)[1][5] == "'=1+1"


@pytest.mark.parametrize(("monthly", "fees"), [("cheap", []), ("1.001", []), ("0", ["ups"]), ("-1", [])])
def test_costs_must_be_amounts(monthly: str, fees: list[str]) -> None:
    with pytest.raises(CommandError, match="no amount"):
        Costs.parse(monthly, fees)


def test_a_workbook_that_cannot_be_written_is_a_coded_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as refused:
        write_quotation(tmp_path / "nowhere" / "quotation.xlsx", [], {}, {})
    assert refused.value.code == "quotation-unwritable"
