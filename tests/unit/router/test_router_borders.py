"""Customs borders: between countries, around islands and overseas parts, and where there is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from linkstar_router.domain.customs import load_borders
from linkstar_router.domain.decision import Decision

BORDERS = load_borders()


@pytest.mark.parametrize(
    ("home", "there", "postcode"),
    [
        ("GB", "GB", "JE2"), ("GB", "GB", "GY1 1AA"), ("DE", "DE", "27498"), ("DE", "DE", "78266"), ("FR", "FR", "97400"),
        ("FR", "FR", "98735"), ("US", "US", "09012"), ("US", "US", "34001"), ("US", "US", "96799"), ("US", "US", "96910"),
        ("US", "CA", "V6B"), ("GB", "DE", "10115"), ("DE", "CH", "8001"),
    ],
)  # fmt: skip
def test_customs_data_is_needed(home: str, there: str, postcode: str) -> None:
    refusal = BORDERS.between(home, there, postcode)
    assert refusal is not None
    assert refusal.code == "cross_border_without_customs"


@pytest.mark.parametrize(
    ("country", "postcode"),
    [
        ("GB", "BT1"), ("GB", "IM1"), ("DE", "27499"), ("FR", "20000"), ("FR", "98000"), ("US", "09912"), ("US", "33999"),
        ("US", "96701"), ("CA", "X0A"),
    ],
)  # fmt: skip
def test_no_border_is_crossed(country: str, postcode: str) -> None:
    assert BORDERS.between(country, country, postcode) is None


def test_inside_a_customs_union_the_price_is_what_is_missing() -> None:
    refusal = BORDERS.between("DE", "FR", "75001")
    assert refusal is not None
    assert refusal.code == "coverage"


@pytest.mark.parametrize(
    ("warehouse", "postcode", "country", "code"),
    [
        ("UK-BHX", "JE2", None, "cross_border_without_customs"),
        ("US-LA", "09012", None, "cross_border_without_customs"),
        ("US-LA", "V6B", "CA", "cross_border_without_customs"),
        ("DE-HAJ", "75001", "FR", "coverage"),
    ],
)
def test_every_service_is_out_with_the_reason(
    decided: Callable[..., Decision], warehouse: str, postcode: str, country: str | None, code: str
) -> None:
    decision = decided(warehouse, postcode, country=country)
    assert decision.candidates == ()
    assert {entry.refusal.code for entry in decision.excluded} == {code}
    assert len(decision.excluded) > 1
