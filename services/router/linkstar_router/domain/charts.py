"""Zone charts that carriers publish per origin, imported as CSV: their zones take the place of the distance estimate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from linkstar_router.domain.packs import load_all_services
from linkstar_router.domain.published import Row, Shelf, TariffError, is_trusted
from linkstar_router.domain.tariff import Service

__all__ = ["CHART_FILE", "Charts", "charted", "load_charts"]

CHART_FILE = "zone_charts.csv"
_ESTIMATED = "us_distance"
Charts = Mapping[str, Mapping[tuple[int, int], str]]
"""By carrier, the zone of each pair of ZIP3 areas."""


def load_charts(shelf: Shelf) -> Charts:
    """Return the charts of a shelf; raises TariffError at a carrier without estimated zones and at rows that disagree."""
    known = sorted({service.carrier for service in load_all_services() if service.zone_system == _ESTIMATED})
    found: dict[str, dict[tuple[int, int], str]] = {}
    for number, row in shelf.rows(CHART_FILE):
        if row["carrier"] not in known:
            what = f"no zones of {row['carrier']} are estimated"
            raise TariffError("carrier_unknown", CHART_FILE, number, what, f"use one of {', '.join(known)}")
        if is_trusted(row["confidence"]):
            _enter(found.setdefault(row["carrier"], {}), number, row)
    return found


def _enter(chart: dict[tuple[int, int], str], number: int, row: Row) -> None:
    zone = row["zone"].lstrip("0")
    for origin in _areas(number, row, "origin"):
        for destination in _areas(number, row, "destination"):
            if chart.setdefault((origin, destination), zone) != zone:
                what = f"another row says zone {chart[origin, destination]} from {origin:03} to {destination:03}"
                raise TariffError("chart_contradicts", CHART_FILE, number, what, "keep the row that the chart prints")


def _areas(number: int, row: Row, end: str) -> range:
    first, last = int(row[f"{end}_from"]), int(row[f"{end}_to"])
    if first > last:
        what = f"{end}s run from {first:03} back to {last:03}"
        raise TariffError("chart_reversed", CHART_FILE, number, what, "write the lower ZIP3 first")
    return range(first, last + 1)


def charted(services: Iterable[Service], carriers: Iterable[str]) -> tuple[Service, ...]:
    """Return the services with those of these carriers on their charts."""
    named = set(carriers)
    return tuple(
        replace(service, zone_system=f"{_ESTIMATED}/{service.carrier}")
        if service.carrier in named and service.zone_system == _ESTIMATED else service
        for service in services
    )  # fmt: skip
