"""Tiers, months and amounts as text: exact, and refused where they mean nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from linkstar_contracts.values import Money, parse_money
from linkstar_labeler.domain.months import Month
from linkstar_labeler.domain.rebates import Agreement, Tier, Volume, reached, rebate_entry

TIERS = (Tier(10, 100), Tier(100, 250))
NOVEMBER = Month(2026, 11)


def agreement(*tiers: Tier) -> Agreement:
    day = date(2026, 1, 1)
    return Agreement("acme", "usps", "USD", day, None, None, tiers, "invented", day, True)


@pytest.mark.parametrize(
    ("shipments", "basis_points"), [(0, 0), (9, 0), (10, 100), (99, 100), (100, 250), (10**6, 250)]
)
def test_the_highest_tier_reached_counts(shipments: int, basis_points: int) -> None:
    assert reached(TIERS, shipments) == basis_points


@settings(deadline=None)
@given(st.integers(-1000, 10**9), st.integers(1, 10_000))
@example(1, 5_000)  # exactly half a cent
@example(-1, 5_000)
def test_a_rebate_is_the_share_rounded_half_up_and_never_negative(charged: int, basis_points: int) -> None:
    entry = rebate_entry(agreement(Tier(1, basis_points)), NOVEMBER, Volume(1, 1, charged))
    exact = Decimal(max(charged, 0)) * basis_points / 10_000
    amount = entry.amount.amount_minor if entry else 0
    assert Decimal("-0.5") <= exact - amount < Decimal("0.5")
    assert amount <= max(charged, 0)


def test_months_meet_without_gap_and_say_their_name() -> None:
    december, january = Month.parse("2026-12"), Month.parse("2027-01")
    assert december.ends_at == january.starts_at == datetime(2027, 1, 1, tzinfo=UTC)
    assert str(december) == "2026-12"
    for wrong in ("2026-13", "2026-1", "26-01", "2026-01-01", "１２"):
        with pytest.raises(ValueError, match="no month"):
            Month.parse(wrong)


@settings(deadline=None)
@given(st.integers(-(10**9), 10**9), st.sampled_from(["USD", "JPY", "KWD"]))
def test_an_amount_is_read_as_it_is_written(minor: int, currency: str) -> None:
    money = Money(amount_minor=minor, currency=currency)
    assert parse_money(str(money).removesuffix(f" {currency}"), currency) == money


@pytest.mark.parametrize("text", ["", "1,234.50", "1e3", "$5", " 5", "5.", ".5", "--5", "0.001", "nan", "٣", "1" * 11])
def test_no_other_notation_is_an_amount(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no amount|more than 2 decimals"):
        parse_money(text, "USD")
