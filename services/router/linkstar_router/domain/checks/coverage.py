"""The check that no trusted row is forgotten: each is in a pack, or `unused.toml` says why it is not."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from linkstar_router.domain.checks.findings import Finding
from linkstar_router.domain.checks.layouts import layout_of
from linkstar_router.domain.manifest import Manifest, ServiceSpec
from linkstar_router.domain.own_packs import agreements
from linkstar_router.domain.packs import areas_of, manifests
from linkstar_router.domain.published import Row, Shelf, is_trusted

__all__ = ["Coverage", "coverage_findings", "coverage_of"]

_EXCUSES = "unused.toml"
_OWN = ("transit.csv", "exchange_rates.csv", "zone_charts.csv")
Place = tuple[str, int]


class Coverage(NamedTuple):
    """The trusted rows of a folder: those in packs, those excused with a reason, and those that were forgotten."""

    used: frozenset[Place]
    excused: frozenset[Place]
    forgotten: frozenset[Place]


def coverage_of(shelf: Shelf) -> Coverage:
    """Count what becomes of every trusted row of a folder."""
    trusted = {
        (file, number)
        for file in shelf.price_files() if file not in _OWN
        for number, row in shelf.rows(file) if layout_of(row) and is_trusted(row.get("confidence") or "")
    }  # fmt: skip
    used = frozenset(trusted & set(_used(shelf)))
    excused = frozenset(trusted & set(_excused(shelf)))
    return Coverage(used, excused, frozenset(trusted) - used - excused)


def coverage_findings(shelf: Shelf) -> Iterator[Finding]:
    """Yield every forgotten row, and every excuse for a row that is in a pack after all."""
    coverage = coverage_of(shelf)
    for file, number in sorted(coverage.forgotten):
        fix = f"select it in a manifest, or give the reason in {_EXCUSES}"
        yield Finding("warning", "row_unused", file, number, "no pack uses this row", fix)
    for file, number in sorted(coverage.used & coverage.excused):
        fix = f"narrow the entry in {_EXCUSES}"
        yield Finding("warning", "excuse_unneeded", file, number, "a pack uses this row, which is excused", fix)


def _used(shelf: Shelf) -> Iterator[Place]:
    for _, manifest in manifests(shelf):
        for rule in manifest.fee:
            yield from (row.place for row in shelf.fees(rule.row))
        for spec in manifest.service:
            yield from _used_by(shelf, manifest, spec)
    for _, agreement in agreements(shelf):
        for name, terms in agreement.services.items():
            if terms.prices:
                yield from _matching(shelf, terms.prices, {"service": (name,)})
    if shelf.has("areas.toml"):
        yield from areas_of(shelf)


def _used_by(shelf: Shelf, manifest: Manifest, spec: ServiceSpec) -> Iterator[Place]:
    for sheet in spec.lists:
        yield from _matching(shelf, sheet.file, sheet.rows)
        if sheet.oversized:
            yield from _matching(shelf, sheet.file, sheet.oversized.rows)
        if sheet.beyond:
            yield from _matching(shelf, sheet.beyond.file, sheet.beyond.rows)
    if spec.fuel:
        where = {"carrier": (spec.fuel.carrier,), "service": (spec.fuel.service,)}
        yield from _matching(shelf, "us/fuel_percent_history.csv", where)


def _excused(shelf: Shelf) -> Iterator[Place]:
    if shelf.has(_EXCUSES):
        for entry in tomllib.loads(shelf.text(_EXCUSES))["unused"]:
            yield from _matching(shelf, entry["file"], entry["where"])


def _matching(shelf: Shelf, file: str, where: Mapping[str, Sequence[str]]) -> Iterable[Place]:
    return [(file, number) for number, row in shelf.rows(file) if _fits(row, where)]


def _fits(row: Row, where: Mapping[str, Sequence[str]]) -> bool:
    return all(row.get(column) in values for column, values in where.items())
