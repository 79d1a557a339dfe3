"""Units never change a measure: whole inches, pounds and ounces survive every unit exactly."""

from __future__ import annotations

from decimal import Decimal

import pytest

from linkstar_contracts.values import Dimensions, Money, Parcel, Weight
from linkstar_router.domain.measures import (
    LENGTHS,
    WEIGHTS,
    length_quanta,
    measure,
    parse_limit,
    weight_quanta,
    weight_value,
)


def _parcel(weight: Weight, box: Dimensions) -> Parcel:
    return Parcel(number=1, weight=weight, dimensions=box, declared_value=Money(amount_minor=1, currency="USD"))


@pytest.mark.parametrize("inches", range(1, 131))
def test_whole_inches_are_the_same_in_centimetres_and_millimetres(inches: int) -> None:
    expected = parse_limit("longest", f"{inches} in")
    assert length_quanta(Decimal(inches) * Decimal("2.54"), "cm") == expected
    assert length_quanta(Decimal(inches) * Decimal("25.4"), "mm") == expected


@pytest.mark.parametrize("pounds", range(1, 151))
def test_whole_pounds_are_sixteen_ounces_each(pounds: int) -> None:
    assert weight_quanta(Weight(value=Decimal(pounds * 16), unit="oz")) == parse_limit("weight", f"{pounds} lb")


def test_a_pound_is_453_59237_grams() -> None:
    assert WEIGHTS["lb"] * 10**5 == WEIGHTS["g"] * 45_359_237
    assert LENGTHS["in"] * 10 == LENGTHS["mm"] * 254


def test_a_pound_entered_as_454_grams_is_more_than_a_pound() -> None:
    assert (
        weight_quanta(Weight(value=Decimal(454), unit="g"))
        > WEIGHTS["lb"]
        > weight_quanta(Weight(value=Decimal("453.5923"), unit="g"))
    )


def test_measures_sort_the_sides() -> None:
    box = Dimensions(length=Decimal(4), width=Decimal(10), height=Decimal(8), unit="in")
    found = measure(_parcel(Weight(value=Decimal(1), unit="lb"), box))
    inch = LENGTHS["in"]
    assert (found.longest, found.middle, found.shortest) == (10 * inch, 8 * inch, 4 * inch)
    assert found.length_girth == 34 * inch
    assert found.volume == 320 * inch**3
    assert found.longest_shortest == 14 * inch
    assert found.sides_sum == 22 * inch


def test_weights_are_told_in_plain_numbers_rounded_up() -> None:
    assert str(weight_value(3 * WEIGHTS["lb"], "lb").value) == "3"
    assert str(weight_value(WEIGHTS["lb"] + 1, "lb").value) == "1.0001"


def test_a_limit_in_an_unknown_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="use one of mm, cm, in"):
        parse_limit("longest", "3 ft")
