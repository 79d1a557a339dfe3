"""Compiles the carriers' manifests (TOML) and the published price files into services with dated editions."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from typing import Any

import yaml

from linkstar_contracts.values import BatteryClass
from linkstar_router.domain.areas import Areas
from linkstar_router.domain.editions import editions_of
from linkstar_router.domain.manifest import Manifest, ServiceSpec, parsed
from linkstar_router.domain.published import SHIPPED, Row, Shelf, TariffError, is_trusted
from linkstar_router.domain.tariff import LEVELS, Pack, Service

__all__ = [
    "areas_of", "compiled", "data_hash", "load_all_services", "load_areas", "load_gaps", "load_services", "load_transit",
    "manifest_files", "manifests", "packs_of", "read_document", "read_manifest",
]  # fmt: skip

_AREA_FILE = "eu/remote_areas.csv"
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
    """Return the services offered to orders, in the fixed order of carrier manifests, which also breaks ties of cost."""
    return tuple(service for service in load_all_services() if not service.reference)


@cache
def load_all_services() -> tuple[Service, ...]:
    """Return every service with a price list, those for reference only too."""
    transit = load_transit()
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
    """Return the TOML and YAML files on a shelf, by name."""
    return sorted(entry.name for entry in shelf.root.iterdir() if entry.name.endswith((".toml", ".yaml", ".yml")))


def read_manifest(shelf: Shelf, file: str) -> Manifest | None:
    """Return a carrier's manifest, or None when the file is about something else (areas, calendars)."""
    content = read_document(shelf, file)
    return parsed(content, file, shelf.text(file)) if "service" in content else None


def read_document(shelf: Shelf, file: str) -> dict[str, Any]:
    """Return a TOML or YAML document as it stands; raises TariffError when it is none."""
    text = shelf.text(file)
    try:
        content = tomllib.loads(text) if file.endswith(".toml") else yaml.safe_load(text)
    except (tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        told = " ".join(str(error).split())
        raise TariffError("manifest_unreadable", file, 0, told, "mend the syntax at that place") from error
    if not isinstance(content, dict):
        raise TariffError("manifest_unreadable", file, 0, "no mapping of keys to values", "begin with `carrier: …`")
    return content


def load_areas(shelf: Shelf = SHIPPED) -> Areas:
    """Return the remote areas of `areas.toml`, filled from the published lists."""
    spec = tomllib.loads(shelf.text("areas.toml"))
    return Areas(_area_ranges(shelf, spec["area"]), [area["id"] for area in spec["area"]])


def _area_ranges(shelf: Shelf, areas: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, str, str, str]]:
    for area, _, row in _published_areas(shelf, areas):
        yield area["country"], area["id"], *_span(row)


def areas_of(shelf: Shelf) -> list[tuple[str, int]]:
    """Return file and row of every published postcode that an area is made of."""
    spec = tomllib.loads(shelf.text("areas.toml"))
    return [(_AREA_FILE, number) for _, number, _ in _published_areas(shelf, spec["area"])]


def _published_areas(shelf: Shelf, areas: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], int, Row]]:
    for area in areas:
        for number, row in shelf.rows(_AREA_FILE):
            same_list = row["country"] == area["country"] and row["carrier"] == area["carrier"]
            if same_list and row["zone"] in area["zones"] and is_trusted(row["confidence"]):
                yield area, number, row


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


def load_transit(shelf: Shelf = SHIPPED) -> Transit:
    """Return the transit days by service and zone, with the kind of their evidence."""
    found: dict[str, tuple[dict[str, tuple[int, int]], str]] = {}
    for _, row in shelf.rows("transit.csv"):
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
        zone_system=spec.zone_system or manifest.zone_system, calendar=manifest.calendar, level=LEVELS[spec.level],
        po_box=spec.po_box,
        batteries=frozenset((BatteryClass.NONE, *spec.batteries)),
        liquid=spec.liquid, cover_minor=manifest.cover_minor, signature=spec.signature, receiver=spec.receiver,
        closed_areas=dict(spec.closed_areas), vat_basis_points=manifest.vat_basis_points,
        transit=days, transit_source=evidence, editions=editions_of(shelf, manifest, spec),
        fuel=shelf.fuel(spec.fuel.carrier, spec.fuel.service) if spec.fuel else None,
        fuel_in=spec.fuel.base if spec.fuel else frozenset(),
        insured_up_to=spec.insured_up_to_minor, appointment=spec.appointment, takes=spec.takes,
        reference=spec.reference,
    )  # fmt: skip


def packs_of(services: Iterable[Service]) -> list[Pack]:
    """Return every pack in use, oldest list first within a service."""
    found: dict[tuple[str, date], Pack] = {}
    for service in services:
        for edition in service.editions:
            found[edition.pack.id, edition.pack.valid_from] = edition.pack
    return list(found.values())
