"""Statements read like the ledger: every movement once, each balance the sum before it, on paper and as CSV."""

from __future__ import annotations

import csv
from datetime import timedelta
from io import StringIO
from itertools import accumulate

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkstar_contracts.values import parse_money
from linkstar_labeler.domain.months import Month
from linkstar_labeler.domain.statement_pdf import statement_pdf
from linkstar_labeler.domain.statements import (
    WORDS,
    Movement,
    Statement,
    csv_closing,
    csv_entries,
    csv_opening,
)

MONTH = Month(2026, 11)
IDS = {
    "topup|0a": "topup", "o1|capture|1": "capture", "o1|capture.insurance|1": "capture.insurance", "o1|hold|2": "hold",
    "rebate|2026-10.usps|USD": "rebate", "rebate|capture|1": "capture", "topup|refund|3": "refund",
    "o1|settlement.refund|1": "settlement.refund", "o1|adjustment|usps.F1.1": "adjustment",
    "o1|dispute.lost|x.y.1": "dispute.lost",
}  # fmt: skip


def movement(number: int, amount: int, posting_id: str = "o1|capture|1", reference: str = "") -> Movement:
    return Movement(number, MONTH.starts_at + timedelta(minutes=number), posting_id, "o1", reference, amount)


def statement(opening: int = 0, currency: str = "USD") -> Statement:
    return Statement("acme", currency, MONTH, opening)


@pytest.mark.parametrize(("posting_id", "kind"), IDS.items())
def test_every_posting_has_a_word_in_both_languages(posting_id: str, kind: str) -> None:
    assert movement(1, 5, posting_id).kind == kind
    assert kind in WORDS["en"]
    assert kind in WORDS["zh"]


def test_both_languages_say_the_same_things() -> None:
    assert WORDS["en"].keys() == WORDS["zh"].keys()


@settings(deadline=None)
@given(
    st.integers(-(10**6), 10**6), st.lists(st.integers(-(10**6), 10**6), max_size=30), st.integers(0, 30),
    st.sampled_from(["USD", "JPY", "KWD"]), st.sampled_from(["en", "zh"]),
)  # fmt: skip
def test_the_csv_adds_up_however_it_is_cut_into_portions(
    opening: int, amounts: list[int], cut: int, currency: str, lang: str
) -> None:
    made = statement(opening, currency)
    movements = [movement(number, amount) for number, amount in enumerate(amounts, 1)]
    text = csv_opening(made, lang) + csv_entries(made, movements[:cut], lang) + csv_entries(made, movements[cut:], lang)
    rows = list(csv.reader(StringIO(text + csv_closing(made, lang))))[1:]
    balances = [parse_money(row[-1], currency).amount_minor for row in rows]
    assert balances[:-1] == list(accumulate(amounts, initial=opening))
    assert balances[-1] == balances[-2] == made.balance_minor
    assert [parse_money(row[-2], currency).amount_minor for row in rows[1:-1]] == amounts
    assert sum(made.by_kind.values()) == sum(amounts)


def test_no_text_is_a_formula_for_a_spreadsheet() -> None:
    rows = csv.reader(StringIO(csv_entries(statement(), [movement(1, -5, reference='=HYPERLINK("x")')], "en")))
    [row] = list(rows)
    assert row[4] == '\'=HYPERLINK("x")'
    assert row[6] == "-0.05"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_pdf_shows_headings_every_entry_sums_and_balances(lang: str) -> None:
    movements = [movement(1, 10_000, "topup|0a", "转账 17"), *(movement(n, -100 - n) for n in range(2, 121))]
    printed = statement_pdf(statement(500), movements, lang)
    pages = [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(printed)]
    text = "\n".join(pages)
    assert len(pages) == 3
    assert f"{WORDS[lang]['page']} 3/3" in pages[2]
    closing = 500 + 10_000 - sum(100 + n for n in range(2, 121))
    for wanted in ("acme", "2026-11", "5.00", "100.00", "转账 17", WORDS[lang]["topup"], WORDS[lang]["closing"],
                   f"{closing / 100:.2f}", *(f"-{(100 + n) / 100:.2f}" for n in range(2, 121))):  # fmt: skip
        assert wanted in text, wanted
    assert all(WORDS[lang]["balance"] in page for page in pages)
    assert printed == statement_pdf(statement(500), movements, lang)
