"""Prices many single parcels of one course at once, from columns: to the cent what `rating.rate` says of each.

For replays and bulk quotes. Quanta stay integers throughout; where a product would not fit 64 bits, the exact question is
asked in another way. A dimensional weight of more than 900 kg counts as 900: no service takes such a parcel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linkstar_router.domain.lanes import Circumstances, Course
from linkstar_router.domain.measures import MEASURES, Measured
from linkstar_router.domain.tariff import Contract, Dim, Edition, Fee, Limit, Offer, PriceRow, Rounding, SizeClass

__all__ = ["BulkRated", "Columns", "columns_of", "rate_many", "within"]

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
_VOLUME = MEASURES.index("volume")
_NEVER = np.iinfo(np.int64).max
_KINDS = ("yes", "no", "exempt")


class Columns(NamedTuple):
    """Measures of many parcels, one array each, in quanta; sides sorted. `value` is declared, 0 where it does not matter."""

    weight: Ints
    longest: Ints
    middle: Ints
    shortest: Ints
    value: Ints


class BulkRated(NamedTuple):
    """Prices of many parcels. Where `priced` is false the other columns mean nothing."""

    priced: Mask
    billable: Ints
    lines: dict[str, Ints]
    """Net amount of each charge by its code."""
    net: Ints
    total: Ints


class _Charge(NamedTuple):
    code: str
    amount: Ints
    vat: NDArray[np.int8]


def columns_of(parcels: Sequence[Measured], values: Sequence[int] = ()) -> Columns:
    """Return measured parcels as columns."""
    table = np.array([parcel[:4] for parcel in parcels], dtype=np.int64).reshape(-1, 4)
    declared = np.array(values or [0] * len(parcels), dtype=np.int64)
    return Columns(table[:, 0], table[:, 1], table[:, 2], table[:, 3], declared)


def within(limits: Iterable[Limit], parcels: Columns) -> Mask:
    """Tell which parcels meet every limit."""
    fits = np.ones(len(parcels.weight), dtype=np.bool_)
    for limit in limits:
        fits &= ~_over(limit, parcels)
    return fits


def rate_many(course: Course, parcels: Columns) -> BulkRated:
    """Return the prices of single-parcel shipments on a course."""
    offer, edition, zone = course.offer, course.edition, course.zone.code
    fired = _dimensional(offer, parcels, course.facts)
    minimum = np.zeros_like(parcels.weight)
    for fee, mask in fired:
        minimum = np.maximum(minimum, np.where(mask, fee.min_billable, 0))
    billable = _billable(edition, parcels, minimum)
    amount, vat, priced = _base(edition, parcels, zone, billable)
    charges = [_Charge("base_rate", amount, vat)]
    fees = [*fired, *_flat(offer, course.facts, parcels, billable)]
    fees += _dependent(offer, course.facts, parcels, billable, fees)
    charges += [_charged(fee, mask, zone, parcels) for fee, mask in fees]
    return _summed(course, charges, priced, billable)


def _over(limit: Limit, parcels: Columns) -> Mask:
    if limit.measure == _VOLUME:
        return _volume_over(parcels, limit.bound)
    found: Mask = _column(limit.measure, parcels) > min(limit.bound, _NEVER)
    return found


def _column(measure: int, parcels: Columns) -> Ints:
    longest, middle, shortest = parcels.longest, parcels.middle, parcels.shortest
    columns = {
        "weight": parcels.weight, "longest": longest, "middle": middle, "shortest": shortest,
        "length_girth": longest + 2 * (middle + shortest), "sides_sum": longest + middle + shortest,
        "longest_shortest": longest + shortest,
    }  # fmt: skip
    return columns[MEASURES[measure]]


def _volume_over(parcels: Columns, bound: int) -> Mask:
    """Compare volumes with a bound: by floating point where that is certain, exactly where it is close."""
    sides = (parcels.longest, parcels.middle, parcels.shortest)
    rough = sides[0].astype(np.float64) * sides[1] * sides[2]
    over: Mask = rough > bound
    for at in np.flatnonzero(np.abs(rough - bound) <= bound * 1e-9):
        over[at] = int(sides[0][at]) * int(sides[1][at]) * int(sides[2][at]) > bound
    return over


def _dimensional(offer: Offer, parcels: Columns, facts: Circumstances) -> list[tuple[Fee, Mask]]:
    fired: list[tuple[Fee, Mask]] = []
    taken: dict[str, Mask] = {}
    for fee in offer.dimensional:
        if fee.residential is not None and fee.residential != facts.residential:
            continue
        over = np.zeros(len(parcels.weight), dtype=np.bool_)
        for limit in fee.over:
            over |= _over(limit, parcels)
        over &= ~taken.get(fee.group, np.zeros_like(over))
        taken[fee.group] = taken.get(fee.group, np.zeros_like(over)) | over
        fired.append((fee, over))
    return fired


def _billable(edition: Edition, parcels: Columns, minimum: Ints) -> Ints:
    weight = np.maximum(parcels.weight, minimum)
    if edition.dim is not None:
        weight = np.maximum(weight, _dim_weight(edition.dim, parcels))
    return _rounded(edition.rounding, weight)


def _dim_weight(dim: Dim, parcels: Columns) -> Ints:
    added = dim.side - 1 if dim.sides == "up" else dim.side // 2
    volume = (
        ((parcels.longest + added) // dim.side)
        * ((parcels.middle + added) // dim.side)
        * ((parcels.shortest + added) // dim.side)
    )
    units, rest = np.minimum(volume // dim.divisor, _NEVER // dim.weight - 2), volume % dim.divisor
    whole, part = divmod(dim.weight, dim.divisor)
    weight = units * dim.weight + rest * whole - (-(rest * part) // dim.divisor)
    return np.where(volume > dim.min_volume, weight, 0)


def _rounded(rules: tuple[Rounding, ...], weight: Ints) -> Ints:
    found = np.zeros_like(weight)
    for rule in reversed(rules):
        found = np.where(weight <= min(rule.up_to, _NEVER), -(-weight // rule.step) * rule.step, found)
    return found


def _base(edition: Edition, parcels: Columns, zone: str, billable: Ints) -> tuple[Ints, NDArray[np.int8], Mask]:
    amount = np.full(len(billable), _NEVER, dtype=np.int64)
    vat = np.zeros(len(billable), dtype=np.int8)
    fitting = np.zeros(len(billable), dtype=np.bool_)
    for size in edition.classes:
        fits = within(size.limits, parcels)
        fitting |= fits
        found, kinds = _looked_up(size, zone, _tier(size.side, parcels) if size.side else billable)
        cheaper = fits & (found < amount)
        amount, vat = np.where(cheaper, found, amount), np.where(cheaper, kinds, vat)
    if edition.beyond is not None and zone in edition.beyond[1]:
        unit, row = edition.beyond[0], edition.beyond[1][zone]
        far = fitting & (amount == _NEVER)
        amount, vat = (
            np.where(far, row.amount * -(-billable // unit), amount),
            np.where(far, _KINDS.index(row.vat), vat),
        )
    if edition.oversized is not None:
        limit, size = edition.oversized
        row, big = size.tables[zone][1][0], _over(limit, parcels)
        amount, vat = np.where(big, row.amount, amount), np.where(big, _KINDS.index(row.vat), vat)
    priced = amount != _NEVER
    return np.where(priced, amount, 0), vat, priced


def _tier(side: int, parcels: Columns) -> Ints:
    return (parcels.longest // side) * (parcels.middle // side) * (parcels.shortest // side)


def _looked_up(size: SizeClass, zone: str, wanted: Ints) -> tuple[Ints, NDArray[np.int8]]:
    bounds, rows = size.tables.get(zone, ((), ()))
    last = PriceRow(_NEVER, "exempt", 0)
    prices = np.array([row.amount for row in (*rows, last)], dtype=np.int64)
    kinds = np.array([_KINDS.index(row.vat) for row in (*rows, last)], dtype=np.int8)
    at = np.searchsorted(np.array([min(bound, _NEVER) for bound in bounds], dtype=np.int64), wanted, side="left")
    return prices[at], kinds[at]


def _flat(offer: Offer, facts: Circumstances, parcels: Columns, billable: Ints) -> list[tuple[Fee, Mask]]:
    fired: list[tuple[Fee, Mask]] = []
    taken: dict[str, Mask] = {}
    for fee in offer.flat:
        mask = _applies(fee, facts, parcels, billable) & ~taken.get(fee.group, np.zeros(len(billable), dtype=np.bool_))
        taken[fee.group] = taken.get(fee.group, np.zeros_like(mask)) | mask
        fired.append((fee, mask))
    return fired


def _dependent(
    offer: Offer, facts: Circumstances, parcels: Columns, billable: Ints, fired: list[tuple[Fee, Mask]]
) -> list[tuple[Fee, Mask]]:
    made: list[tuple[Fee, Mask]] = []
    for fee in offer.dependent:
        needed = np.zeros(len(billable), dtype=np.bool_)
        for other, mask in fired:
            if other.code == fee.needs:
                needed |= mask
        made.append((fee, needed & _applies(fee, facts, parcels, billable)))
    return made


def _applies(fee: Fee, facts: Circumstances, parcels: Columns, billable: Ints) -> Mask:
    wanted = (
        (fee.residential is None or fee.residential == facts.residential)
        and (not fee.area or fee.area in facts.areas)
        and (not fee.signature or facts.signature)
        and (not fee.appointment or facts.appointment)
        and (fee.returning is None or fee.returning == facts.returning)
        and (not fee.contents or not fee.contents.isdisjoint(facts.contents))
        and (not fee.insured or bool(facts.insured))
    )
    mask = (billable > fee.billable_over) & wanted
    if fee.billable_up_to is not None:
        mask &= billable <= fee.billable_up_to
    if fee.insured:
        mask &= parcels.value > fee.value_over
        if fee.value_up_to is not None:
            mask &= parcels.value <= fee.value_up_to
    return mask


def _charged(fee: Fee, mask: Mask, zone: str, parcels: Columns) -> _Charge:
    amount = np.full(len(mask), fee.amounts[zone] if mask.any() else 0, dtype=np.int64)
    if fee.per_value:
        amount = np.maximum(fee.minimum, amount * -(-parcels.value // fee.per_value))
    kinds = np.full(len(mask), _KINDS.index(fee.vat), dtype=np.int8)
    return _Charge(fee.code, np.where(mask, amount, 0), kinds)


def _summed(course: Course, charges: list[_Charge], priced: Mask, billable: Ints) -> BulkRated:
    service, fuel = course.offer.service, course.offer.fuel
    lines: dict[str, Ints] = {}
    contained, taxable = np.zeros_like(billable), np.zeros_like(billable)
    rate = service.vat_basis_points
    for code, amount, kinds in charges:
        net = np.where(kinds == 0, _div_round(amount * 10_000, 10_000 + rate), amount) if rate else amount
        contained += amount - net
        taxable += np.where(kinds == 1, amount, 0) if rate else 0
        lines[code] = lines[code] + net if code in lines else net
    vat = contained + _div_round(taxable * rate, 10_000)
    if fuel is not None:
        base = sum((lines[code] for code in lines if code in service.fuel_in), np.zeros_like(billable))
        lines["fuel_surcharge"] = _div_round(base * fuel.basis_points, 10_000)
        vat += _div_round(lines["fuel_surcharge"] * rate, 10_000)
    net = sum(lines.values(), np.zeros_like(billable))
    if course.edition.contract is not None:
        after = net + _agreed(course.edition.contract, lines)
        vat = np.where(net > 0, _div_round(vat * np.maximum(after, 0), np.maximum(net, 1)), 0)
        net = after
    return BulkRated(priced, billable, lines, net, net + vat)


def _agreed(contract: Contract, lines: dict[str, Ints]) -> Ints:
    """Add the contract's lines and return their sum."""
    gross = sum(lines.values(), np.zeros_like(next(iter(lines.values()))))
    left = sum((lines[code] for code in lines if code in contract.on), np.zeros_like(gross))
    floor, before = np.minimum(left, contract.floor), left
    for code, basis_points in (
        ("contract_discount", contract.basis_points),
        ("volume_discount", contract.tier_basis_points),
        ("pooling_discount", contract.pooled_basis_points),
    ):
        taken = np.minimum(_div_round(left * basis_points, 10_000), left - floor)
        lines[code], left = -taken, left - taken
    discounted = left - before
    lines["platform_fee"] = contract.fee_minor + _div_round((gross + discounted) * contract.fee_basis_points, 10_000)
    return discounted + lines["platform_fee"]


def _div_round(numerator: Ints, denominator: Ints | int) -> Ints:
    return (2 * numerator + denominator) // (2 * denominator)
