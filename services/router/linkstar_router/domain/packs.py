"""Compiles the carriers' manifests (TOML) and the published price files into services with dated editions."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from importlib.resources import files
from itertools import pairwise
from typing import Any

from linkstar_contracts.values import BatteryClass
from linkstar_router.domain.areas import Areas
from linkstar_router.domain.measures import LENGTHS, MEASURES, WEIGHTS, parse_limit
from linkstar_router.domain.published import (
    FOREVER,
    BaseRate,
    FeeRow,
    TariffError,
    base_rates,
    fee_rows,
    fuel_weeks,
    read_rows,
)  # fmt: skip
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

__all__ = ["data_hash", "load_areas", "load_gaps", "load_services", "packs_of"]

_SHIPPED = files("linkstar_router") / "tariffs"
_Manifest = Mapping[str, Any]


def data_hash() -> str:
    """Return a short hash of every shipped tariff and zone file: equal hashes price every order alike."""
    digest = blake2b(digest_size=8)
    for folder in (
        _SHIPPED,
        _SHIPPED / "us",
        _SHIPPED / "eu",
        _SHIPPED / "synthetic",
        files("linkstar_router") / "zones",
    ):
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if entry.name.endswith((".csv", ".toml", ".gz")):
                digest.update(entry.name.encode() + b"\0" + entry.read_bytes())
    return digest.hexdigest()


def load_services() -> tuple[Service, ...]:
    """Return all services in the fixed order of carrier manifests, which also breaks ties of cost."""
    fees, transit = fee_rows(), _transit()
    return tuple(_service(manifest, spec, fees, transit) for manifest in _manifests() for spec in manifest["service"])


def load_gaps() -> dict[str, list[str]]:
    """Return what each carrier's lists are known to leave out."""
    return {manifest["carrier"]: list(manifest["gaps"]) for manifest in _manifests()}


def _manifests() -> Iterator[_Manifest]:
    for entry in sorted(_SHIPPED.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml"):
            manifest = tomllib.loads(entry.read_text(encoding="utf-8"))
            if "carrier" in manifest:
                yield manifest


def load_areas() -> Areas:
    """Return the remote areas of `areas.toml`, filled from the published lists."""
    spec = tomllib.loads(_SHIPPED.joinpath("areas.toml").read_text(encoding="utf-8"))
    return Areas(_area_ranges(spec["area"]))


def _area_ranges(areas: Iterable[_Manifest]) -> Iterable[tuple[str, str, str, str]]:
    published = [row for _, row in read_rows("eu/remote_areas.csv") if not row["confidence"].startswith("low")]
    for area in areas:
        for row in published:
            same_list = row["country"] == area["country"] and row["carrier"] == area["carrier"]
            if same_list and row["zone"] in area["zones"]:
                yield area["country"], area["id"], *_span(row["match"], row["code"])


def _span(match: str, code: str) -> tuple[str, str]:
    if match == "postcode area":
        return f"{code}00", f"{code}99"
    if match == "postcode district":
        letters = code.rstrip("0123456789")
        code = f"{letters}{int(code[len(letters) :]):02d}"
        return code, code
    first, _, last = code.partition("-")
    return first, last or first


def _transit() -> dict[str, tuple[dict[str, tuple[int, int]], str]]:
    found: dict[str, tuple[dict[str, tuple[int, int]], str]] = {}
    for _, row in read_rows("transit.csv"):
        zones, _source = found.setdefault(f"{row['carrier']}/{row['service']}", ({}, row["evidence"]))
        for zone in range(int(row["zone_from"]), int(row["zone_to"]) + 1):
            zones[str(zone)] = (int(row["p50_days"]), int(row["p90_days"]))
    return found


def _service(
    manifest: _Manifest, spec: _Manifest, fees: Mapping[tuple[str, ...], list[FeeRow]],
    transit: Mapping[str, tuple[dict[str, tuple[int, int]], str]],
) -> Service:  # fmt: skip
    days, evidence = transit[f"{manifest['carrier']}/{spec['service']}"]
    fuel = spec.get("fuel")
    return Service(
        key=f"{manifest['carrier']}/{spec['service']}",
        carrier=manifest["carrier"], service=spec["service"], country=manifest["country"],
        currency=manifest["currency"], zone_system=manifest["zone_system"], calendar=manifest["calendar"],
        level=LEVELS[spec["level"]], po_box=spec["po_box"],
        batteries=frozenset(BatteryClass(word) for word in ("none", *spec["batteries"])),
        liquid=spec["liquid"], cover_minor=manifest.get("cover_minor", 0), signature=spec["signature"],
        receiver=spec.get("receiver", "any"),
        closed_areas=dict(spec.get("closed_areas", {})), vat_basis_points=manifest.get("vat_basis_points", 0),
        transit=days, transit_source=evidence, editions=_editions(manifest, spec, fees),
        fuel=fuel_weeks(fuel["carrier"], fuel["service"]) if fuel else None,
        fuel_in=frozenset(fuel["base"]) if fuel else frozenset(),
    )  # fmt: skip


def _editions(
    manifest: _Manifest, spec: _Manifest, fees: Mapping[tuple[str, ...], list[FeeRow]]
) -> tuple[Edition, ...]:  # fmt: skip
    rules = [rule for rule in manifest.get("fee", ()) if spec["service"] in rule["services"]]
    lists = sorted((_list(manifest, spec, sheet) for sheet in spec["list"]), key=lambda edition: edition.since)
    turns = {edition.since for edition in lists} | {row["since"].toordinal() for row in manifest.get("dim", ())}
    for rule in rules:
        for row in _rows_of(rule, fees):
            turns |= {row.since.toordinal(), *([row.until.toordinal() + 1] if row.until < FOREVER else [])}
    made = []
    for since in sorted(turns):
        valid = [edition for edition in lists if edition.since <= since <= edition.until]
        if valid:
            made.append(_with_rules(valid[-1], since, manifest, rules, fees))
    return tuple(made)


def _with_rules(
    edition: Edition, since: int, manifest: _Manifest, rules: Iterable[_Manifest],
    fees: Mapping[tuple[str, ...], list[FeeRow]],
) -> Edition:  # fmt: skip
    day = date.fromordinal(since)
    dims = [row for row in manifest.get("dim", ()) if row["since"] <= day]
    found = [_fee(rule, _valid(_rows_of(rule, fees), day), edition.zone_names) for rule in rules]
    ordered = sorted((fee for fee in found if fee), key=lambda fee: (fee.group, -fee.priority))
    return replace(edition, since=since, dim=_dim(dims[-1]) if dims else None, fees=tuple(ordered))


def _rows_of(rule: _Manifest, fees: Mapping[tuple[str, ...], list[FeeRow]]) -> list[FeeRow]:
    rows = fees.get(tuple(rule["row"]))
    if not rows:
        raise TariffError(f"surcharge {rule['code']}: no usable row {'/'.join(rule['row'])}")
    return rows


def _valid(rows: Iterable[FeeRow], day: date) -> list[FeeRow]:
    valid = [row for row in rows if row.since <= day <= row.until]
    newest = max((row.since for row in valid), default=None)
    return [row for row in valid if row.since == newest]


def _fee(rule: _Manifest, rows: list[FeeRow], zones: Iterable[str]) -> Fee | None:
    if not rows:
        return None
    amounts = {z: row.amount for z in zones for row in rows if row.zone_from <= int(z) <= row.zone_to}
    limit = rule.get("billable_up_to")
    return Fee(
        code=rule["code"], detail=rule["detail"], group=rule.get("group", rule["detail"]),
        priority=rule.get("priority", 0), amounts=amounts, vat=rows[0].vat, over=_limits(rule.get("over", {})),
        residential=rule.get("residential"), area=rule.get("area", ""), signature=rule.get("signature", False),
        billable_up_to=parse_limit("weight", limit) if limit else None,
        min_billable=parse_limit("weight", rule["min_billable"]) if "min_billable" in rule else 0,
    )  # fmt: skip


def _list(manifest: _Manifest, spec: _Manifest, sheet: _Manifest) -> Edition:
    rates = base_rates(sheet["file"], sheet["rows"])
    names = _zone_names(manifest, spec, {rate.zone for rate in rates})
    pack = Pack(
        id=sheet["id"], carrier=manifest["carrier"], service=spec["service"], currency=manifest["currency"],
        file=sheet["file"], source=sheet["source"], as_of=sheet["as_of"], valid_from=rates[0].since,
        valid_to=rates[0].until, confidence=sheet["confidence"], synthetic=sheet.get("synthetic", False),
    )  # fmt: skip
    return Edition(
        tariff=f"{pack.id}@{pack.valid_from.isoformat()}",
        since=pack.valid_from.toordinal(), until=(pack.valid_to or FOREVER).toordinal(), pack=pack,
        classes=_classes(sheet["file"], rates, spec.get("classes", {"": {}}), names), zone_names=names,
        rounding=tuple(_rounding(step) for step in spec["rounding"]), dim=None, fees=(),
        limits=_limits(spec["limits"]) + _limits(sheet.get("limits", {})), oversized=_oversized(sheet, names),
    )  # fmt: skip


def _oversized(sheet: _Manifest, names: Mapping[str, str]) -> tuple[Limit, SizeClass] | None:
    if "oversized" not in sheet:
        return None
    rates = base_rates(sheet["file"], sheet["oversized"]["rows"])
    return _limits(sheet["oversized"]["over"])[0], _classes(sheet["file"], rates, {"": {}}, names)[0]


def _zone_names(manifest: _Manifest, spec: _Manifest, zones: Iterable[str]) -> dict[str, str]:
    """Return the file's zone code by base zone: `{"2": "202"}` for UPS air, `{"1": "UK"}` for a zone-free tariff."""
    if manifest["zone_system"] == "one":
        (zone,) = set(zones)
        return {"1": zone}
    offset = spec.get("zone_offset", 0)
    return {str(int(zone) - offset): zone for zone in zones if 1 <= int(zone) - offset <= 9}


def _classes(
    file: str, rates: Iterable[BaseRate], classes: Mapping[str, _Manifest], names: Mapping[str, str]
) -> tuple[SizeClass, ...]:  # fmt: skip
    base = {name: zone for zone, name in names.items()}
    cells: dict[str, dict[str, list[tuple[int, PriceRow]]]] = {name: {} for name in classes}
    for rate in rates:
        if rate.size_class not in cells:
            raise TariffError(f"row {rate.price.row}: size class {rate.size_class!r} has no limits in the manifest")
        if rate.zone in base:
            price = rate.price._replace(detail=f"zone {rate.zone}, {file} row {rate.price.row}")
            cells[rate.size_class].setdefault(base[rate.zone], []).append((rate.up_to, price))
    return tuple(
        SizeClass(name, _limits(classes[name]), {zone: _table(cell) for zone, cell in zones.items()})
        for name, zones in cells.items()
    )


def _table(cells: list[tuple[int, PriceRow]]) -> tuple[tuple[int, ...], tuple[PriceRow, ...]]:
    ordered = sorted(cells)
    bounds, prices = tuple(bound for bound, _ in ordered), tuple(price for _, price in ordered)
    for lower, upper in pairwise(prices):
        if upper.amount < lower.amount:
            raise TariffError(f"row {upper.row}: the price falls below that of row {lower.row} with rising weight")
    return bounds, prices


def _limits(spec: _Manifest) -> tuple[Limit, ...]:
    return tuple(
        Limit(MEASURES.index(name), parse_limit(name, text), f"{name.replace('_', ' ')} {text}")
        for name, text in spec.items()
    )


def _rounding(spec: _Manifest) -> Rounding:
    up_to = parse_limit("weight", spec["up_to"]) if "up_to" in spec else 10**30
    return Rounding(up_to, parse_limit("weight", spec["step"]), spec["step"].partition(" ")[2])


def _dim(spec: _Manifest) -> Dim:
    return Dim(
        side=LENGTHS[spec["side"]], sides=spec["sides"], divisor=spec["divisor"], weight=WEIGHTS[spec["weight"]],
        min_volume=int(Decimal(spec.get("min_volume", 0))),
    )  # fmt: skip


def packs_of(services: Iterable[Service]) -> list[Pack]:
    """Return every pack in use, oldest list first within a service."""
    found: dict[tuple[str, date], Pack] = {}
    for service in services:
        for edition in service.editions:
            found[edition.pack.id, edition.pack.valid_from] = edition.pack
    return list(found.values())
