"""Invoice files are read exactly, or told row by row why not."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkstar_labeler.domain import invoice_files
from linkstar_labeler.domain.charge_codes import CODES, expected_by_code, share, ups_code
from linkstar_labeler.domain.dispute_windows import window_of
from linkstar_labeler.domain.invoice_files import read_invoices
from linkstar_labeler.domain.invoice_lines import BilledLine

HEADER = "invoice_number,invoice_date,line,tracking_number,charge_code,amount,currency,billed_weight,weight_unit"
GOOD = {"invoice_number": "F1", "invoice_date": "2026-11-30", "line": "1", "tracking_number": "1Z999AA10123456784",
        "charge_code": "BASE_RATE", "amount": "12.30", "currency": "USD", "billed_weight": "2",
        "weight_unit": "lb"}  # fmt: skip


def read(*rows: dict[str, str]) -> tuple[list[BilledLine], list[tuple[str, int, str]]]:
    text = "\n".join([HEADER, *(",".join((GOOD | row).values()) for row in rows)])
    lines, faults = read_invoices(StringIO(text), "linkstar")
    return lines, [(fault.code, fault.row, fault.column) for fault in faults]


def ups(**cells: str) -> str:
    row = [""] * 250
    plain = {"5": "2026-11-30", "6": "0000E12345", "10": "USD", "21": "1Z999AA10123456784", "29": "2.0", "30": "L",
             "44": "FRT", "45": "003", "46": "Ground Residential", "53": "12.30"}  # fmt: skip
    for place, text in (plain | {name.removeprefix("c"): text for name, text in cells.items()}).items():
        row[int(place) - 1] = text
    return ",".join(row)


def test_a_line_is_read_exactly() -> None:
    [line], faults = read({})
    assert not faults
    assert (line.key, line.invoice_date, line.amount.amount_minor) == (("F1", 1), date(2026, 11, 30), 1230)
    assert line.grams == Decimal("907.18474")
    assert read({"charge_code": "fuel_surcharge", "amount": "-0.05"})[0][0].code == "FUEL_SURCHARGE"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"tracking_number": "1.23E+21"}, ("tracking_number_damaged", 2, "tracking_number")),
        ({"amount": "12.305"}, ("amount_invalid", 2, "amount")),
        ({"amount": "1e2"}, ("amount_invalid", 2, "amount")),
        ({"amount": ""}, ("amount_invalid", 2, "amount")),
        ({"currency": "usd"}, ("currency_unknown", 2, "currency")),
        ({"invoice_date": "30.11.2026"}, ("invoice_date_invalid", 2, "invoice_date")),
        ({"invoice_date": "9999-12-31"}, ("invoice_date_invalid", 2, "invoice_date")),
        ({"amount": "9999999999.999", "currency": "KWD"}, ("amount_invalid", 2, "amount")),
        ({"line": "0"}, ("line_invalid", 2, "line")),
        ({"invoice_number": "F/1"}, ("invoice_number_invalid", 2, "invoice_number")),
        ({"charge_code": "MYSTERY"}, ("charge_code_unknown", 2, "charge_code")),
        ({"billed_weight": "-1"}, ("weight_invalid", 2, "billed_weight")),
        ({"weight_unit": "stone"}, ("weight_invalid", 2, "billed_weight")),
    ],
)
def test_what_cannot_be_read_is_told_with_row_and_column(change: dict[str, str], fault: tuple[str, int, str]) -> None:
    lines, faults = read(change, {"line": "2"})
    assert faults == [fault]
    assert [line.line for line in lines] == [2]


def test_a_line_stands_once_and_an_invoice_has_one_date() -> None:
    assert read({}, {"amount": "1"})[1] == [("line_repeated", 3, "line")]
    assert read({}, {"line": "2", "invoice_date": "2026-12-01"})[1] == [("invoice_date_differs", 3, "invoice_date")]


def test_a_file_s_own_faults() -> None:
    for text, code in [("", "column_missing"), ("a,b\n1,2", "column_missing"), (HEADER, "file_empty"),
                       (f'{HEADER}\nF1,"2026', "csv_invalid")]:  # fmt: skip
        assert [fault.code for fault in read_invoices(StringIO(text), "linkstar")[1]] == [code]


def test_faults_and_lines_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(read(*[{"line": "x"}] * 300)[1]) == 100
    monkeypatch.setattr(invoice_files, "MOST_LINES", 3)
    assert [code for code, _, _ in read(*[{"line": str(n)} for n in range(1, 9)])[1]] == ["file_too_long"]


def test_ups_billing_data_is_read_by_place_and_numbered_by_invoice() -> None:
    text = "\n".join([
        ups(), ups(c44="FSC", c45="", c46="Fuel Surcharge", c53="1.05", c29="0.0"), ups(c44="INF", c53="0.00"),
        ups(c44="ACC", c45="RES", c46="Residential Surcharge", c53="6.50"), ups(c6="0000E12346"),
        ups(c21="", c44="MSC", c45="", c46="Weekly service charge", c53="30.00"),
    ])  # fmt: skip
    lines, faults = read_invoices(StringIO(text), "ups-billing-data")
    assert not faults
    assert [(line.key, line.code, line.amount.amount_minor) for line in lines] == [
        (("0000E12345", 1), "BASE_RATE", 1230), (("0000E12345", 2), "FUEL_SURCHARGE", 105),
        (("0000E12345", 4), "RESIDENTIAL_SURCHARGE", 650), (("0000E12346", 1), "BASE_RATE", 1230),
        (("0000E12345", 5), "OTHER", 3000),
    ]  # fmt: skip
    assert lines[0].grams == Decimal("907.18474")
    assert [line.grams for line in lines[1:2]] == [None]
    assert [fault.code for fault in read_invoices(StringIO("2.1,1,2"), "ups-billing-data")[1]] == ["columns_missing"]


@settings(deadline=None)
@given(st.integers(-(10**6), 10**6), st.integers(1, 20))
def test_the_shares_of_all_parcels_are_the_amount(amount: int, parcels: int) -> None:
    shares = [share(amount, parcel, parcels) for parcel in range(1, parcels + 1)]
    assert sum(shares) == amount
    assert max(shares) - min(shares) <= 1


def test_discounts_lower_the_base_rate_and_our_own_lines_are_no_carrier_s() -> None:
    lines = [("base_rate", 900), ("contract_discount", -100), ("das_extended_residential", 50), ("platform_fee", 30),
             ("insurance", 20), ("surprise", 7), ("length_surcharge", 4), ("demand_surcharge", 3)]  # fmt: skip
    assert expected_by_code(lines) == {
        "BASE_RATE": 800, "DELIVERY_AREA_SURCHARGE": 50, "OTHER": 7, "LENGTH_SURCHARGE": 4, "DEMAND_SURCHARGE": 3,
    }  # fmt: skip
    assert {ups_code("ACC", code, "") for code in ("100", "190", "270", "376", "377", "430", "?")} <= set(CODES)


def test_a_carrier_s_own_window_goes_before_that_of_all() -> None:
    day = date(2026, 11, 30)
    assert (window_of("usps", day).file_within_days, window_of("evri", day).carrier) == (60, "*")
    assert window_of("usps", day).closes_on(day) == date(2027, 1, 29)
    assert window_of("usps", date(1999, 1, 1)).carrier == "*"
