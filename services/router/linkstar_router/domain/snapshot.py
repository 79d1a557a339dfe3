"""Everything decisions are made from, loaded once and never changed: tariffs, zones, areas, calendars, and their version."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from linkstar_router.domain.areas import Areas
from linkstar_router.domain.calendars import CalendarBook, load_calendars
from linkstar_router.domain.customs import Borders, load_borders
from linkstar_router.domain.eligibility import Refusal, Traits, service_refusal
from linkstar_router.domain.exchange import ExchangeRates, load_exchange
from linkstar_router.domain.lanes import Circumstances, Course, Excluded, Home, Lane, Lineup, course_of, lineup_of
from linkstar_router.domain.packs import data_hash, load_areas, load_services
from linkstar_router.domain.published import SHIPPED
from linkstar_router.domain.regions import Regions, load_regions
from linkstar_router.domain.tariff import Offer, Service, offer_on
from linkstar_router.domain.zones import Zone, ZoneCharts, load_zone_charts

__all__ = ["RULES_OF_RATING", "Snapshot", "shipped"]

RULES_OF_RATING = "r6"
"""Raised whenever the code would price or rank any shipment differently."""
_REMEMBERED_DAYS = 512
_REMEMBERED_MOMENTS = 256
_REMEMBERED_LINEUPS = 4096


@dataclass(frozen=True)
class Snapshot:
    """An immutable version of all router data. What many orders share is worked out once and remembered."""

    version: str
    services: tuple[Service, ...]
    areas: Areas
    charts: ZoneCharts
    calendars: CalendarBook
    borders: Borders
    regions: Regions
    exchange: ExchangeRates
    packs: tuple[str, ...] = ()
    """Imported packs that take the place of shipped lists, each `name.version`; the last one is uppermost."""
    _days: dict[tuple[str, int], tuple[Offer, ...]] = field(default_factory=dict, repr=False)
    _homes: dict[str, Home] = field(default_factory=dict, repr=False)
    _ready: dict[tuple[str, str, str, datetime], tuple[int, ...]] = field(default_factory=dict, repr=False)
    _lineups: dict[tuple[object, ...], Lineup] = field(default_factory=dict, repr=False)

    def offers(self, country: str, day: int) -> tuple[Offer, ...]:
        """Return the services that ship from `country` as they stand on a day (ordinal), in the fixed order."""
        known = self._days.get((country, day))
        if known is None:
            if len(self._days) >= _REMEMBERED_DAYS:
                self._days.clear()
            known = tuple(offer_on(service, day) for service in self.services if service.country == country)
            self._days[country, day] = known
        return known

    def refusals(self, country: str, traits: Traits) -> tuple[Refusal | None, ...]:
        """Return for each service that ships from `country` why it may not be used, if so, in the fixed order."""
        return tuple(service_refusal(service, traits) for service in self.home(country).services)

    def home(self, country: str) -> Home:
        """Return the services that ship from `country`, with the calendars and zone systems they use."""
        known = self._homes.get(country)
        if known is None:
            services = tuple(service for service in self.services if service.country == country)
            calendars = dict.fromkeys(service.calendar for service in services)
            zone_systems = dict.fromkeys(service.zone_system for service in services)
            known = Home(services, tuple(calendars), tuple(zone_systems), services[0].currency if services else "")
            if services:
                self._homes[country] = known
        return known

    def ready(self, country: str, warehouse: str, timezone: str, moment: datetime) -> tuple[int, ...]:
        """Return for each calendar of a country the first day it could collect what is decided at a moment."""
        key = (country, warehouse, timezone, moment)
        known = self._ready.get(key)
        if known is None:
            if len(self._ready) >= _REMEMBERED_MOMENTS:
                self._ready.clear()
            local = moment.astimezone(ZoneInfo(timezone))
            names = self.home(country).calendars
            known = tuple(self.calendars[name].ready(local, self.calendars.cut_off(name, warehouse)) for name in names)
            self._ready[key] = known
        return known

    def regions_between(self, country: str, origin: str, destination: str) -> tuple[str, str]:
        """Return the regions of two postcodes of a country, as far as holidays differ between them."""
        return self.regions.of(country, origin), self.regions.of(country, destination)

    def zones(self, country: str, origin: str, destination: str) -> tuple[Zone, ...]:
        """Return the zone between two postcodes in each zone system of a country."""
        return tuple([self.charts.find(system, origin, destination) for system in self.home(country).zone_systems])

    def lineup(self, lane: Lane, traits: Traits) -> Lineup:
        """Return the services of a lane in the fixed order, each with what its parcels do not change or why it is out.

        They depend on the lane and on `traits.rules` only, and are remembered as offers are.
        """
        key = (lane, traits.rules)
        known = self._lineups.get(key)
        if known is None:
            if len(self._lineups) >= _REMEMBERED_LINEUPS:
                self._lineups.clear()
            known = self._lineups[key] = lineup_of(self._lay(lane, traits))
        return known

    def _lay(self, lane: Lane, traits: Traits) -> Iterable[Course | Excluded]:
        home = self.home(lane.country)
        ready, zones = (
            dict(zip(home.calendars, lane.ready, strict=True)),
            dict(zip(home.zone_systems, lane.zones, strict=True)),
        )
        facts = Circumstances(
            traits.residential, traits.options.signature, traits.areas, traits.values, traits.options.appointment,
            traits.returning, traits.contents,
        )  # fmt: skip
        offers = self.offers(lane.country, lane.tariff_day)
        for offer, refusal in zip(offers, self.refusals(lane.country, traits), strict=True):
            service, edition = offer.service, offer.edition
            foreign = service.currency != home.currency
            exchange = self.exchange.between(service.currency, home.currency, lane.tariff_day) if foreign else None
            if lane.border is not None:
                yield Excluded(service, lane.border)
            elif refusal is not None:
                yield Excluded(service, refusal)
            elif edition is None:
                yield Excluded(service, Refusal("no_tariff_at_date", offer.reason))
            elif foreign and exchange is None:
                what = f"no exchange rate from {service.currency} to {home.currency} is known: it cannot be compared"
                yield Excluded(service, Refusal("exchange_rate_missing", what))
            else:
                zone = zones[service.zone_system]
                transit = service.transit.get(zone.code)
                calendar = self.calendars.between(service.calendar, *lane.regions)
                dates = calendar.dates(ready[service.calendar], transit) if transit else None
                yield course_of(offer, edition, zone, dates, facts, exchange)


@cache
def shipped() -> Snapshot:
    """Return the data shipped with the router."""
    return Snapshot(
        version=f"{RULES_OF_RATING}-{data_hash()}", services=load_services(), areas=load_areas(),
        charts=load_zone_charts(), calendars=load_calendars(), borders=load_borders(), regions=load_regions(),
        exchange=load_exchange(SHIPPED),
    )  # fmt: skip
