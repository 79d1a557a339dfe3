"""Text that validates is short, clean, normal and encodable; cleaning twice changes nothing more."""

from __future__ import annotations

import unicodedata
from typing import Annotated

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from linkstar_contracts.text import CURRENCY_EXPONENTS, SafeStr, clean_text

NAME = TypeAdapter(Annotated[str, SafeStr(20, 1)])
any_text = st.text(st.characters(codec=None), max_size=40)
IGNORABLE = "\u00ad\u034f\u061c\u115f\u17b4\u180e\u200b\u202e\u2066\u3164\ufe0f\ufeff\uffa0\U000e0001\U000e0100"


@given(any_text)
@example("é\u2000")
@example("\ufeff\u202e \tx\x00")
@example("\u115f\u3164")
def test_cleaning_is_idempotent_and_leaves_only_text(text: str) -> None:
    try:
        cleaned = clean_text(text)
    except ValueError:
        assume(False)
    assert clean_text(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert cleaned == cleaned.strip()
    assert {unicodedata.category(char) for char in cleaned}.isdisjoint({"Cc", "Cs", "Zl", "Zp"})
    assert "\x00" not in cleaned.encode().decode()


@given(any_text)
def test_only_surrogates_and_non_characters_are_refused(text: str) -> None:
    hostile = any(0xD800 <= ord(c) <= 0xDFFF or 0xFDD0 <= ord(c) <= 0xFDEF or (ord(c) & 0xFFFE) == 0xFFFE for c in text)
    try:
        clean_text(text)
    except ValueError:
        assert hostile
    else:
        assert not hostile


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("  Jörg\tMüller\r\n", "Jörg Müller"), ("Jo\u0308rg", "Jörg"), ("evil\u202egnp.exe", "evilgnp.exe"),
        ("zero\u200bwidth", "zerowidth"), ("nul\x00l", "null"), ("李\ufe00雷", "李雷"), ("👩\u200d🚀", "👩🚀"),
        ("a\u2028b", "a b"), ("\x1b[31mred\x1b[0m", "[31mred[0m"), ("~^JUS ^XZ", "~^JUS ^XZ"), ("قاسم", "قاسم"),
    ],
)  # fmt: skip
def test_known_cases(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@pytest.mark.parametrize("raw", ["", "   ", IGNORABLE, "\x00\x01", "x" * 21, "x" * 1000, "e\u0301" * 100])
def test_bounds_count_what_is_left(raw: str) -> None:
    with pytest.raises(ValidationError):
        NAME.validate_python(raw)


@pytest.mark.parametrize("raw", ["x" * 20, " " * 40 + "x" + " " * 40, "e\u0301" * 20, "𠮷" * 20])
def test_what_fits_when_cleaned_is_taken(raw: str) -> None:
    assert 1 <= len(NAME.validate_python(raw)) <= 20


def test_currencies_cover_the_markets_and_have_the_right_places() -> None:
    assert {CURRENCY_EXPONENTS[code] for code in ("USD", "CAD", "GBP", "EUR", "CNY", "HKD", "AUD")} == {2}
    assert (CURRENCY_EXPONENTS["JPY"], CURRENCY_EXPONENTS["KWD"]) == (0, 3)
    assert all(len(code) == 3 and code.isupper() for code in CURRENCY_EXPONENTS)
