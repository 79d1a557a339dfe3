"""`python -m linkstar_router.jobs.tariffs COMMAND`: tells of tariff packs as JSON, without network or database."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from linkstar_router.domain.checks import check
from linkstar_router.domain.checks.findings import from_error
from linkstar_router.domain.comparison import differences
from linkstar_router.domain.own_packs import extent_of, with_own
from linkstar_router.domain.pack_files import read_pack, shelf_of
from linkstar_router.domain.packs import load_all_services, load_services, manifests, packs_of
from linkstar_router.domain.published import SHIPPED, Shelf, TariffError
from linkstar_router.domain.rate_tables import parse_weights, rate_table
from linkstar_router.domain.tariff import Service, offer_on
from linkstar_router.domain.zones import load_zone_charts
from linkstar_runtime.clock import Clock

__all__ = ["main"]

_SHIPPED_NAME = "shipped"


def main() -> None:
    """Run the command given on the command line and print its answer; a pack that cannot be read is told in it."""
    options = _parser().parse_args()
    try:
        answer = options.command(options)
    except TariffError as error:
        answer = {"fault": from_error(error)._asdict()}
    json.dump(answer, sys.stdout, ensure_ascii=False)
    sys.stdout.write("\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m linkstar_router.jobs.tariffs", description=__doc__)
    parser.add_argument("--on", type=date.fromisoformat, default=Clock().now().date())
    commands = parser.add_subparsers(required=True)
    commands.add_parser("list", help="the shipped packs").set_defaults(command=_list)
    checking = commands.add_parser("check", help="faults of packs, by default of the shipped ones")
    checking.add_argument("path", nargs="*", type=Path)
    checking.set_defaults(command=_check)
    reading = commands.add_parser("read", help="the files of a pack as texts")
    reading.add_argument("path", type=Path)
    reading.set_defaults(command=_read)
    comparing = commands.add_parser("diff", help=f"what differs between two packs; {_SHIPPED_NAME!r} names our own")
    comparing.add_argument("before")
    comparing.add_argument("after")
    comparing.set_defaults(command=_diff)
    exporting = commands.add_parser("export", help="a shipping-rate table by postcode band")
    exporting.add_argument("service")
    exporting.add_argument("--origin", required=True)
    exporting.add_argument("--weight", action="append", required=True)
    exporting.add_argument("--commercial", action="store_true")
    exporting.add_argument("--pack", type=Path)
    exporting.set_defaults(command=_export)
    return parser


def _list(_options: argparse.Namespace) -> list[dict[str, Any]]:
    offered = {service.key for service in load_services()}
    return [
        {
            "id": pack.id, "carrier": pack.carrier, "service": pack.service, "currency": pack.currency,
            "rate_type": pack.rate_type, "valid_from": pack.valid_from.isoformat(),
            "valid_to": pack.valid_to.isoformat() if pack.valid_to else None, "confidence": pack.confidence,
            "synthetic": pack.synthetic, "as_of": pack.as_of.isoformat(), "source": pack.source, "file": pack.file,
            "offered": f"{pack.carrier}/{pack.service}" in offered,
        }
        for pack in packs_of(load_all_services())
    ]  # fmt: skip


def _check(options: argparse.Namespace) -> list[dict[str, Any]]:
    return [_checked(str(path), path, options.on) for path in options.path] or [
        _report(_SHIPPED_NAME, SHIPPED, options.on)
    ]


def _checked(name: str, path: Path, today: date) -> dict[str, Any]:
    try:
        return _report(name, shelf_of(read_pack(path), SHIPPED), today)
    except TariffError as error:
        return {"pack": name, "lists": 0, "files": 0, "rows": 0, "findings": [from_error(error)._asdict()]}


def _report(name: str, shelf: Shelf, today: date) -> dict[str, Any]:
    findings = [finding._asdict() for finding in check(shelf, today)]
    return {"pack": name, **_extent(shelf), "findings": findings}


def _extent(shelf: Shelf) -> dict[str, int]:
    files = shelf.price_files()
    try:
        lists = sum(len(spec.lists) for _, manifest in manifests(shelf) for spec in manifest.service)
        rows = sum(len(shelf.rows(file)) for file in files)
    except TariffError:
        lists = rows = 0  # what is wrong stands in the findings
    return {"lists": lists, "files": len(files), "rows": rows}


def _read(options: argparse.Namespace) -> dict[str, Any]:
    return {"files": read_pack(options.path)}


def _diff(options: argparse.Namespace) -> dict[str, Any]:
    sides = [_services(options.before), _services(options.after)]
    about = {key for side, named in sides for key in named} or {service.key for service in sides[0][0]}
    before, after = ([service for service in side if service.key in about] for side, _ in sides)
    found = differences(before, after, options.on.toordinal())
    return {"on": options.on.isoformat(), "differences": [difference._asdict() for difference in found]}


def _services(name: str) -> tuple[Iterable[Service], list[str]]:
    """Return all services as a pack makes them, and which it is about."""
    if name == _SHIPPED_NAME:
        return load_all_services(), []
    shelf = shelf_of(read_pack(Path(name)), SHIPPED)
    return with_own(load_all_services(), shelf), extent_of(shelf)[2]


def _export(options: argparse.Namespace) -> dict[str, Any]:
    services, _ = _services(str(options.pack) if options.pack else _SHIPPED_NAME)
    known = {service.key: service for service in services}
    if options.service not in known:
        what = f"no service {options.service} is known"
        raise TariffError("service_unknown", "", 0, what, "see `linkstar tariffs list`")
    try:
        weights = parse_weights(options.weight)
    except (ValueError, IndexError, ArithmeticError) as error:
        raise TariffError("weight_invalid", "", 0, f"{options.weight}: no weights", "write them as 2 lb") from error
    offer = offer_on(known[options.service], options.on.toordinal())
    if offer.edition is None:
        raise TariffError("no_tariff_at_date", "", 0, offer.reason, "name a day that a list holds on: --on")
    rows = rate_table(offer, load_zone_charts(), options.origin, weights, residential=not options.commercial)
    return {"tariff": offer.edition.tariff, "rows": [row._asdict() for row in rows]}


if __name__ == "__main__":
    main()
