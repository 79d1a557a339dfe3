"""Warnings before buying: remote area, oversize, dim weight, peak, holidays, cover, customs, synthetic prices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from linkstar_contracts.facts.remote_areas import remote_notices
from linkstar_contracts.text import Token
from linkstar_contracts.values import Destination, Money, Notice
from linkstar_router.domain.choice import Candidate
from linkstar_router.domain.decision import Decision, Question
from linkstar_router.domain.measures import weight_quanta
from linkstar_router.domain.snapshot import Snapshot

__all__ = ["ServiceNotice", "notices"]

_OVERSIZE = frozenset({"oversize_surcharge", "additional_handling", "length_surcharge", "high_cube_surcharge"})
_REMOTE = frozenset({"delivery_area_surcharge"})
_PEAK = frozenset({"demand_surcharge"})


class ServiceNotice(Notice):
    """A warning with the services it concerns; none named means that it concerns the shipment."""

    services: Annotated[tuple[Token, ...], Field(max_length=200, strict=False)] = ()


def notices(snapshot: Snapshot, question: Question, decision: Decision) -> tuple[ServiceNotice, ...]:
    """Return the warnings that hold for this shipment, each at most once."""
    candidates = decision.candidates
    return (
        *_of_lane(snapshot, question, decision), *_of_prices(question, candidates), *_of_cover(question, candidates),
        *_of_holidays(snapshot, question, candidates), *_of_exchange(candidates),
    )  # fmt: skip


def _of_lane(snapshot: Snapshot, question: Question, decision: Decision) -> Iterator[ServiceNotice]:
    home, there = question.warehouse.country, question.destination.country
    if not snapshot.home(home).services:
        yield ServiceNotice(code="no_service", detail=f"no price list ships from {home}")
    border = snapshot.borders.between(home, there, question.destination.postcode)
    if border is not None and border.code == "cross_border_without_customs":
        yield ServiceNotice(code="customs", detail=border.detail)
    yield from _of_remoteness(snapshot, question.destination, decision.candidates)


def _of_remoteness(
    snapshot: Snapshot, there: Destination, candidates: tuple[Candidate, ...]
) -> Iterator[ServiceNotice]:
    """Warn as ingest does at order time, by the areas that price lists name and by the fact pack."""
    dearer = _keys(candidate for candidate in candidates if _charges(candidate, _REMOTE))
    areas = sorted(snapshot.areas.of(there.country, there.postcode))
    if areas:
        yield ServiceNotice(code="remote_area", detail=f"the destination lies in {', '.join(areas)}", services=dearer)
        return
    for notice in remote_notices(there.country, there.region, there.postcode.partition(" ")[0]):
        yield ServiceNotice(code=notice.code, detail=notice.detail, services=dearer)


def _of_prices(question: Question, candidates: tuple[Candidate, ...]) -> Iterator[ServiceNotice]:
    told = (
        ("oversize", "a fee on the size is part of the price", [c for c in candidates if _charges(c, _OVERSIZE)]),
        ("dim_weight", "the volume decides the billable weight", [c for c in candidates if _by_volume(c, question)]),
        ("peak", "a demand surcharge is part of the price", [c for c in candidates if _charges(c, _PEAK)]),
        ("synthetic_price", "no published price list was found: the amounts are invented",
         [c for c in candidates if c.course.edition.pack.synthetic]),
    )  # fmt: skip
    for code, detail, concerned in told:
        if concerned:
            yield ServiceNotice(code=code, detail=detail, services=_keys(concerned))


def _of_cover(question: Question, candidates: tuple[Candidate, ...]) -> Iterator[ServiceNotice]:
    """Warn where the carrier would pay less than a parcel is worth; an insured shipment is covered by what it pays for."""
    if question.options.insurance:
        return
    values = [parcel.declared_value for parcel in question.parcels]
    dearest, currency = max(value.amount_minor for value in values), values[0].currency
    short = [c for c in candidates if c.offer.service.currency == currency and c.offer.service.cover_minor < dearest]
    if short:
        told = (
            f"a parcel is worth {Money(amount_minor=dearest, currency=currency)}, more than the carrier is known to pay"
        )
        yield ServiceNotice(code="cover_exceeded", detail=told, services=_keys(short))
    foreign = [c for c in candidates if c.offer.service.currency != currency]
    if foreign:
        told = f"the value is told in {currency}, the carrier's cover is not: they were not compared"
        yield ServiceNotice(code="cover_not_compared", detail=told, services=_keys(foreign))


def _of_holidays(snapshot: Snapshot, question: Question, candidates: tuple[Candidate, ...]) -> Iterator[ServiceNotice]:
    """Tell the closures that lie on the way, from the day of the decision to the day nine of ten parcels are there."""
    today = question.decided_at.astimezone(ZoneInfo(question.warehouse.timezone)).toordinal()
    found: dict[tuple[int, str], list[Candidate]] = {}
    for candidate in candidates:
        dates = candidate.course.dates
        calendar = candidate.offer.service.calendar
        for closure in snapshot.calendars.closures(calendar, "", today, dates.p90) if dates else ():
            if not (closure.pickup and closure.delivery):
                found.setdefault((closure.day, closure.name), []).append(candidate)
    for (day, name), concerned in sorted(found.items(), key=lambda entry: entry[0]):
        detail = f"{date.fromordinal(day)} {name}: no pick-up or no delivery"
        yield ServiceNotice(code="holiday", detail=detail, services=_keys(concerned))


def _of_exchange(candidates: tuple[Candidate, ...]) -> Iterator[ServiceNotice]:
    """Tell at which rates foreign prices were compared; they are told in their own currency."""
    for told in dict.fromkeys(c.course.exchange.detail for c in candidates if c.course.exchange):
        concerned = (c for c in candidates if c.course.exchange and c.course.exchange.detail == told)
        yield ServiceNotice(code="exchange_rate", detail=f"compared at {told}"[:300], services=_keys(concerned))


def _keys(candidates: Iterable[Candidate]) -> tuple[str, ...]:
    return tuple(candidate.offer.service.key for candidate in candidates)


def _charges(candidate: Candidate, codes: frozenset[str]) -> bool:
    return any(line.code in codes for line in candidate.rated.lines)


def _by_volume(candidate: Candidate, question: Question) -> bool:
    """True when the volume decides the billable weight: rounding up alone adds less than a pound or a kilogram a parcel."""
    edition = candidate.course.edition
    if edition.dim is None:
        return False
    actual = sum(weight_quanta(parcel.weight) for parcel in question.parcels)
    return candidate.rated.billable >= actual + edition.rounding[-1].step * len(question.parcels)
