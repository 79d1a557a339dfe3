"""Compiles price lists into dated editions: tables by size class and zone, with every rule that holds from a day on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import pairwise

from linkstar_router.domain.manifest import DimSpec, FeeRule, ListSpec, Manifest, RoundingSpec, ServiceSpec
from linkstar_router.domain.measures import LENGTHS, WEIGHTS, limits_of, parse_limit
from linkstar_router.domain.published import (
    ANY_WEIGHT,
    FOREVER,
    BaseRate,
    FeeRow,
    Shelf,
    TariffError,
)  # fmt: skip
from linkstar_router.domain.surcharges import contract_of, fee_of
from linkstar_router.domain.tariff import Dim, Edition, Limit, Pack, PriceRow, Rounding, Service, SizeClass

__all__ = ["editions_of", "priced_by"]

_US_BASE_ZONES = frozenset(str(zone) for zone in range(1, 10))
_Rules = list[tuple[FeeRule, list[FeeRow]]]


def editions_of(shelf: Shelf, manifest: Manifest, spec: ServiceSpec) -> tuple[Edition, ...]:
    """Return the price lists of a service, split wherever one of its rules changes, in order of time."""
    rules = [(rule, shelf.fees(rule.row)) for rule in manifest.fee if spec.service in rule.services]
    lists = sorted((_list(shelf, manifest, spec, sheet) for sheet in spec.lists), key=lambda edition: edition.since)
    dims = manifest.dim if spec.dimensional else ()
    made = []
    for since in sorted({edition.since for edition in lists} | _turns(dims, rules)):
        valid = [edition for edition in lists if edition.since <= since <= edition.until]
        if valid:
            made.append(_with_rules(valid[-1], since, dims, rules))
    return tuple(made)


def _turns(dims: Iterable[DimSpec], rules: _Rules) -> set[int]:
    rows = [row for _, rows in rules for row in rows]
    ends = {row.until.toordinal() + 1 for row in rows if row.until < FOREVER}
    return {row.since.toordinal() for row in rows} | {row.since.toordinal() for row in dims} | ends


def _with_rules(edition: Edition, since: int, dims: Iterable[DimSpec], rules: _Rules) -> Edition:
    day = date.fromordinal(since)
    valid = [row for row in dims if row.since <= day]
    found = [(rule.on_invoice, fee_of(rule, _valid(rows, day), edition.zone_names)) for rule, rows in rules]
    fees = sorted(((late, fee) for late, fee in found if fee), key=lambda pair: (pair[1].group, -pair[1].priority))
    return replace(
        edition, since=since, dim=_dim(valid[-1]) if valid else None,
        fees=tuple(fee for late, fee in fees if not late), invoiced=tuple(fee for late, fee in fees if late),
    )  # fmt: skip


def _valid(rows: Iterable[FeeRow], day: date) -> list[FeeRow]:
    valid = [row for row in rows if row.since <= day <= row.until]
    newest = max((row.since for row in valid), default=None)
    return [row for row in valid if row.since == newest]


def _list(shelf: Shelf, manifest: Manifest, spec: ServiceSpec, sheet: ListSpec) -> Edition:
    rates = shelf.rates(sheet.file, sheet.rows)
    names = _zone_names(manifest, spec, {rate.zone for rate in rates})
    pack = Pack(
        id=sheet.id, carrier=manifest.carrier, service=spec.service, currency=manifest.currency,
        file=sheet.file, source=sheet.source, as_of=sheet.as_of, valid_from=rates[0].since,
        valid_to=rates[0].until, confidence=sheet.confidence, synthetic=sheet.synthetic,
        rate_type=rates[0].rate_type,
    )  # fmt: skip
    classes = partial(_classes, sheet.file, names=names)
    return Edition(
        tariff=f"{pack.id}@{pack.valid_from.isoformat()}",
        since=pack.valid_from.toordinal(), until=(pack.valid_to or FOREVER).toordinal(), pack=pack,
        classes=classes(rates, spec.classes), zone_names=names,
        rounding=tuple(_rounding(step) for step in spec.rounding), dim=None, fees=(),
        limits=limits_of(spec.limits) + limits_of(sheet.limits), oversized=_oversized(shelf, sheet, names),
        beyond=_beyond(shelf, sheet, names), contract=contract_of(spec.contract) if spec.contract else None,
    )  # fmt: skip


def priced_by(
    shelf: Shelf, file: str, where: Mapping[str, tuple[str, ...]], edition: Edition, service: Service
) -> Edition:
    """Return an edition with the base rates of another file in its zones and size classes; all its rules stay."""
    rates = shelf.rates(file, where)
    for rate in rates:
        if rate.zone not in edition.zone_names:
            what = f"{service.key} has no zone {rate.zone}"
            fix = f"use one of {', '.join(sorted(edition.zone_names))}"
            raise TariffError("zone_unknown", file, rate.price.row, what, fix)
    limits = {size.name: size.limits for size in edition.classes}
    zones = {rate.zone: rate.zone for rate in rates}
    classes = _classes(file, rates, {name: {} for name in limits}, zones)
    return replace(
        edition, classes=tuple(size._replace(limits=limits[size.name]) for size in classes if size.tables),
        zone_names=zones, oversized=None, beyond=None,
    )  # fmt: skip


def _oversized(shelf: Shelf, sheet: ListSpec, names: Mapping[str, str]) -> tuple[Limit, SizeClass] | None:
    if sheet.oversized is None:
        return None
    rates = shelf.rates(sheet.file, sheet.oversized.rows)
    return limits_of(sheet.oversized.over)[0], _classes(sheet.file, rates, {"": {}}, names)[0]


def _beyond(shelf: Shelf, sheet: ListSpec, names: Mapping[str, str]) -> tuple[int, dict[str, PriceRow]] | None:
    if sheet.beyond is None:
        return None
    base = {name: zone for zone, name in names.items()}
    file = sheet.beyond.file
    rates = shelf.rates(file, sheet.beyond.rows)
    return WEIGHTS["lb"], {base[rate.zone]: _told(rate, file) for rate in rates if rate.zone in base}


def _told(rate: BaseRate, file: str) -> PriceRow:
    return rate.price._replace(detail=f"zone {rate.zone}, {file} row {rate.price.row}")


def _zone_names(manifest: Manifest, spec: ServiceSpec, zones: Iterable[str]) -> dict[str, str]:
    """Return the file's zone by our own: `{"2": "202"}` for UPS air, `{"1": "UK"}` for a zone-free tariff.

    A zone of the file that no lane of ours leads to keeps its name.
    """
    system = spec.zone_system or manifest.zone_system
    if system == "one":
        (zone,) = set(zones)
        return {"1": zone}
    if system == "named":
        return {zone: zone for zone in zones}
    base = {zone: str(int(zone) - spec.zone_offset) for zone in zones}
    return {own if own in _US_BASE_ZONES else zone: zone for zone, own in base.items()}


def _classes(
    file: str, rates: Iterable[BaseRate], classes: Mapping[str, Mapping[str, str]], names: Mapping[str, str]
) -> tuple[SizeClass, ...]:  # fmt: skip
    base = {name: zone for zone, name in names.items()}
    cells: dict[str, dict[str, list[tuple[int, PriceRow]]]] = {name: {} for name in classes}
    side = 0
    for rate in rates:
        side = rate.side
        if rate.size_class not in cells:
            what = f"size class {rate.size_class!r} has no limits in the manifest"
            raise TariffError("class_unknown", file, rate.price.row, what, "add it to the service's `classes`")
        cells[rate.size_class].setdefault(base[rate.zone], []).append((rate.up_to, _told(rate, file)))
    return tuple(
        SizeClass(name, limits_of(classes[name]), {zone: _table(file, cell) for zone, cell in zones.items()}, side)
        for name, zones in cells.items()
    )


def _table(file: str, cells: list[tuple[int, PriceRow]]) -> tuple[tuple[int, ...], tuple[PriceRow, ...]]:
    ordered = sorted(cells)
    bounds, prices = tuple(bound for bound, _ in ordered), tuple(price for _, price in ordered)
    for lower, upper in pairwise(prices):
        if upper.amount < lower.amount:
            what = f"the price falls below that of row {lower.row} with rising weight"
            raise TariffError("price_falls", file, upper.row, what, "check both rows against the source")
    return bounds, prices


def _rounding(spec: RoundingSpec) -> Rounding:
    up_to = parse_limit("weight", spec.up_to) if spec.up_to else ANY_WEIGHT
    return Rounding(up_to, parse_limit("weight", spec.step), spec.step.partition(" ")[2])


def _dim(spec: DimSpec) -> Dim:
    return Dim(
        side=LENGTHS[spec.side], sides=spec.sides, divisor=spec.divisor, weight=WEIGHTS[spec.weight],
        min_volume=int(spec.min_volume),
    )  # fmt: skip
