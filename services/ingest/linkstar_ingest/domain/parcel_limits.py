"""Size and weight warnings before anything is bought: oversize tiers and dimensional weight of the ship-from country.

Sources: UPS and FedEx accessorial pages 2025-08 to 2026-01, USPS Notice 123 of 2026-07-12, Canada Post guide 2021,
Royal Mail, Parcelforce, DHL Paket, Hermes, Colissimo and Chronopost size tables 2025 to 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache

from linkstar_contracts.values import GRAMS_PER_UNIT, MILLIMETRES_PER_UNIT, Dimensions, Notice, Parcel, Weight

__all__ = ["parcel_notices"]

_INCH, _POUND = MILLIMETRES_PER_UNIT["in"], GRAMS_PER_UNIT["lb"]
_NEVER = Decimal("Infinity")


@dataclass(frozen=True, slots=True)
class _Tier:
    """One oversize tier; exceeding any limit puts a parcel into it. Lengths in mm, volume in mm³, weight in g."""

    code: str
    detail: str
    longest: Decimal = _NEVER
    second: Decimal = _NEVER
    length_and_girth: Decimal = _NEVER
    volume: Decimal = _NEVER
    weight: Decimal = _NEVER

    def holds(self, sides: tuple[Decimal, Decimal, Decimal], grams: Decimal) -> bool:
        longest, middle, shortest = sides
        return (
            longest > self.longest
            or middle > self.second
            or longest + 2 * (middle + shortest) > self.length_and_girth
            or longest * middle * shortest > self.volume
            or grams > self.weight
        )


def _inches(code: str, detail: str, **limits: int) -> _Tier:
    size = {name: value * (_INCH**3 if name == "volume" else _INCH) for name, value in limits.items() if name != "lb"}
    return _Tier(code, detail, weight=limits["lb"] * _POUND if "lb" in limits else _NEVER, **size)


def _metric(code: str, detail: str, *, kg: Decimal | int, **limits: int) -> _Tier:
    return _Tier(code, detail, weight=Decimal(kg) * 1000, **{name: Decimal(value) for name, value in limits.items()})


# Highest tier first: only that one is told.
_TIERS: dict[str, tuple[_Tier, ...]] = {
    "US": (
        _inches("oversize.over_maximum", "over the maximum of UPS and FedEx (150 lb, 108 in, 165 in length and girth)",
                lb=150, longest=108, length_and_girth=165),
        _inches("oversize.large_package", "large package at UPS, oversize at FedEx, over the maximum of USPS",
                lb=110, longest=96, length_and_girth=130, volume=17_280),
        _inches("oversize.additional_handling", "additional handling at UPS and FedEx",
                lb=50, longest=48, second=30, volume=10_368),
        _inches("oversize.nonstandard", "nonstandard fee at USPS (over 22 in or 2 cubic feet)",
                longest=22, volume=3_456),
    ),
    "CA": (
        _metric("oversize.over_maximum", "over the maximum of Canada Post (30 kg, 2 m, 3 m length and girth)",
                kg=30, longest=2000, length_and_girth=3000),
        _metric("oversize.additional_handling", "oversize fee at Canada Post (over 1 m)", kg=30, longest=1000),
    ),
    "GB": (
        _metric("oversize.over_maximum", "over the maximum of Parcelforce (30 kg, 1.5 m, 3 m length and girth)",
                kg=30, longest=1500, length_and_girth=3000),
        _metric("oversize.nonstandard", "over the maximum of Royal Mail (20 kg, 61 x 46 x 46 cm)",
                kg=20, longest=610, second=460),
    ),
    "DE": (
        _metric("oversize.over_maximum", "over the maximum of DHL and Hermes (31.5 kg, 2 m, 3.6 m length and girth)",
                kg=Decimal("31.5"), longest=2000, length_and_girth=3600),
        _metric("oversize.nonstandard", "bulky at DHL (over 120 x 60 x 60 cm)",
                kg=Decimal("31.5"), longest=1200, second=600),
    ),
    "FR": (
        _metric("oversize.over_maximum", "over the maximum of Colissimo (30 kg, 2 m)", kg=30, longest=2000),
        _metric("oversize.nonstandard", "bulky at Colissimo (over 1 m)", kg=30, longest=1000),
    ),
}  # fmt: skip


def parcel_notices(country: str, parcels: tuple[Parcel, ...]) -> tuple[Notice, ...]:
    """Return the warnings about parcels that ship from `country`, each with its parcel number."""
    return tuple(
        Notice(code=code, detail=detail, parcel=parcel.number)
        for parcel in parcels
        for code, detail in _warnings(country, parcel.weight, parcel.dimensions)
    )


@lru_cache(maxsize=2_048)
def _warnings(country: str, weight: Weight, dimensions: Dimensions) -> tuple[tuple[str, str], ...]:
    tiers, sides = _TIERS.get(country, ()), dimensions.sides_mm
    tier = next((tier for tier in tiers if tier.holds(sides, weight.grams)), None)
    found = [(tier.code, tier.detail)] if tier else []
    if country in {"US", "CA"}:
        found += _dimensional(sides, weight.grams)
    return tuple(found)


def _dimensional(sides: tuple[Decimal, Decimal, Decimal], grams: Decimal) -> list[tuple[str, str]]:
    """UPS and FedEx: every side rounded up to the inch, product divided by 139, rounded up to the pound."""
    volume = Decimal(1)
    for side in sides:
        volume *= _up(side / _INCH)
    billed, scale = _up(volume / 139), _up(grams / _POUND)
    return [("dim_weight", f"billed by volume at UPS and FedEx: {billed} lb, {scale} lb on the scale")] * (
        billed > scale
    )


def _up(value: Decimal) -> Decimal:
    return value.to_integral_value(rounding=ROUND_CEILING)
