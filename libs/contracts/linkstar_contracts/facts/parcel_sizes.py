"""Size and weight warnings before anything is bought: oversize tiers and volume weight of the ship-from country.

The tiers stand in `size_tiers.csv`, highest first; the rule of volume weight in `dim_weight.csv`; both with their source.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from linkstar_contracts.values import GRAMS_PER_UNIT, MILLIMETRES_PER_UNIT, Dimensions, Notice, Parcel, Weight

__all__ = ["parcel_notices"]

_NEVER = Decimal("Infinity")
_CUBIC = "cu "


@dataclass(frozen=True, slots=True)
class _Tier:
    """One oversize tier; exceeding any limit puts a parcel into it. Lengths in mm, volume in mm³, weight in g."""

    code: str
    detail: str
    longest: Decimal
    second: Decimal
    length_girth: Decimal
    volume: Decimal
    weight: Decimal

    def holds(self, sides: tuple[Decimal, Decimal, Decimal], grams: Decimal) -> bool:
        longest, middle, shortest = sides
        return (
            longest > self.longest
            or middle > self.second
            or longest + 2 * (middle + shortest) > self.length_girth
            or longest * middle * shortest > self.volume
            or grams > self.weight
        )


class _VolumeWeight(NamedTuple):
    """Sides are rounded up to whole units of `side`; `divisor` cubic units weigh one `weight`."""

    side: Decimal
    divisor: Decimal
    unit: str
    detail: str


def parcel_notices(country: str, parcels: tuple[Parcel, ...]) -> tuple[Notice, ...]:
    """Return the warnings about parcels that ship from `country`, each with its parcel number."""
    return tuple(
        Notice(code=code, detail=detail, parcel=parcel.number)
        for parcel in parcels
        for code, detail in _warnings(country, parcel.weight, parcel.dimensions)
    )


@lru_cache(maxsize=2_048)
def _warnings(country: str, weight: Weight, dimensions: Dimensions) -> tuple[tuple[str, str], ...]:
    sides = dimensions.sides_mm
    tier = next((tier for tier in _tiers().get(country, ()) if tier.holds(sides, weight.grams)), None)
    found = [(tier.code, tier.detail)] if tier else []
    rule = _volume_weights().get(country)
    if rule is not None:
        found += _by_volume(rule, sides, weight.grams)
    return tuple(found)


def _by_volume(rule: _VolumeWeight, sides: tuple[Decimal, Decimal, Decimal], grams: Decimal) -> list[tuple[str, str]]:
    volume = Decimal(1)
    for side in sides:
        volume *= _up(side / rule.side)
    billed, scale = _up(volume / rule.divisor), _up(grams / GRAMS_PER_UNIT[rule.unit])
    told = f"{rule.detail}: {billed} {rule.unit}, {scale} {rule.unit} on the scale"
    return [("dim_weight", told)] if billed > scale else []


def _up(value: Decimal) -> Decimal:
    return value.to_integral_value(rounding=ROUND_CEILING)


@lru_cache(maxsize=1)
def _tiers() -> dict[str, tuple[_Tier, ...]]:
    found: dict[str, list[_Tier]] = {}
    for row in _rows("size_tiers.csv"):
        limits = {name: _limit(row[name]) for name in ("longest", "second", "length_girth", "volume", "weight")}
        found.setdefault(row["country"], []).append(_Tier(row["code"], row["detail"], **limits))
    return {country: tuple(tiers) for country, tiers in found.items()}


@lru_cache(maxsize=1)
def _volume_weights() -> dict[str, _VolumeWeight]:
    return {
        row["country"]: _VolumeWeight(
            MILLIMETRES_PER_UNIT[row["side"]], Decimal(row["divisor"]), row["weight"], row["detail"]
        )
        for row in _rows("dim_weight.csv")
    }


def _limit(text: str) -> Decimal:
    """Return a limit such as `22 in`, `30 kg` or `3456 cu in` in mm, g or mm³; none where the cell is empty."""
    if not text:
        return _NEVER
    number, _, unit = text.partition(" ")
    if unit in GRAMS_PER_UNIT:
        return Decimal(number) * GRAMS_PER_UNIT[unit]
    side = MILLIMETRES_PER_UNIT[unit.removeprefix(_CUBIC)]
    return Decimal(number) * (side**3 if unit.startswith(_CUBIC) else side)


def _rows(name: str) -> list[dict[str, str]]:
    with (files(__package__) / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
