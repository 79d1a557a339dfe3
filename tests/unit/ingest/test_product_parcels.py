"""The parcel that follows from product data: weight summed, pieces stacked, value from prices."""

from __future__ import annotations

import json
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_orders import PRODUCTS

from linkstar_contracts.values import Item, Parcel
from linkstar_ingest.domain.faults import Fault
from linkstar_ingest.domain.products import Product, pack


def product(sku: str, weight: tuple[str, str], sides: tuple[str, str, str], unit: str) -> Product:
    return Product.model_validate_json(
        json.dumps({
            "sku": sku, "weight": {"value": weight[0], "unit": weight[1]}, "value": {"amount_minor": 100, "currency": "EUR"},
            "dimensions": dict(zip(("length", "width", "height"), sides, strict=True)) | {"unit": unit},
        })
    )  # fmt: skip


def packed(items: list[tuple[str, int]], products: dict[str, Product]) -> Parcel:
    found = pack([Item(sku=sku, quantity=quantity) for sku, quantity in items], products)
    assert isinstance(found, Parcel), found
    return found


def test_units_are_kept_when_they_agree_and_exact_when_they_do_not() -> None:
    mixed = {
        "A": product("A", ("1", "lb"), ("10", "4", "2"), "in"),
        "B": product("B", ("500", "g"), ("30", "5", "5"), "cm"),
    }
    alone = packed([("A", 3)], mixed)
    assert (alone.weight.value, alone.weight.unit) == (3, "lb")
    assert (alone.dimensions.length, alone.dimensions.width, alone.dimensions.height) == (10, 4, 6)
    both = packed([("A", 1), ("B", 1)], mixed)
    assert both.weight.unit == "g"
    assert both.weight.value == Decimal("953.5924"), "453.59237 g, to a tenth of a milligram"
    assert (both.dimensions.length, both.dimensions.width) == (300, Decimal("101.6"))
    assert both.dimensions.height == Decimal("100.8")


def test_an_article_that_lies_differently_is_turned() -> None:
    turned = {"A": product("A", ("1", "lb"), ("2", "10", "4"), "in")}
    sides = packed([("A", 2)], turned).dimensions
    assert (sides.length, sides.width, sides.height) == (10, 4, 4)


def test_what_fits_no_parcel_is_told() -> None:
    found = pack([Item(sku="MUG", quantity=100_000), Item(sku="LAMP", quantity=100_000)], PRODUCTS)
    assert isinstance(found, Fault)
    assert found.code in {"parcel_impossible", "price_invalid"}


def test_mixed_currencies_are_told() -> None:
    both = {**PRODUCTS, "A": product("A", ("1", "lb"), ("2", "10", "4"), "in")}
    found = pack([Item(sku="MUG", quantity=1), Item(sku="A", quantity=1)], both)
    assert isinstance(found, Fault)
    assert found.code == "value_missing"


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(PRODUCTS)), st.integers(1, 20)), min_size=1, max_size=6))
def test_the_order_of_lines_does_not_matter_and_splitting_a_line_changes_nothing(
    items: list[tuple[str, int]],
) -> None:
    whole = packed(items, PRODUCTS)
    split = [(sku, 1) for sku, quantity in items for _ in range(quantity)]
    for other in (packed(items[::-1], PRODUCTS), packed(split, PRODUCTS)):
        assert other.weight.grams == whole.weight.grams
        assert other.dimensions.sides_mm == whole.dimensions.sides_mm
        assert other.declared_value == whole.declared_value
