"""Checks of a seller's agreements: services that exist, own prices in order, no two agreements for one day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from linkstar_router.domain.checks.findings import Finding
from linkstar_router.domain.checks.prices import rate_findings
from linkstar_router.domain.own_packs import Agreement, agreements, with_own
from linkstar_router.domain.packs import load_all_services
from linkstar_router.domain.published import FOREVER, Shelf

__all__ = ["agreement_findings"]


def agreement_findings(shelf: Shelf) -> Iterator[Finding]:
    """Yield the faults of every agreement on a shelf; raises TariffError where one cannot be applied at all."""
    found = agreements(shelf)
    yield from _overlaps(found)
    for _, agreement in found:
        for name, terms in agreement.services.items():
            if terms.prices:
                yield from rate_findings(terms.prices, shelf.rates(terms.prices, {"service": (name,)}))
    with_own(load_all_services(), shelf)


def _overlaps(found: list[tuple[str, Agreement]]) -> Iterator[Finding]:
    about: dict[str, list[tuple[str, Agreement]]] = defaultdict(list)
    for file, agreement in found:
        for name in agreement.services:
            about[f"{agreement.carrier}/{name}"].append((file, agreement))
    for key, several in about.items():
        ordered = sorted(several, key=lambda pair: pair[1].valid_from)
        for (_, earlier), (file, later) in pairwise(ordered):
            if (earlier.valid_to or FOREVER) >= later.valid_from:
                what = (
                    f"{later.agreement} begins on {later.valid_from}, while {earlier.agreement} still holds for {key}"
                )
                fix = f"end {earlier.agreement} before that day (valid_to)"
                yield Finding("error", "lists_overlap", file, 0, what, fix)
