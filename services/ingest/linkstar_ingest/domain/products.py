"""Product master data, and the parcel that follows from it when an order file carries no weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated

from pydantic import ValidationError

from linkstar_contracts.text import SafeStr
from linkstar_contracts.values import (
    GRAMS_PER_UNIT,
    MILLIMETRES_PER_UNIT,
    BatteryClass,
    Contents,
    Dimensions,
    Item,
    Money,
    Parcel,
    Value,
    Weight,
)  # fmt: skip
from linkstar_ingest.domain.faults import Fault

__all__ = ["Product", "pack", "value_of"]


class Product(Value):
    """One article as it is shipped: weight and size packed, value per piece, and what makes it special to carry."""

    sku: Annotated[str, SafeStr(64, 1)]
    weight: Weight
    dimensions: Dimensions
    value: Money
    battery: BatteryClass = BatteryClass.NONE
    liquid: bool = False
    hazmat: bool = False
    description: Annotated[str, SafeStr(200)] = ""


def pack(items: Sequence[Item], products: Mapping[str, Product]) -> Parcel | Fault:
    """Return the one parcel that holds all items, whose products must be known.

    Weight = sum of all pieces. Base = longest and second side over all articles; height = sum of the shortest sides,
    piece by piece, as if stacked. Value = sum of unit prices, or of the product values where the order has no prices.
    """
    packed = [(item, products[item.sku]) for item in items]
    value = value_of(items, products)
    if isinstance(value, Fault):
        return value
    try:
        return Parcel(
            number=1,
            weight=_weight(packed),
            dimensions=_stack(packed),
            declared_value=value,
            contents=_contents(packed),
        )
    except ValidationError:
        return Fault("parcel_impossible", "quantity", "all pieces together fit no parcel", "split the order")


Packed = Sequence[tuple[Item, Product]]


def _weight(packed: Packed) -> Weight:
    unit = packed[0][1].weight.unit
    if all(product.weight.unit == unit for _, product in packed):
        return Weight(
            value=sum((product.weight.value * item.quantity for item, product in packed), Decimal()), unit=unit
        )
    grams = sum((product.weight.grams * item.quantity for item, product in packed), Decimal())
    return Weight(value=(grams / GRAMS_PER_UNIT["g"]).quantize(Decimal("0.0001")), unit="g")


def _stack(packed: Packed) -> Dimensions:
    unit = packed[0][1].dimensions.unit
    if any(product.dimensions.unit != unit for _, product in packed):
        unit = "mm"
    factor = MILLIMETRES_PER_UNIT[unit]
    sides = [(item.quantity, [side / factor for side in product.dimensions.sides_mm]) for item, product in packed]
    return Dimensions(
        length=_exact(max(side[0] for _, side in sides)),
        width=_exact(max(side[1] for _, side in sides)),
        height=_exact(sum((side[2] * quantity for quantity, side in sides), Decimal())),
        unit=unit,
    )


def _exact(length: Decimal) -> Decimal:
    return length.quantize(Decimal("0.0001")).normalize() + 0


def value_of(items: Sequence[Item], products: Mapping[str, Product]) -> Money | Fault:
    """Return what the pieces are worth together: their prices in the order, else their product's value."""
    prices: list[tuple[Money, int]] = []
    for item in items:
        product = products.get(item.sku)
        price = item.unit_price or (product.value if product else None)
        if price is None:
            return Fault(
                "value_missing", "declared_value", "cannot be told: no price and no product data", _STATE_VALUE
            )
        prices.append((price, item.quantity))
    currencies = sorted({price.currency for price, _ in prices})
    if len(currencies) != 1:
        return Fault("value_missing", "declared_value", "cannot be told from the articles", _STATE_VALUE)
    total = sum(price.amount_minor * quantity for price, quantity in prices)
    if not 0 <= total <= _MOST_MINOR:
        return Fault("price_invalid", "unit_price", "is out of bounds", "check prices and quantities")
    return Money(amount_minor=total, currency=currencies[0])


_STATE_VALUE = "state the value of the goods, all prices in one currency"
_MOST_MINOR = 10**12


def _contents(packed: Packed) -> Contents:
    classes = {product.battery for _, product in packed}
    worst = (BatteryClass.UNKNOWN, BatteryClass.STANDALONE, BatteryClass.WITH_EQUIPMENT, BatteryClass.IN_EQUIPMENT)
    return Contents(
        battery=next((battery for battery in worst if battery in classes), BatteryClass.NONE),
        liquid=any(product.liquid for _, product in packed),
        hazmat=any(product.hazmat for _, product in packed),
    )
