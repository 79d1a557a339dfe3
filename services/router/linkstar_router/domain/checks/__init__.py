"""Checks a folder of tariff packs as a whole: every fault is found, none stops the search for others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import partial

from linkstar_router.domain.areas import Areas
from linkstar_router.domain.charts import CHART_FILE, load_charts
from linkstar_router.domain.checks.agreements import agreement_findings
from linkstar_router.domain.checks.coverage import coverage_findings
from linkstar_router.domain.checks.fees import fee_findings, fuel_findings
from linkstar_router.domain.checks.findings import Finding, from_error
from linkstar_router.domain.checks.layouts import layout_findings
from linkstar_router.domain.checks.prices import price_findings
from linkstar_router.domain.manifest import Manifest, ServiceSpec
from linkstar_router.domain.packs import compiled, load_areas, manifest_files, read_manifest
from linkstar_router.domain.published import SHIPPED, Shelf, TariffError

__all__ = ["check"]


def check(shelf: Shelf, today: date) -> list[Finding]:
    """Return the faults of every price file and manifest on a shelf, errors first, each once."""
    found = list(_guarded(partial(_file_findings, shelf)))
    if not any(finding.severity == "error" for finding in found):
        areas = load_areas(shelf)
        for file in manifest_files(shelf):
            found += _guarded(partial(_manifest_findings, shelf, file, areas, today))
        if shelf is not SHIPPED and not any(finding.severity == "error" for finding in found):
            found += _guarded(partial(agreement_findings, shelf))
            found += _guarded(partial(_chart_findings, shelf))
        if not any(finding.severity == "error" for finding in found):
            found += coverage_findings(shelf)
    return sorted(dict.fromkeys(found), key=lambda finding: (finding.severity, finding.file, finding.row))


def _file_findings(shelf: Shelf) -> Iterator[Finding]:
    for file in shelf.price_files():
        rows = shelf.rows(file)
        if not rows:
            yield Finding(
                "error", "file_empty", file, 0, "the file has no row below its header", "fill it, or remove it"
            )
            continue
        yield from layout_findings(file, [name for name in rows[0][1] if name], rows)


def _manifest_findings(shelf: Shelf, file: str, areas: Areas, today: date) -> Iterator[Finding]:
    manifest = read_manifest(shelf, file)
    if manifest is not None:
        for spec in manifest.service:
            yield from _guarded(partial(_service_findings, shelf, file, manifest, spec, areas, today))


def _service_findings(
    shelf: Shelf, file: str, manifest: Manifest, spec: ServiceSpec, areas: Areas, today: date
) -> Iterator[Finding]:
    prices = list(_guarded(partial(price_findings, shelf, file, manifest, spec)))
    yield from prices
    yield from fuel_findings(shelf, file, spec, today)
    if not any(finding.severity == "error" for finding in prices):
        service = compiled(shelf, manifest, spec, {})
        yield from fee_findings(file, shelf.text(file), manifest, service, spec, areas)


def _chart_findings(shelf: Shelf) -> Iterable[Finding]:
    if shelf.has(CHART_FILE):
        load_charts(shelf)  # raises at the first fault
    return ()


def _guarded(findings: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Pass findings on until the pack cannot be read any further; that is a finding too."""
    try:
        yield from findings()
    except TariffError as error:
        yield from_error(error)
