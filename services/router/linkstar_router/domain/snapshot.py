"""Everything decisions are made from, loaded once and never changed: tariffs, zones, areas, calendars, and their version."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from linkstar_router.domain.areas import Areas
from linkstar_router.domain.calendars import Calendar, load_calendars
from linkstar_router.domain.eligibility import Refusal, Traits, service_refusal
from linkstar_router.domain.packs import data_hash, load_areas, load_services
from linkstar_router.domain.tariff import Offer, Service, offer_on
from linkstar_router.domain.zones import ZoneCharts, load_zone_charts

__all__ = ["RULES_OF_RATING", "Snapshot", "shipped"]

RULES_OF_RATING = "r1"
"""Raised whenever the code would price or rank any shipment differently."""
_REMEMBERED_DAYS = 512
_REMEMBERED_RULES = 4096


@dataclass(frozen=True)
class Snapshot:
    """An immutable version of all router data. Offers of a day are worked out once and remembered."""

    version: str
    services: tuple[Service, ...]
    areas: Areas
    charts: ZoneCharts
    calendars: dict[str, Calendar]
    _days: dict[tuple[str, int], tuple[Offer, ...]] = field(default_factory=dict, repr=False)
    _refusals: dict[tuple[object, ...], tuple[Refusal | None, ...]] = field(default_factory=dict, repr=False)

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
        """Return for each service that ships from `country` why it may not be used, if so; remembered as offers are."""
        key = (country, *traits.rules)
        known = self._refusals.get(key)
        if known is None:
            if len(self._refusals) >= _REMEMBERED_RULES:
                self._refusals.clear()
            at_home = [service for service in self.services if service.country == country]
            known = self._refusals[key] = tuple(service_refusal(service, traits) for service in at_home)
        return known


@cache
def shipped() -> Snapshot:
    """Return the data shipped with the router."""
    return Snapshot(
        version=f"{RULES_OF_RATING}-{data_hash()}", services=load_services(), areas=load_areas(),
        charts=load_zone_charts(), calendars=load_calendars(),
    )  # fmt: skip
