"""Order files saved as XLSX: the same orders as from text, spreadsheet damage told by row and field, bombs refused."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from ingest_orders import NOW, PRODUCTS, WAREHOUSES
from openpyxl import Workbook

from linkstar_ingest.channels import CHANNELS
from linkstar_ingest.channels.encodings import decode
from linkstar_ingest.channels.order_file import OrderFile
from linkstar_ingest.domain.acceptance import accept
from linkstar_ingest.domain.drafts import OrderDraft, complete
from linkstar_ingest.domain.faults import Refusal, RowFault
from linkstar_sandbox.order_files import build_order_book

SHEET = "xl/worksheets/sheet1.xml"
COLUMNS = [
    "order_id", "placed_at", "warehouse", "name", "street", "city", "region", "postcode", "country", "sku", "quantity",
    "unit_price", "currency", "weight", "weight_unit", "length", "width", "height", "size_unit", "phone", "note",
]  # fmt: skip
BOOK = build_order_book(7, datetime(2026, 11, 2, 9, 0, tzinfo=UTC))


def order(**changes: Any) -> list[Any]:
    row = {
        "order_id": "x-1", "placed_at": "2026-11-01T10:00:00Z", "name": "Ava Carter", "street": "12 Oak St",
        "city": "Boston", "region": "MA", "postcode": "02108", "country": "US", "sku": "MUG", "quantity": 1,
        "unit_price": 12.99, "currency": "USD", "weight": 0.8, "weight_unit": "kg", "length": 20, "width": 15,
        "height": 12.5, "size_unit": "cm", "phone": 12025550101, **changes,
    }  # fmt: skip
    return [row.get(column) for column in COLUMNS]


def workbook(
    *rows: Sequence[Any], header: Sequence[Any] = COLUMNS, more: Callable[[Workbook], None] | None = None
) -> bytes:
    book = Workbook()
    book.active.append(header)
    for row in rows:
        book.active.append(row)
    for cell in (cell for row in book.active.iter_rows() for cell in row if str(cell.value).startswith('="')):
        cell.data_type = "s"
    if more:
        more(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read(raw: bytes, channel: str = "linkstar") -> OrderFile:
    return CHANNELS[channel](raw)


def code_of(raw: bytes) -> str:
    with pytest.raises(Refusal) as refused:
        read(raw)
    return refused.value.fault.code


def repacked(raw: bytes, part: str, change: Callable[[bytes], bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(out, "w", method) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return out.getvalue()


@pytest.mark.parametrize("file", BOOK.files, ids=lambda file: file.name)
def test_a_file_saved_as_a_workbook_means_the_same(file: Any) -> None:
    delimiter = "\t" if file.channel == "amazon" else ","
    header, *rows = csv.reader(io.StringIO(decode(file.content)), delimiter=delimiter)
    typed = [[int(cell) if re.fullmatch(r"[1-9]\d{0,9}", cell) else cell or None for cell in row] for row in rows]
    text, book = read(file.content, file.channel), read(workbook(*typed, header=header), file.channel)
    assert book == text
    assert len(text.drafts) > 20


def test_numbers_are_read_as_the_text_they_show() -> None:
    (draft,) = read(workbook(order(quantity=2.0, weight=1.1, unit_price=1e-3, phone=12025550101.0))).drafts
    assert isinstance(draft, OrderDraft)
    assert (draft.lines[0].quantity, draft.lines[0].unit_price, draft.parcels[0].weight) == ("2", "0.001", "1.1")
    assert draft.consignee["phone"] == "12025550101"


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"street": "=A1"}, "cell_formula", "street"),
        ({"quantity": "=1+1"}, "cell_formula", "quantity"),
        ({"city": "#N/A"}, "cell_error", "city"),
        ({"sku": datetime(2026, 3, 1)}, "cell_date", "sku"),  # noqa: DTZ001 - as spreadsheets hold them
        ({"order_id": datetime(2026, 4, 3).time()}, "cell_date", "order_id"),  # noqa: DTZ001
        ({"phone": 4917612345678901}, "number_rounded", "phone"),
        ({"street": "x" * 32_760}, "row_too_long", "row"),
    ],
)
def test_what_a_spreadsheet_has_damaged_is_told_by_row_and_field(changes: Any, code: str, field: str) -> None:
    file = read(workbook(order(), order(**{"order_id": "x-2", **changes}), order(order_id="x-2")))
    [first, *others] = file.faults
    assert (first.row, first.fault.code, first.fault.field) == (3, code, field)
    left_out = [] if "order_id" in changes else [(4, "order_incomplete")]
    assert [(fault.row, fault.fault.code) for fault in others] == left_out
    assert {draft.order_id for draft in file.drafts} == {"x-1"} | ({"x-2"} if "order_id" in changes else set())
    assert file.rows == 3


def test_damage_in_columns_that_nobody_reads_spoils_nothing() -> None:
    assert read(workbook(order(note="=SUM(A1:A9)"), order(order_id="x-2", note=10**18))).faults == []


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"postcode": 2108, "region": None, "city": "Nowhere"}, "postcode_damaged", "consignee.postcode"),
        ({"placed_at": datetime(2026, 11, 1, 10)}, "time_naive", "placed_at"),  # noqa: DTZ001
        ({"placed_at": 46000}, "time_invalid", "placed_at"),
        ({"order_id": "1.2E+18"}, "order_id_damaged", "order_id"),
    ],
)
def test_values_a_spreadsheet_retyped_are_told_by_row_and_field(changes: Any, code: str, field: str) -> None:
    file = read(workbook(order(**changes)))
    found: Any = file.faults
    if file.drafts:
        (draft,) = file.drafts
        assert isinstance(draft, OrderDraft)
        submitted = complete(draft, "demo", NOW, "US-NJ", PRODUCTS)
        if not isinstance(submitted, list):
            fault = accept(submitted, WAREHOUSES)
            submitted = [RowFault(draft.row, draft.order_id, fault)]  # type: ignore[arg-type]
        found = submitted
    assert [(one.row, one.fault.code, one.fault.field) for one in found] == [(2, code, field)]


def test_a_postcode_that_lost_its_zero_is_restored_where_the_city_proves_it() -> None:
    (draft,) = read(workbook(order(postcode=2108))).drafts
    assert isinstance(draft, OrderDraft)
    assert draft.consignee["postcode"] == "2108"


def test_a_formula_in_the_order_id_refuses_the_file_since_its_order_is_unknown() -> None:
    assert code_of(workbook(order(), order(order_id="=A2"))) == "cell_formula"


def test_only_the_sheet_with_the_columns_is_read() -> None:
    def with_notes(book: Workbook) -> None:
        book.create_sheet("Notes", 0).append(["call the warehouse"])
        book.create_sheet("Empty")
        book.create_sheet("Copy").append(COLUMNS)
        book["Copy"].sheet_state = "hidden"

    assert [draft.order_id for draft in read(workbook(order(), more=with_notes)).drafts] == ["x-1"]
    assert code_of(workbook(order(), more=lambda book: book.create_sheet("Copy").append(COLUMNS))) == "sheets_several"


def bomb() -> bytes:
    return repacked(workbook(order()), SHEET, lambda xml: xml.replace(b"Oak", b"Oak" + b" " * 30_000_000))


def laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha" * 10}">' for n in range(9))
    doctype = f"<!DOCTYPE x [{entities}]>".encode()
    return repacked(workbook(order()), SHEET, lambda xml: doctype + xml.replace(b"Oak", b"&l8;"))


def rows_written(change: Callable[[bytes], bytes]) -> bytes:
    return repacked(workbook(order(), order(order_id="x-2")), SHEET, change)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (bomb(), "workbook_too_large"),
        (laughs(), "workbook_unreadable"),
        (rows_written(lambda xml: xml.replace(b'<row r="3"', b'<row r="2"')), "workbook_unreadable"),
        (rows_written(lambda xml: xml.replace(b'<row r="3"', b'<row r="9999999"')), "workbook_unreadable"),
        (rows_written(lambda xml: xml.replace(b'r="B3"', b'r="A3"')), "workbook_unreadable"),
        (workbook(order())[:-200], "workbook_unreadable"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "workbook_unreadable"),
        (workbook(header=["name"]), "column_missing"),
        (workbook(header=[]), "file_empty"),
        (workbook(header=["order_id", "Order_ID "]), "column_duplicate"),
        (workbook(header=["order_id", *range(301)]), "columns_too_many"),
        (workbook(order(order_id="=A1"), order()), "cell_formula"),
        (workbook(*([order(sku="=A1", order_id=f"x-{n}") for n in range(1_100)])), "rows_broken"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_workbooks_that_are_none_are_refused_whole(raw: bytes, code: str) -> None:
    assert code_of(raw) == code


def test_a_row_far_down_keeps_its_number_and_costs_nothing() -> None:
    raw = rows_written(lambda xml: xml.replace(b'<row r="3"', b'<row r="1048576"'))
    assert [draft.row for draft in read(raw).drafts] == [2, 1_048_576]


def test_cells_without_end_are_refused() -> None:
    def endless(xml: bytes) -> bytes:
        return xml.replace(b"</sheetData>", b'<row r="9">' + b"<c/>" * 200_001 + b"</row></sheetData>")

    assert code_of(repacked(workbook(order()), SHEET, endless, zipfile.ZIP_STORED)) == "cells_too_many"
