"""`python -m linkstar_router.jobs.tariffs list | check`: tells of tariff packs as JSON, without network or database."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from linkstar_router.domain.checks import check
from linkstar_router.domain.packs import load_services, manifests, packs_of
from linkstar_router.domain.published import SHIPPED, Shelf, TariffError
from linkstar_runtime.clock import Clock

__all__ = ["main"]


def main() -> None:
    """Run the command given on the command line."""
    options = _parser().parse_args()
    json.dump(options.command(options), sys.stdout, ensure_ascii=False)
    sys.stdout.write("\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m linkstar_router.jobs.tariffs", description=__doc__)
    commands = parser.add_subparsers(required=True)
    commands.add_parser("list", help="the shipped packs").set_defaults(command=_list)
    checking = commands.add_parser("check", help="faults of pack folders, by default of the shipped one")
    checking.add_argument("folder", nargs="*", type=Path)
    checking.add_argument("--today", type=date.fromisoformat, default=Clock().now().date())
    checking.set_defaults(command=_check)
    return parser


def _list(_options: argparse.Namespace) -> list[dict[str, Any]]:
    return [
        {
            "id": pack.id, "carrier": pack.carrier, "service": pack.service, "currency": pack.currency,
            "rate_type": pack.rate_type, "valid_from": pack.valid_from.isoformat(),
            "valid_to": pack.valid_to.isoformat() if pack.valid_to else None, "confidence": pack.confidence,
            "synthetic": pack.synthetic, "as_of": pack.as_of.isoformat(), "source": pack.source, "file": pack.file,
        }
        for pack in packs_of(load_services())
    ]  # fmt: skip


def _check(options: argparse.Namespace) -> list[dict[str, Any]]:
    shelves = [Shelf(folder, SHIPPED) for folder in options.folder] or [SHIPPED]
    return [_report(shelf, options.today) for shelf in shelves]


def _report(shelf: Shelf, today: date) -> dict[str, Any]:
    findings = check(shelf, today)
    return {
        "folder": str(shelf.root) if shelf is not SHIPPED else "shipped",
        **_extent(shelf),
        "findings": [finding._asdict() for finding in findings],
    }


def _extent(shelf: Shelf) -> dict[str, int]:
    files = shelf.price_files()
    try:
        lists = sum(len(spec.lists) for _, manifest in manifests(shelf) for spec in manifest.service)
        rows = sum(len(shelf.rows(file)) for file in files)
    except TariffError:
        lists = rows = 0  # what is wrong stands in the findings
    return {"lists": lists, "files": len(files), "rows": rows}


if __name__ == "__main__":
    main()
