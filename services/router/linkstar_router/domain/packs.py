"""Compiles the carriers' manifests (TOML) and the published price files into services with dated editions."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from hashlib import blake2b
from importlib.resources import files
from itertools import pairwise
from typing import Any

from linkstar_contracts.values import BatteryClass
from linkstar_router.domain.areas import Areas
from linkstar_router.domain.manifest import DimSpec, FeeRule, ListSpec, Manifest, RoundingSpec, ServiceSpec, parsed
from linkstar_router.domain.measures import LENGTHS, MEASURES, WEIGHTS, parse_limit
from linkstar_router.domain.published import FOREVER, SHIPPED, BaseRate, FeeRow, Row, Shelf, TariffError
from linkstar_router.domain.tariff import (
    LEVELS,
    Dim,
    Edition,
    Fee,
    Limit,
    Pack,
    PriceRow,
    Rounding,
    Service,
    SizeClass,
)  # fmt: skip

__all__ = [
    "compiled", "data_hash", "limits_of", "load_areas", "load_gaps", "load_services", "manifest_files", "manifests",
    "packs_of", "read_manifest",
]  # fmt: skip

_ANY_WEIGHT = 10**30
Transit = Mapping[str, tuple[dict[str, tuple[int, int]], str]]


def data_hash() -> str:
    """Return a short hash of every shipped tariff and zone file: equal hashes price every order alike."""
    digest = blake2b(digest_size=8)
    root, package = SHIPPED.root, files("linkstar_router")
    for folder in (root, root / "us", root / "eu", root / "synthetic", package / "zones", package / "facts"):
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if entry.name.endswith((".csv", ".toml", ".gz")):
                digest.update(entry.name.encode() + b"\0" + entry.read_bytes())
    return digest.hexdigest()


def load_services() -> tuple[Service, ...]:
    """Return all services in the fixed order of carrier manifests, which also breaks ties of cost."""
    transit = _transit()
    return tuple(
        compiled(SHIPPED, manifest, spec, transit) for _, manifest in manifests(SHIPPED) for spec in manifest.service
    )


def load_gaps() -> dict[str, list[str]]:
    """Return what each carrier's lists are known to leave out."""
    return {manifest.carrier: list(manifest.gaps) for _, manifest in manifests(SHIPPED)}


def manifests(shelf: Shelf) -> Iterator[tuple[str, Manifest]]:
    """Yield `(file, manifest)` of every carrier on a shelf, by name."""
    for file in manifest_files(shelf):
        manifest = read_manifest(shelf, file)
        if manifest is not None:
            yield file, manifest


def manifest_files(shelf: Shelf) -> list[str]:
    """Return the TOML files on a shelf, by name."""
    return sorted(entry.name for entry in shelf.root.iterdir() if entry.name.endswith(".toml"))


def read_manifest(shelf: Shelf, file: str) -> Manifest | None:
    """Return a carrier's manifest, or None when the file is about something else (areas, calendars)."""
    text = shelf.text(file)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TariffError(
            "manifest_unreadable", file, 0, f"no TOML: {error}", "mend the syntax at that place"
        ) from error
    return parsed(content, file, text) if "service" in content else None


def load_areas(shelf: Shelf = SHIPPED) -> Areas:
    """Return the remote areas of `areas.toml`, filled from the published lists."""
    spec = tomllib.loads(shelf.text("areas.toml"))
    return Areas(_area_ranges(shelf, spec["area"]))


def _area_ranges(shelf: Shelf, areas: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, str, str, str]]:
    published = [row for _, row in shelf.rows("eu/remote_areas.csv") if not row["confidence"].startswith("low")]
    for area in areas:
        for row in published:
            same_list = row["country"] == area["country"] and row["carrier"] == area["carrier"]
            if same_list and row["zone"] in area["zones"]:
                yield area["country"], area["id"], *_span(row)


def _span(row: Row) -> tuple[str, str]:
    match, code = row["match"], row["code"]
    if match == "postcode area":
        return f"{code}00", f"{code}99"
    if match == "postcode district":
        letters = code.rstrip("0123456789")
        code = f"{letters}{int(code[len(letters) :]):02d}"
        return code, code
    first, _, last = code.partition("-")
    return first, last or first


def _transit() -> Transit:
    found: dict[str, tuple[dict[str, tuple[int, int]], str]] = {}
    for _, row in SHIPPED.rows("transit.csv"):
        zones, _source = found.setdefault(f"{row['carrier']}/{row['service']}", ({}, row["evidence"]))
        for zone in range(int(row["zone_from"]), int(row["zone_to"]) + 1):
            zones[str(zone)] = (int(row["p50_days"]), int(row["p90_days"]))
    return found


def compiled(shelf: Shelf, manifest: Manifest, spec: ServiceSpec, transit: Transit) -> Service:
    """Return a service with its dated editions; without a row in `transit` it promises no dates."""
    days, evidence = transit.get(f"{manifest.carrier}/{spec.service}", ({}, ""))
    return Service(
        key=f"{manifest.carrier}/{spec.service}",
        carrier=manifest.carrier, service=spec.service, country=manifest.country, currency=manifest.currency,
        zone_system=manifest.zone_system, calendar=manifest.calendar, level=LEVELS[spec.level], po_box=spec.po_box,
        batteries=frozenset((BatteryClass.NONE, *spec.batteries)),
        liquid=spec.liquid, cover_minor=manifest.cover_minor, signature=spec.signature, receiver=spec.receiver,
        closed_areas=dict(spec.closed_areas), vat_basis_points=manifest.vat_basis_points,
        transit=days, transit_source=evidence, editions=_editions(shelf, manifest, spec),
        fuel=shelf.fuel(spec.fuel.carrier, spec.fuel.service) if spec.fuel else None,
        fuel_in=spec.fuel.base if spec.fuel else frozenset(),
    )  # fmt: skip


def _editions(shelf: Shelf, manifest: Manifest, spec: ServiceSpec) -> tuple[Edition, ...]:
    rules = [(rule, shelf.fees(rule.row)) for rule in manifest.fee if spec.service in rule.services]
    lists = sorted((_list(shelf, manifest, spec, sheet) for sheet in spec.lists), key=lambda edition: edition.since)
    turns = {edition.since for edition in lists} | {row.since.toordinal() for row in manifest.dim}
    for _, rows in rules:
        for row in rows:
            turns |= {row.since.toordinal(), *([row.until.toordinal() + 1] if row.until < FOREVER else [])}
    made = []
    for since in sorted(turns):
        valid = [edition for edition in lists if edition.since <= since <= edition.until]
        if valid:
            made.append(_with_rules(valid[-1], since, manifest.dim, rules))
    return tuple(made)


def _with_rules(
    edition: Edition, since: int, dim: Iterable[DimSpec], rules: Iterable[tuple[FeeRule, list[FeeRow]]]
) -> Edition:
    day = date.fromordinal(since)
    dims = [row for row in dim if row.since <= day]
    found = [_fee(rule, _valid(rows, day), edition.zone_names) for rule, rows in rules]
    ordered = sorted((fee for fee in found if fee), key=lambda fee: (fee.group, -fee.priority))
    return replace(edition, since=since, dim=_dim(dims[-1]) if dims else None, fees=tuple(ordered))


def _valid(rows: Iterable[FeeRow], day: date) -> list[FeeRow]:
    valid = [row for row in rows if row.since <= day <= row.until]
    newest = max((row.since for row in valid), default=None)
    return [row for row in valid if row.since == newest]


def _fee(rule: FeeRule, rows: list[FeeRow], zones: Iterable[str]) -> Fee | None:
    if not rows:
        return None
    amounts = {z: row.amount for z in zones for row in rows if row.zone_from <= int(z) <= row.zone_to}
    return Fee(
        code=rule.code, detail=rule.detail, group=rule.group or rule.detail, priority=rule.priority, amounts=amounts,
        vat=rows[0].vat, over=limits_of(rule.over), residential=rule.residential, area=rule.area,
        signature=rule.signature,
        billable_up_to=parse_limit("weight", rule.billable_up_to) if rule.billable_up_to else None,
        min_billable=parse_limit("weight", rule.min_billable) if rule.min_billable else 0,
    )  # fmt: skip


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
    oversized = None
    if sheet.oversized is not None:
        beyond = classes(shelf.rates(sheet.file, sheet.oversized.rows), {"": {}})
        oversized = (limits_of(sheet.oversized.over)[0], beyond[0])
    return Edition(
        tariff=f"{pack.id}@{pack.valid_from.isoformat()}",
        since=pack.valid_from.toordinal(), until=(pack.valid_to or FOREVER).toordinal(), pack=pack,
        classes=classes(rates, spec.classes), zone_names=names,
        rounding=tuple(_rounding(step) for step in spec.rounding), dim=None, fees=(),
        limits=limits_of(spec.limits) + limits_of(sheet.limits), oversized=oversized,
    )  # fmt: skip


def _zone_names(manifest: Manifest, spec: ServiceSpec, zones: Iterable[str]) -> dict[str, str]:
    """Return the file's zone code by base zone: `{"2": "202"}` for UPS air, `{"1": "UK"}` for a zone-free tariff."""
    if manifest.zone_system == "one":
        (zone,) = set(zones)
        return {"1": zone}
    return {str(int(zone) - spec.zone_offset): zone for zone in zones if 1 <= int(zone) - spec.zone_offset <= 9}


def _classes(
    file: str, rates: Iterable[BaseRate], classes: Mapping[str, Mapping[str, str]], names: Mapping[str, str]
) -> tuple[SizeClass, ...]:  # fmt: skip
    base = {name: zone for zone, name in names.items()}
    cells: dict[str, dict[str, list[tuple[int, PriceRow]]]] = {name: {} for name in classes}
    for rate in rates:
        if rate.size_class not in cells:
            what = f"size class {rate.size_class!r} has no limits in the manifest"
            raise TariffError("class_unknown", file, rate.price.row, what, "add it to the service's `classes`")
        if rate.zone in base:
            price = rate.price._replace(detail=f"zone {rate.zone}, {file} row {rate.price.row}")
            cells[rate.size_class].setdefault(base[rate.zone], []).append((rate.up_to, price))
    return tuple(
        SizeClass(name, limits_of(classes[name]), {zone: _table(file, cell) for zone, cell in zones.items()})
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


def limits_of(spec: Mapping[str, str]) -> tuple[Limit, ...]:
    """Return limits such as `{"weight": "70 lb"}`; raises ValueError when a measure or unit is unknown."""
    return tuple(
        Limit(MEASURES.index(name), parse_limit(name, text), f"{name.replace('_', ' ')} {text}")
        for name, text in spec.items()
    )


def _rounding(spec: RoundingSpec) -> Rounding:
    up_to = parse_limit("weight", spec.up_to) if spec.up_to else _ANY_WEIGHT
    return Rounding(up_to, parse_limit("weight", spec.step), spec.step.partition(" ")[2])


def _dim(spec: DimSpec) -> Dim:
    return Dim(
        side=LENGTHS[spec.side], sides=spec.sides, divisor=spec.divisor, weight=WEIGHTS[spec.weight],
        min_volume=int(spec.min_volume),
    )  # fmt: skip


def packs_of(services: Iterable[Service]) -> list[Pack]:
    """Return every pack in use, oldest list first within a service."""
    found: dict[tuple[str, date], Pack] = {}
    for service in services:
        for edition in service.editions:
            found[edition.pack.id, edition.pack.valid_from] = edition.pack
    return list(found.values())
