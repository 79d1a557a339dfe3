"""What a lane settles before any parcel is measured: per service its price list, zone and dates, or why it is out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from pydantic_core import to_json

from linkstar_router.domain.calendars import Dates
from linkstar_router.domain.eligibility import Refusal
from linkstar_router.domain.exchange import Exchange
from linkstar_router.domain.tariff import Dim, Edition, Limit, Offer, Rated, Rounding, Service
from linkstar_router.domain.zones import Zone

__all__ = ["Circumstances", "Course", "Excluded", "Home", "Lane", "Lineup", "Scale", "course_of", "lineup_of"]

_REMEMBERED_CIRCUMSTANCES = 2048


class Circumstances(NamedTuple):
    """What besides the parcel decides on surcharges."""

    residential: bool
    signature: bool
    areas: frozenset[str]
    insured: tuple[int, ...] = ()
    """Declared values of the parcels to be insured."""
    appointment: bool = False
    returning: bool = False
    contents: frozenset[str] = frozenset()


class Excluded(NamedTuple):
    """A service with its refusal."""

    service: Service
    refusal: Refusal


class Home(NamedTuple):
    """A country that parcels ship from: its services in the fixed order, and the calendars and zone systems they use."""

    services: tuple[Service, ...]
    calendars: tuple[str, ...]
    zone_systems: tuple[str, ...]
    currency: str
    """That costs are compared in: the one of the first service's list."""


class Lane(NamedTuple):
    """Where and when a shipment travels, told no finer than services tell it: many shipments share a lane."""

    country: str
    border: Refusal | None
    """Why the lane is closed to parcels without customs data; None where no border is crossed."""
    tariff_day: int
    ready: tuple[int, ...]
    """Per calendar of the country, the first day on which it could collect."""
    zones: tuple[Zone, ...]
    """Per zone system of the country."""
    regions: tuple[str, str]
    """Of the origin and the destination, where they have holidays of their own."""


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """A way to weigh. Price lists that weigh alike share one, so that a parcel is weighed once for all of them."""

    dim: Dim | None
    rounding: tuple[Rounding, ...]


@lru_cache(maxsize=1024)
def _scale_of(dim: Dim | None, rounding: tuple[Rounding, ...]) -> Scale:
    return Scale(dim, rounding)


class Course(NamedTuple):
    """A service on a lane, with all that its parcels do not change."""

    offer: Offer
    edition: Edition
    zone: Zone
    dates: Dates | None
    facts: Circumstances
    covered: bool
    """The price list has the zone."""
    ordinary: tuple[tuple[int, int], ...]
    """Per measure the bound up to which no limit is met and no fee on the size applies."""
    prices: dict[tuple[object, ...], Rated]
    """Prices of ordinary parcels worked out before, shared by all courses of the same zone and circumstances."""
    opening: str
    """JSON of a stored candidate up to its price."""
    closing: str
    """JSON of its dates."""
    scale: Scale
    by_weight: bool
    """An ordinary parcel's price depends on nothing but its billable weight."""
    exchange: Exchange | None
    """What makes its price comparable; None where it is in the currency of the country's lists."""


class Lineup(NamedTuple):
    """The services of a lane in the fixed order, those that are out too. `bounds` are the lowest of all courses."""

    services: tuple[Course | Excluded, ...]
    bounds: tuple[tuple[int, int], ...]


def lineup_of(services: Iterable[Course | Excluded]) -> Lineup:
    """Return these services with the bounds within which a parcel is ordinary to every one of them."""
    found = tuple(services)
    return Lineup(found, _lowest([bound for each in found if isinstance(each, Course) for bound in each.ordinary]))


def course_of(
    offer: Offer,
    edition: Edition,
    zone: Zone,
    dates: Dates | None,
    facts: Circumstances,
    exchange: Exchange | None = None,
) -> Course:
    """Return the course of an offer that is open to the shipment."""
    opening = to_json((offer.service.key, edition.tariff, *zone)).decode().removesuffix("]")
    if len(offer.itemised) >= _REMEMBERED_CIRCUMSTANCES:
        offer.itemised.clear()
    prices = offer.itemised.setdefault((zone.code, facts), {})
    covered = zone.code in edition.zone_names
    by_weight = covered and len(edition.classes) == 1 and not (edition.classes[0].limits or edition.classes[0].side)
    return Course(
        offer, edition, zone, dates, facts, covered, _ordinary(offer, edition), prices, opening, to_json(dates).decode(),
        _scale_of(edition.dim, edition.rounding), by_weight, exchange,
    )  # fmt: skip


def _ordinary(offer: Offer, edition: Edition) -> tuple[tuple[int, int], ...]:
    limits: tuple[Limit, ...] = edition.limits + (edition.oversized[:1] if edition.oversized else ())
    return _lowest([*offer.triggers, *(limit[:2] for limit in limits)])


def _lowest(bounds: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    lowest: dict[int, int] = {}
    for measure, bound in bounds:
        lowest[measure] = min(bound, lowest.get(measure, bound))
    return tuple(lowest.items())
