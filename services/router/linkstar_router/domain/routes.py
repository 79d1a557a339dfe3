"""Turns a decision into the events and answers others read: a chosen route with its lines, alternatives and exclusions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from linkstar_contracts.events import Alternative, CostedRoute, Exclusion
from linkstar_contracts.values import ChargeLine, Money, Notice, Promise, Weight
from linkstar_router.domain.calendars import CalendarBook, Closure, Dates
from linkstar_router.domain.choice import Candidate
from linkstar_router.domain.lanes import Excluded
from linkstar_router.domain.measures import weight_value
from linkstar_router.domain.tariff import Line, Rated
from linkstar_router.domain.zones import ZoneSource

__all__ = ["ACCOUNT", "alternatives", "costed", "exclusions", "route_notices"]

ACCOUNT = "platform"
"""The carrier account of every shipped list; agreements bring their own."""
_ALTERNATIVES, _EXCLUSIONS, _DETAIL, _CLOSURES = 3, 100, 200, 5


def costed(candidate: Candidate) -> CostedRoute:
    """Return the candidate with its itemised price; every line of a synthetic list is marked."""
    course = candidate.course
    service, edition = course.offer.service, course.edition
    synthetic = edition.pack.synthetic
    zone = edition.zone_names[course.zone.code]
    return _costed(
        service.carrier, service.service, edition.pack.account or ACCOUNT, service.currency, service.transit_source,
        edition.tariff, synthetic, zone, course.zone.source, course.dates, candidate.rated,
    )  # fmt: skip


def alternatives(candidates: Iterable[Candidate]) -> tuple[Alternative, ...]:
    """Return the best three candidates after the chosen one."""
    found = []
    for course, rated, _, _ in tuple(candidates)[1 : 1 + _ALTERNATIVES]:
        service = course.offer.service
        found.append(
            _alternative(
                service.carrier, service.service, rated.total, service.currency, course.dates, service.transit_source
            )
        )
    return tuple(found)


def exclusions(excluded: Iterable[Excluded]) -> tuple[Exclusion, ...]:
    """Return the excluded services with their coded reasons."""
    return tuple(
        _exclusion(entry.service.carrier, entry.service.service, *entry.refusal)
        for entry in tuple(excluded)[:_EXCLUSIONS]
    )


def route_notices(candidate: Candidate, calendars: CalendarBook) -> tuple[Notice, ...]:
    """Return what to know of a route: the closures on its way, and whether a demand surcharge is part of the price."""
    dates = candidate.course.dates
    closures = calendars.on_the_way(candidate.offer.service.calendar, dates) if dates else ()
    peak = any(line.code == "demand_surcharge" for line in candidate.rated.lines)
    return _noticed(closures[:_CLOSURES], peak)


# Values that return with almost every order are built, and thereby validated, once.
_remembered = lru_cache(maxsize=8_192)


@_remembered
def _costed(
    carrier: str, service: str, account: str, currency: str, transit_source: str, tariff: str, synthetic: bool, zone: str,
    zone_source: ZoneSource, dates: Dates | None, rated: Rated,
) -> CostedRoute:  # fmt: skip
    return CostedRoute(
        carrier=carrier,
        service=service,
        account=account,
        total=_money(rated.total, currency),
        lines=tuple(_line(line, currency, synthetic) for line in rated.lines),
        billable_weight=_weight(rated.billable, rated.unit),
        zone=zone,
        zone_source=zone_source,
        promise=_promised(dates, transit_source),
        tariff=tariff,
        synthetic=synthetic,
    )


@_remembered
def _noticed(closures: tuple[Closure, ...], peak: bool) -> tuple[Notice, ...]:
    told = [
        Notice(code="holiday", detail=f"{date.fromordinal(day)} {name}: no pick-up or no delivery"[:300])
        for day, name, _, _ in closures
    ]
    if peak:
        told.append(Notice(code="peak", detail="a demand surcharge is part of the price"))
    return tuple(told)


@_remembered
def _alternative(
    carrier: str, service: str, total: int, currency: str, dates: Dates | None, transit_source: str
) -> Alternative:
    return Alternative(
        carrier=carrier, service=service, total=_money(total, currency), promise=_promised(dates, transit_source)
    )


@_remembered
def _money(amount_minor: int, currency: str) -> Money:
    return Money(amount_minor=amount_minor, currency=currency)


@_remembered
def _line(line: Line, currency: str, synthetic: bool) -> ChargeLine:
    return ChargeLine(code=line.code, amount=_money(line.amount, currency), detail=line.detail, synthetic=synthetic)


@_remembered
def _weight(billable: int, unit: str) -> Weight:
    return weight_value(billable, unit)


@_remembered
def _exclusion(carrier: str, service: str, code: str, detail: str) -> Exclusion:
    return Exclusion(carrier=carrier, service=service, code=code, detail=detail[:_DETAIL])


@_remembered
def _promised(dates: Dates | None, source: str) -> Promise | None:
    if dates is None:
        return None
    p50, p90 = (date.fromordinal(day).isoformat() for day in dates[1:])
    return Promise(p50_on=p50, p90_on=p90, source=source)
