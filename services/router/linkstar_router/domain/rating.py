"""Prices a shipment under one offer: billable weight, base rate, exclusive surcharges, fuel and VAT, line by line.

Order of computation: measures, billable weight, dimensional fees (which may raise the billable weight), base rate or the
oversize price that replaces it, other fees, fuel once on its declared base, VAT as a line of its own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from linkstar_router.domain.measures import Measured
from linkstar_router.domain.tariff import Dim, Edition, Fee, Offer, PriceRow, Rounding, SizeClass, Vat

__all__ = ["Circumstances", "Line", "NoPrice", "Rated", "billable_weight", "div_round", "rate"]


class Circumstances(NamedTuple):
    """What besides the parcel decides on surcharges."""

    residential: bool
    signature: bool
    areas: frozenset[str]


class Line(NamedTuple):
    """One charge in minor units."""

    code: str
    amount: int
    detail: str


class Rated(NamedTuple):
    """An itemised price: `total` is the exact sum of `lines`, `net` leaves the VAT line out."""

    lines: tuple[Line, ...]
    total: int
    net: int
    billable: int
    unit: str


class NoPrice(NamedTuple):
    """Why the list has no price for the parcel."""

    code: str
    detail: str


class _Charges:
    """Collects amounts by code; VAT contained in published prices is split off at once."""

    __slots__ = ("_contained", "_details", "_lines", "_rate", "_taxable")

    def __init__(self, vat_basis_points: int) -> None:
        self._lines: dict[str, int] = {}
        self._details: dict[str, str] = {}
        self._rate = vat_basis_points
        self._contained = self._taxable = 0

    def add(self, code: str, amount: int, vat: Vat, detail: str) -> None:
        if vat == "yes":
            net = div_round(amount * 10_000, 10_000 + self._rate)
            self._contained += amount - net
            amount = net
        elif vat == "no":
            self._taxable += amount
        self._lines[code] = self._lines.get(code, 0) + amount
        self._details.setdefault(code, detail)

    def fuel(self, offer: Offer) -> None:
        """Add the week's percentage on the lines of the declared base."""
        if offer.fuel is not None:
            base = sum(amount for code, amount in self._lines.items() if code in offer.service.fuel_in)
            self.add("fuel_surcharge", div_round(base * offer.fuel.basis_points, 10_000), "exempt", offer.fuel.detail)

    def rated(self, billable: int, unit: str) -> Rated:
        net = sum(self._lines.values())
        lines = [Line(code, amount, self._details[code]) for code, amount in self._lines.items()]
        vat = self._contained + div_round(self._taxable * self._rate, 10_000)
        if vat:
            lines.append(Line("vat", vat, f"{self._rate // 100} % VAT"))
        return Rated(tuple(lines), net + vat, net, billable, unit)


def div_round(numerator: int, denominator: int) -> int:
    """Divide non-negative integers, half up: the rounding of every line."""
    return (2 * numerator + denominator) // (2 * denominator)


def rate(
    offer: Offer, edition: Edition, parcels: Sequence[Measured], zone: str, facts: Circumstances
) -> Rated | NoPrice:
    """Return the itemised price of all parcels in a base zone, or why there is none."""
    charges = _Charges(offer.service.vat_basis_points)
    billable_sum, unit = 0, edition.rounding[-1].unit
    for parcel in parcels:
        fees = _dimensional(offer, parcel, facts)
        billable, unit = billable_weight(edition, parcel, max((fee.min_billable for fee in fees), default=0))
        price = _base_price(edition, parcel, zone, billable)
        if isinstance(price, NoPrice):
            return price
        where = f"zone {edition.zone_names[zone]}, {edition.pack.file} row {price.row}"
        charges.add("base_rate", price.amount, price.vat, where)
        for fee in fees:
            charges.add(fee.code, fee.amounts[zone], fee.vat, fee.detail)
        for fee in offer.flat:
            if _applies(fee, billable, facts):
                charges.add(fee.code, fee.amounts[zone], fee.vat, fee.detail)
        billable_sum += billable
    charges.fuel(offer)
    return charges.rated(billable_sum, unit if len(parcels) == 1 else edition.rounding[-1].unit)


def _dimensional(offer: Offer, parcel: Measured, facts: Circumstances) -> list[Fee]:
    if not any(parcel[measure] > bound for measure, bound in offer.triggers):
        return []
    fired: list[Fee] = []
    for fee in offer.dimensional:
        taken = bool(fired) and fired[-1].group == fee.group
        wanted = fee.residential is None or fee.residential == facts.residential
        if not taken and wanted and any(parcel[limit.measure] > limit.bound for limit in fee.over):
            fired.append(fee)
    return fired


def _applies(fee: Fee, billable: int, facts: Circumstances) -> bool:
    return (
        (fee.residential is None or fee.residential == facts.residential)
        and (not fee.area or fee.area in facts.areas)
        and (not fee.signature or facts.signature)
        and (fee.billable_up_to is None or billable <= fee.billable_up_to)
    )


def billable_weight(edition: Edition, parcel: Measured, minimum: int = 0) -> tuple[int, str]:
    """Return the weight to charge, rounded by the carrier's rule, and the unit it is told in."""
    weight = max(parcel.weight, minimum)
    if edition.dim is not None:
        weight = max(weight, _dim_weight(edition.dim, parcel))
    step = _rounding(edition.rounding, weight)
    return -(-weight // step.step) * step.step, step.unit


def _rounding(steps: tuple[Rounding, ...], weight: int) -> Rounding:
    for step in steps:
        if weight <= step.up_to:
            return step
    return steps[-1]


def _dim_weight(dim: Dim, parcel: Measured) -> int:
    half = 0 if dim.sides == "up" else dim.side // 2
    if half:
        longest, middle, shortest = ((side + half) // dim.side for side in parcel[1:4])
    else:
        longest, middle, shortest = (-(-side // dim.side) for side in parcel[1:4])
    volume = longest * middle * shortest
    return -(-volume * dim.weight // dim.divisor) if volume > dim.min_volume else 0


def _base_price(edition: Edition, parcel: Measured, zone: str, billable: int) -> PriceRow | NoPrice:
    if edition.oversized is not None:
        limit, oversized = edition.oversized
        if parcel[limit.measure] > limit.bound:
            return oversized.tables[zone][1][0]
    best: PriceRow | None = None
    fitting = False
    for size in edition.classes:
        if all(parcel[limit.measure] <= limit.bound for limit in size.limits):
            fitting = True
            price = _look_up(size, zone, billable)
            if price is not None and (best is None or price.amount < best.amount):
                best = price
    if best is not None:
        return best
    return (
        NoPrice("weight", "billable weight beyond the price list") if fitting else NoPrice("size", "fits no size class")
    )


def _look_up(size: SizeClass, zone: str, billable: int) -> PriceRow | None:
    bounds, prices = size.tables[zone]
    at = bisect_left(bounds, billable)
    return prices[at] if at < len(bounds) else None
