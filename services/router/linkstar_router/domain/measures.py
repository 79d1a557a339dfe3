"""Exact measures: weights as integers of 0.1 picogram, lengths as integers of 10 nanometres.

Both are fine enough that every contract value (four decimals of g, kg, oz, lb, mm, cm, in) is a whole number, so that
12 in stays 12 in, 16 oz equals 1 lb, and a carrier's threshold is compared without any rounding.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, NamedTuple, cast

from linkstar_contracts.values import Dimensions, Parcel, Weight
from linkstar_router.domain.tariff import Limit

__all__ = [
    "LENGTHS", "MEASURES", "WEIGHTS", "Measured", "ceil_to", "length_quanta", "limits_of", "measure",
    "parse_limit",
    "weight_quanta", "weight_value",
]  # fmt: skip

WEIGHTS = {"g": 10**13, "kg": 10**16, "oz": 283_495_231_250_000, "lb": 4_535_923_700_000_000}
"""Quanta per unit, exact by the definition of the international pound."""
LENGTHS = {"mm": 10**5, "cm": 10**6, "in": 2_540_000}
"""Quanta per unit, exact by the definition of the international inch."""
_SCALE = 10**4
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,4})?")
_WEIGHT_STEP = {unit: quanta // _SCALE for unit, quanta in WEIGHTS.items()}
_LENGTH_STEP = {unit: quanta // _SCALE for unit, quanta in LENGTHS.items()}


class Measured(NamedTuple):
    """What carriers look at in a parcel; the order of the sides as entered leaves no trace."""

    weight: int
    longest: int
    middle: int
    shortest: int
    volume: int
    length_girth: int
    sides_sum: int
    longest_shortest: int


MEASURES = Measured._fields
"""Names a tariff may set limits on."""


def weight_quanta(weight: Weight) -> int:
    """Return `weight` in quanta, exactly."""
    return int(weight.value * _SCALE) * _WEIGHT_STEP[weight.unit]


def length_quanta(value: Decimal, unit: str) -> int:
    """Return a length in quanta, exactly."""
    return int(value * _SCALE) * _LENGTH_STEP[unit]


def measure(parcel: Parcel) -> Measured:
    """Return the exact measures of `parcel`."""
    box: Dimensions = parcel.dimensions
    step = _LENGTH_STEP[box.unit]
    sides = sorted((int(box.length * _SCALE), int(box.width * _SCALE), int(box.height * _SCALE)))
    shortest, middle, longest = sides[0] * step, sides[1] * step, sides[2] * step
    return Measured(
        weight_quanta(parcel.weight), longest, middle, shortest, longest * middle * shortest,
        longest + 2 * (middle + shortest), longest + middle + shortest, longest + shortest,
    )  # fmt: skip


def ceil_to(quanta: int, step: int) -> int:
    """Round up to a whole multiple of `step`."""
    return -(-quanta // step) * step


def weight_value(quanta: int, unit: str) -> Weight:
    """Return a weight as a contract value in `unit`, rounded up to its four decimals."""
    value = Decimal(-(-quanta // _WEIGHT_STEP[unit])).scaleb(-4)
    plain = value.to_integral_value() if value == value.to_integral_value() else value.normalize()
    return Weight(value=plain, unit=cast('Literal["g", "kg", "oz", "lb"]', unit))


def parse_limit(measure_name: str, text: str) -> int:
    """Return the quanta of a limit such as `22 in`, `150 lb` or `3456 cu in`, as the measure's own quantity.

    Raises ValueError when the unit does not belong to the measure.
    """
    number, _, unit = text.partition(" ")
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"limit {text!r} is no number and unit, such as 70 lb")
    value = int(Decimal(number) * _SCALE)
    if measure_name == "weight":
        return value * _WEIGHT_STEP[_known(unit, WEIGHTS, text)]
    if measure_name == "volume":
        side = LENGTHS[_known(unit.removeprefix("cu "), LENGTHS, text)]
        return value * side**3 // _SCALE
    return value * _LENGTH_STEP[_known(unit, LENGTHS, text)]


def limits_of(spec: Mapping[str, str]) -> tuple[Limit, ...]:
    """Return limits such as `{"weight": "70 lb"}`; raises ValueError when a measure or unit is unknown."""
    return tuple(
        Limit(MEASURES.index(name), parse_limit(name, text), f"{name.replace('_', ' ')} {text}")
        for name, text in spec.items()
    )


def _known(unit: str, units: dict[str, int], text: str) -> str:
    if unit not in units:
        raise ValueError(f"unknown unit in limit {text!r}; use one of {', '.join(units)}")
    return unit
