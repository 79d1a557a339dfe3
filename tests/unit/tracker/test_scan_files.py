"""Files of scans: what is read of a row, and which files are none."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkstar_tracker.domain.scan_files import COLUMNS, MAX_ROWS, FileRefused, read_scan_file

HEAD = "carrier,tracking_number,code,scanned_at\n"


def test_rows_become_reports_with_their_lines() -> None:
    head, row_text = (
        "Code; Carrier;tracking_number;scanned_local;City;Weather",
        "OD;fedex;4490;2026-06-09 08:00;Rome;wet",
    )
    [row] = read_scan_file(f"\ufeff\r\n{head}\r\n{row_text}\r\n\r\n".encode())
    assert row.line == 3
    assert row.report == {
        "code": "OD", "carrier": "fedex", "tracking_number": "4490", "scanned_local": "2026-06-09 08:00",
        "place": {"city": "Rome"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "file_empty"),
        (b" \n\n", "file_empty"),
        (HEAD.encode() + b"fedex,1\xff,OD,x\n", "file_not_utf8"),
        (HEAD.encode() + b"fedex,1\x00,OD,x\n", "file_unreadable"),
        (b"PK\x03\x04", "column_missing"),
        (b"carrier,code,scanned_at\n", "column_missing"),
        (b"carrier,tracking_number,code\n", "column_missing"),
        (b"carrier,tracking_number,code,scanned_at,Code\n", "column_duplicate"),
        (HEAD.encode() + b"a,b,c,d\n" * (MAX_ROWS + 1), "rows_too_many"),
        (HEAD.encode() + b'a,b,c,"' + b"x" * 200_000, "file_unreadable"),
    ],
)
def test_a_file_that_is_none_is_refused_by_its_code(raw: bytes, code: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read_scan_file(raw)
    assert refused.value.code == code


def test_a_misshapen_row_hides_no_other() -> None:
    rows = read_scan_file((HEAD + "fedex,1,OD\nfedex,2,OD,x\nfedex,3,OD,x,y\n" + f"fedex,4,{'O' * 3000},x\n").encode())
    assert [row.line for row in rows] == [2, 3, 4, 5]
    assert [row.report is None for row in rows] == [True, False, True, True]


ONWARD = {"next_carrier": "carrier", "next_number": "tracking_number"}
CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, CELL)), max_size=5), st.sampled_from(",;\t"))
def test_what_is_written_is_read(told: list[dict[str, str]], delimiter: str) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(told)
    rows = read_scan_file(text.getvalue().encode())
    wanted = [{n: cell.strip() for n, cell in row.items() if cell.strip()} for row in told]
    read = [{**(row.report or {}), **(row.report or {}).get("place", {})} for row in rows]
    for each in read:
        each.pop("place", None)
        onward = each.pop("travels_on_as", {})
        each |= {name: onward[of] for name, of in ONWARD.items() if of in onward}
    assert read == [row for row in wanted if row]
