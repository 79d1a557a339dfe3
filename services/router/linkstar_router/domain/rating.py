"""Prices a shipment under one offer: billable weight, base rate, exclusive surcharges, fuel and VAT, line by line.

Order of computation: measures, billable weight, dimensional fees (which may raise the billable weight), base rate or the
oversize price that replaces it, other fees, fees that depend on them, fuel once on its declared base, the contract's
discounts down to its floor and its own fees, VAT as a line of its own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pydantic_core import to_json

from linkstar_router.domain.agreements import agreed, div_round
from linkstar_router.domain.lanes import Circumstances, Course, Scale
from linkstar_router.domain.measures import Measured
from linkstar_router.domain.tariff import Dim, Edition, Fee, Line, Offer, PriceRow, Rated, Rounding, SizeClass, Vat

__all__ = ["NoPrice", "billable_weight", "div_round", "is_ordinary", "is_within", "rate", "rate_ordinary"]


class NoPrice(NamedTuple):
    """Why the list has no price for the parcel."""

    code: str
    detail: str


class _Priced(NamedTuple):
    """A parcel with its base price, the fees on its size, and its billable weight."""

    price: PriceRow
    fees: tuple[Fee, ...]
    billable: int
    unit: str
    value: int
    """Declared, in minor units; 0 when it does not matter."""


class _Charge(NamedTuple):
    """An amount as published, before VAT is told apart."""

    code: str
    amount: int
    vat: Vat
    detail: str


_REMEMBERED_PRICES = 1024
_NOTHING: tuple[tuple[int, ...], tuple[PriceRow, ...]] = ((), ())


def is_ordinary(course: Course, parcels: Sequence[Measured]) -> bool:
    """True for a single parcel that neither meets a limit of the service nor pays any fee on its size."""
    if len(parcels) > 1:
        return False
    return is_within(course.ordinary, parcels[0])


def is_within(bounds: Iterable[tuple[int, int]], parcel: Measured) -> bool:
    """True when the parcel exceeds none of these bounds, which are told by measure."""
    for measure, bound in bounds:  # noqa: SIM110 - a generator would cost more than what it asks
        if parcel[measure] > bound:
            return False
    return True


def rate_ordinary(course: Course, parcel: Measured) -> Rated | NoPrice:
    """Return what `rate` returns for an ordinary parcel. Few differ in what the price depends on: it is remembered.

    Where it depends on the billable weight only, it is under that weight in `course.prices`.
    """
    weight = billable_weight(course.edition, parcel)
    price = _table_price(course.edition, parcel, course.zone.code, weight[0])
    if isinstance(price, NoPrice):
        return price
    key = weight if course.by_weight else (*weight, price)
    known = course.prices.get(key)
    if known is None:
        if len(course.prices) >= _REMEMBERED_PRICES:
            course.prices.clear()
        known = course.prices[key] = _itemised(course, [_Priced(price, (), *weight, sum(course.facts.insured))])
    return known


def rate(course: Course, parcels: Sequence[Measured], values: Sequence[int] = ()) -> Rated | NoPrice:
    """Return the itemised price of all parcels in a base zone, or why there is none.

    `values` are the declared values of the parcels where they are to be insured, by default those of the course.
    """
    values = values or course.facts.insured
    priced: list[_Priced] = []
    for index, parcel in enumerate(parcels):
        fees = tuple(_dimensional(course.offer, parcel, course.facts))
        billable, unit = billable_weight(course.edition, parcel, max([fee.min_billable for fee in fees], default=0))
        price = _base_price(course.edition, parcel, course.zone.code, billable)
        if isinstance(price, NoPrice):
            return price
        priced.append(_Priced(price, fees, billable, unit, values[index] if values else 0))
    return _itemised(course, priced)


def _itemised(course: Course, parcels: Sequence[_Priced]) -> Rated:
    offer, zone = course.offer, course.zone.code
    charges: list[_Charge] = []
    for parcel in parcels:
        price = parcel.price
        charges.append(_Charge("base_rate", price.amount, price.vat, price.detail))
        for fee in (*parcel.fees, *_flat(course, parcel)):
            charges.append(_Charge(fee.code, _amount(fee, zone, parcel.value), fee.vat, fee.detail))
    lines, vat = _net_lines(charges, offer.service.vat_basis_points)
    unit = parcels[-1].unit
    if len(parcels) > 1:
        lines, unit = _merged(lines), course.edition.rounding[-1].unit
    if offer.fuel is not None:
        base = sum([line.amount for line in lines if line.code in offer.service.fuel_in])
        fuel = div_round(base * offer.fuel.basis_points, 10_000)
        lines.append(Line("fuel_surcharge", fuel, offer.fuel.detail))
        vat += div_round(fuel * offer.service.vat_basis_points, 10_000)
    if course.edition.contract is not None:
        gross = sum([line.amount for line in lines])
        lines += agreed(course.edition.contract, lines, len(parcels))
        vat = _vat_after(vat, gross, sum([line.amount for line in lines]))
    net = sum([line.amount for line in lines])
    if vat:
        lines.append(Line("vat", vat, f"{offer.service.vat_basis_points // 100} % VAT"))
    billable = sum([parcel.billable for parcel in parcels])
    text = to_json((billable, unit, [line[:2] for line in lines], net + vat, net)).decode()
    return Rated(tuple(lines), net + vat, net, billable, unit, text[1:-1])


def _net_lines(charges: list[_Charge], basis_points: int) -> tuple[list[Line], int]:
    """Return the charges without VAT, and the VAT: what published prices contain plus what is due on the others."""
    if not basis_points:
        return [Line(charge.code, charge.amount, charge.detail) for charge in charges], 0
    lines: list[Line] = []
    contained = taxable = 0
    for code, amount, vat, detail in charges:
        net = div_round(amount * 10_000, 10_000 + basis_points) if vat == "yes" else amount
        contained += amount - net
        taxable += amount if vat == "no" else 0
        lines.append(Line(code, net, detail))
    return lines, contained + div_round(taxable * basis_points, 10_000)


def _vat_after(vat: int, before: int, after: int) -> int:
    """Return the VAT once the contract has changed the net sum: it follows in proportion."""
    return div_round(vat * max(after, 0), before) if before else 0


def _flat(course: Course, parcel: _Priced) -> list[Fee]:
    """Return the fees that do not depend on size: the first of each group, and those that need another one charged."""
    found = [fee for fee in course.offer.flat if _applies(fee, parcel, course.facts)]
    if len(found) > 1:
        found = _first_of_group(found)
    if course.offer.dependent:
        fired = {fee.code for fee in (*parcel.fees, *found)}
        found += [fee for fee in course.offer.dependent if fee.needs in fired and _applies(fee, parcel, course.facts)]
    return found


def _first_of_group(fees: list[Fee]) -> list[Fee]:
    first: dict[str, Fee] = {}
    for fee in fees:
        first.setdefault(fee.group, fee)
    return list(first.values())


def _amount(fee: Fee, zone: str, value: int) -> int:
    amount = fee.amounts[zone]
    return max(fee.minimum, amount * -(-value // fee.per_value)) if fee.per_value else amount


def _merged(lines: list[Line]) -> list[Line]:
    """Return one line per code, in the order of first appearance."""
    found: dict[str, Line] = {}
    for line in lines:
        known = found.get(line.code)
        found[line.code] = known._replace(amount=known.amount + line.amount) if known else line
    return list(found.values())


def _dimensional(offer: Offer, parcel: Measured, facts: Circumstances) -> list[Fee]:
    for measure, bound in offer.triggers:
        if parcel[measure] > bound:
            break
    else:
        return []
    fired: list[Fee] = []
    for fee in offer.dimensional:
        taken = bool(fired) and fired[-1].group == fee.group
        wanted = fee.residential is None or fee.residential == facts.residential
        if not taken and wanted and any(parcel[limit.measure] > limit.bound for limit in fee.over):
            fired.append(fee)
    return fired


def _applies(fee: Fee, parcel: _Priced, facts: Circumstances) -> bool:
    return (
        (fee.residential is None or fee.residential == facts.residential)
        and (not fee.area or fee.area in facts.areas)
        and (not fee.signature or facts.signature)
        and (not fee.appointment or facts.appointment)
        and (fee.returning is None or fee.returning == facts.returning)
        and (not fee.contents or not fee.contents.isdisjoint(facts.contents))
        and parcel.billable > fee.billable_over
        and (fee.billable_up_to is None or parcel.billable <= fee.billable_up_to)
        and (not fee.insured or _is_insured(fee, parcel.value, facts))
    )


def _is_insured(fee: Fee, value: int, facts: Circumstances) -> bool:
    return bool(facts.insured) and value > fee.value_over and (fee.value_up_to is None or value <= fee.value_up_to)


def billable_weight(scale: Edition | Scale, parcel: Measured, minimum: int = 0) -> tuple[int, str]:
    """Return the weight to charge, rounded by the carrier's rule, and the unit it is told in."""
    weight = max(parcel.weight, minimum)
    if scale.dim is not None:
        weight = max(weight, _dim_weight(scale.dim, parcel))
    rule = scale.rounding[0] if weight <= scale.rounding[0].up_to else _rounding(scale.rounding, weight)
    return -(-weight // rule.step) * rule.step, rule.unit


def _rounding(rules: tuple[Rounding, ...], weight: int) -> Rounding:
    return next(rule for rule in rules if weight <= rule.up_to)


def _dim_weight(dim: Dim, parcel: Measured) -> int:
    side = dim.side
    added = side - 1 if dim.sides == "up" else side // 2
    volume = (
        ((parcel.longest + added) // side) * ((parcel.middle + added) // side) * ((parcel.shortest + added) // side)
    )
    return -(-volume * dim.weight // dim.divisor) if volume > dim.min_volume else 0


def _base_price(edition: Edition, parcel: Measured, zone: str, billable: int) -> PriceRow | NoPrice:
    if edition.oversized is not None:
        limit, oversized = edition.oversized
        if parcel[limit.measure] > limit.bound:
            return oversized.tables[zone][1][0]
    return _table_price(edition, parcel, zone, billable)


def _table_price(edition: Edition, parcel: Measured, zone: str, billable: int) -> PriceRow | NoPrice:
    best: PriceRow | None = None
    fitting = False
    for size in edition.classes:
        if not size.limits or all(parcel[limit.measure] <= limit.bound for limit in size.limits):
            fitting = True
            price = _look_up(size, zone, _tier(size.side, parcel) if size.side else billable)
            if price is not None and (best is None or price.amount < best.amount):
                best = price
    if best is not None:
        return best
    if fitting and edition.beyond is not None and zone in edition.beyond[1]:
        unit, rates = edition.beyond
        units, price = -(-billable // unit), rates[zone]
        return price._replace(amount=price.amount * units, detail=f"{price.detail} x {units}")
    if fitting and not edition.classes[0].side:
        return NoPrice("weight", "billable weight beyond the price list")
    return NoPrice("size", "larger than the price list goes" if fitting else "fits no size class")


def _tier(side: int, parcel: Measured) -> int:
    return (parcel.longest // side) * (parcel.middle // side) * (parcel.shortest // side)


def _look_up(size: SizeClass, zone: str, billable: int) -> PriceRow | None:
    bounds, prices = size.tables.get(zone, _NOTHING)
    at = bisect_left(bounds, billable)
    return prices[at] if at < len(bounds) else None
