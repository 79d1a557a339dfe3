"""Shipping-rate tables by postcode band, as shop carts import them: what a parcel of each weight costs to each band."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from linkstar_contracts.values import Weight
from linkstar_router.domain.lanes import Circumstances, course_of
from linkstar_router.domain.measures import LENGTHS, Measured, weight_quanta
from linkstar_router.domain.rating import NoPrice, rate
from linkstar_router.domain.tariff import Offer
from linkstar_router.domain.zones import Zone, ZoneCharts

__all__ = ["TableRow", "parse_weights", "rate_table"]

_US_AREAS = tuple(f"{area:03d}" for area in range(5, 1000))
_CA_LETTERS = tuple("ABCEGHJKLMNPRSTVXY")
_ANYWHERE = {"GB": ("A", "ZZ"), "DE": ("00000", "99999"), "FR": ("00000", "99999")}


class TableRow(NamedTuple):
    """One cell of the table: net and total price in minor units of the currency."""

    country: str
    postcode_from: str
    postcode_to: str
    zone: str
    zone_source: str
    weight_up_to: str
    net_minor: int
    total_minor: int
    currency: str


class _Band(NamedTuple):
    first: str
    last: str
    zone: Zone


def rate_table(
    offer: Offer, charts: ZoneCharts, origin: str, weights: Sequence[Weight], *, residential: bool
) -> Iterator[TableRow]:
    """Yield the prices of a service from an origin for small parcels of these weights, band by band.

    Bands without a price, and surcharges for size or remote areas, are not part of such a table.
    """
    service, edition = offer.service, offer.edition
    if edition is None:
        return
    facts = Circumstances(residential, signature=False, areas=frozenset())
    for band in _bands(service.country, charts, service.zone_system, origin):
        if band.zone.code not in edition.zone_names:
            continue
        course = course_of(offer, edition, band.zone, None, facts)
        for weight in weights:
            rated = rate(course, [_small(weight)])
            if not isinstance(rated, NoPrice):
                yield TableRow(
                    service.country, band.first, band.last, band.zone.code, band.zone.source,
                    f"{weight.value:f} {weight.unit}", rated.net, rated.total, service.currency,
                )  # fmt: skip


def _small(weight: Weight) -> Measured:
    """A cube of ten centimetres: too small for any fee on size."""
    side = 10 * LENGTHS["cm"]
    return Measured(weight_quanta(weight), side, side, side, side**3, 5 * side, 3 * side, 2 * side)


def _bands(country: str, charts: ZoneCharts, system: str, origin: str) -> Iterable[_Band]:
    if country == "US":
        return _joined((area, charts.find(system, origin, f"{area}01")) for area in _US_AREAS)
    if country == "CA":
        return [_Band(f"{at}0A", f"{at}9Z", charts.find(system, origin, f"{at}1A")) for at in _CA_LETTERS]
    return [_Band(*_ANYWHERE[country], charts.find(system, origin, _ANYWHERE[country][0]))]


def _joined(areas: Iterable[tuple[str, Zone]]) -> Iterator[_Band]:
    """Join neighbouring areas of one zone into bands of ZIP codes; one estimate among them makes the band one."""
    for _, group in groupby(areas, key=lambda pair: pair[1].code):
        members = list(group)
        zones = [zone for _, zone in members]
        estimated = next((zone for zone in zones if zone.source == "distance_estimate"), zones[0])
        yield _Band(f"{members[0][0]}00", f"{members[-1][0]}99", estimated)


def parse_weights(texts: Iterable[str]) -> list[Weight]:
    """Return weights such as `2 lb`; raises ValueError for anything else."""
    return [Weight.model_validate({"value": Decimal(t.split()[0]), "unit": t.split()[1]}, strict=False) for t in texts]
