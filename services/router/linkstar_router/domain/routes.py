"""Turns a decision into the events and answers others read: a chosen route with its lines, alternatives and exclusions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from linkstar_contracts.events import Alternative, CostedRoute, Exclusion
from linkstar_contracts.values import ChargeLine, Money, Promise, Weight
from linkstar_router.domain.calendars import Dates
from linkstar_router.domain.choice import Candidate
from linkstar_router.domain.decision import Excluded
from linkstar_router.domain.measures import weight_value
from linkstar_router.domain.rating import Line
from linkstar_router.domain.tariff import Edition

__all__ = ["ACCOUNT", "alternatives", "costed", "exclusions"]

ACCOUNT = "platform"
"""The carrier account of every shipped list; sellers' own contracts bring their own."""
_ALTERNATIVES, _EXCLUSIONS, _DETAIL = 3, 100, 200


def costed(candidate: Candidate) -> CostedRoute:
    """Return the candidate with its itemised price; every line of a synthetic list is marked."""
    service, rated, edition = candidate.offer.service, candidate.rated, _edition(candidate)
    synthetic, currency = edition.pack.synthetic, service.currency
    return CostedRoute(
        carrier=service.carrier,
        service=service.service,
        account=ACCOUNT,
        total=_money(rated.total, currency),
        lines=tuple(_line(line, currency, synthetic) for line in rated.lines),
        billable_weight=_weight(rated.billable, rated.unit),
        zone=edition.zone_names[candidate.zone.code],
        zone_source=candidate.zone.source,
        promise=_promise(candidate),
        tariff=edition.tariff,
        synthetic=synthetic,
    )


def alternatives(candidates: Iterable[Candidate]) -> tuple[Alternative, ...]:
    """Return the best three candidates after the chosen one."""
    return tuple(
        Alternative(
            carrier=candidate.offer.service.carrier,
            service=candidate.offer.service.service,
            total=_money(candidate.rated.total, candidate.offer.service.currency),
            promise=_promise(candidate),
        )
        for candidate in tuple(candidates)[1 : 1 + _ALTERNATIVES]
    )


def exclusions(excluded: Iterable[Excluded]) -> tuple[Exclusion, ...]:
    """Return the excluded services with their coded reasons."""
    return tuple(
        _exclusion(entry.service.carrier, entry.service.service, *entry.refusal)
        for entry in tuple(excluded)[:_EXCLUSIONS]
    )


def _edition(candidate: Candidate) -> Edition:
    edition = candidate.offer.edition
    if edition is None:
        raise ValueError(f"{candidate.offer.service.key} was priced without a price list")
    return edition


def _promise(candidate: Candidate) -> Promise | None:
    return _promised(candidate.dates, candidate.offer.service.transit_source) if candidate.dates else None


# Values that return with almost every order are built, and thereby validated, once.
_remembered = lru_cache(maxsize=8_192)


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
def _promised(dates: Dates, source: str) -> Promise:
    p50, p90 = (date.fromordinal(day).isoformat() for day in dates[1:])
    return Promise(p50_on=p50, p90_on=p90, source=source)
