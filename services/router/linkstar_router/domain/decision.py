"""Decides one shipment: a pure function of its question and the loaded tariffs, so that a stored decision re-executes."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field
from pydantic_core import to_json

from linkstar_contracts.values import Destination, Instant, Parcel, ServiceOptions, Value, Warehouse
from linkstar_router.domain.choice import Candidate, cost_milli, late_permille, ranked
from linkstar_router.domain.eligibility import Refusal, Traits, parcels_refusal, traits_of
from linkstar_router.domain.rating import Circumstances, NoPrice, rate
from linkstar_router.domain.snapshot import Snapshot
from linkstar_router.domain.tariff import Offer, Service
from linkstar_router.domain.zones import Zone

__all__ = ["ANSWER_FIELDS", "Decision", "Excluded", "Question", "decide", "encode", "is_timezone", "reexecute"]


class Question(Value):
    """All that a decision depends on, without direct identifiers; its JSON is stored beside the answer."""

    kind: Literal["order", "return"] = "order"
    warehouse: Warehouse
    destination: Destination
    parcels: tuple[Parcel, ...] = Field(min_length=1, max_length=20, strict=False)
    options: ServiceOptions = ServiceOptions()
    ordered_at: Instant
    """Decides which price lists are in force, by the warehouse's local date."""
    decided_at: Instant
    """Decides when the parcel can leave."""
    barred: tuple[str, ...] = Field(default=(), max_length=100, strict=False)
    """Services (`carrier/service`) that refused the shipment."""
    penalty_minor: int = Field(default=0, ge=0, le=10**9)
    """What a missed deadline costs the seller, in the tariff's currency."""


class Excluded(NamedTuple):
    """A service with its refusal."""

    service: Service
    refusal: Refusal


class Decision(NamedTuple):
    """Candidates, best first, and the excluded services in the fixed order. Chosen is the first candidate."""

    candidates: tuple[Candidate, ...]
    excluded: tuple[Excluded, ...]


class _Lane(NamedTuple):
    """Where and when: origin and destination postcodes as the parcel travels, local times, deadline."""

    origin: str
    destination: str
    local: datetime
    tariff_day: int
    deadline: date | None


def decide(snapshot: Snapshot, question: Question) -> Decision:
    """Rate every service of the warehouse's country and rank those that may carry the shipment."""
    lane, traits = _lane(question), _traits(snapshot, question)
    domestic = question.warehouse.country == question.destination.country
    facts = Circumstances(traits.residential, question.options.signature, traits.areas)
    candidates: list[Candidate] = []
    excluded: list[Excluded] = []
    zones: dict[str, Zone] = {}
    country = question.warehouse.country
    for offer, refusal in zip(
        snapshot.offers(country, lane.tariff_day), snapshot.refusals(country, traits), strict=True
    ):
        if domestic:
            found = refusal or _consider(snapshot, offer, lane, traits, facts, zones, question.penalty_minor)
        else:
            found = Refusal(
                "cross_border_without_customs", "the parcel would cross a customs border without customs data"
            )
        if isinstance(found, Candidate):
            candidates.append(found)
        else:
            excluded.append(Excluded(offer.service, found))
    return Decision(tuple(ranked(candidates)), tuple(excluded))


def _lane(question: Question) -> _Lane:
    zone = ZoneInfo(question.warehouse.timezone)
    here, there = question.warehouse.postcode, question.destination.postcode
    origin, destination = (here, there) if question.kind == "order" else (there, here)
    deadline = question.options.deliver_by
    return _Lane(
        origin, destination, question.decided_at.astimezone(zone),
        question.ordered_at.astimezone(zone).toordinal(),
        deadline.astimezone(zone).date() if deadline is not None else None,
    )  # fmt: skip


@lru_cache(maxsize=1024)
def is_timezone(name: str) -> bool:
    """True when `name` is an IANA time zone; `decide` needs the warehouse's."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return False
    return True


def _traits(snapshot: Snapshot, question: Question) -> Traits:
    outbound = question.kind == "order"
    destination = question.destination
    return traits_of(
        question.parcels, question.options,
        residential=outbound and destination.residential, po_box=outbound and destination.po_box,
        areas=snapshot.areas.of(destination.country, destination.postcode), barred=question.barred,
    )  # fmt: skip


def _consider(
    snapshot: Snapshot, offer: Offer, lane: _Lane, traits: Traits, facts: Circumstances, zones: dict[str, Zone],
    penalty_minor: int,
) -> Candidate | Refusal:  # fmt: skip
    service, edition = offer.service, offer.edition
    if edition is None:
        return Refusal("no_tariff_at_date", offer.reason)
    refusal = parcels_refusal(offer, edition.limits, traits.parcels)
    if refusal is not None:
        return refusal
    zone = zones.get(service.zone_system)
    if zone is None:
        zone = zones[service.zone_system] = snapshot.charts.find(service.zone_system, lane.origin, lane.destination)
    if zone.code not in edition.zone_names:
        return Refusal("coverage", "the lane has no zone in this price list")
    rated = rate(offer, edition, traits.parcels, zone.code, facts)
    if isinstance(rated, NoPrice):
        return Refusal(rated.code, rated.detail)
    calendar = snapshot.calendars[service.calendar]
    transit = service.transit.get(zone.code)
    dates = calendar.dates(calendar.ready(lane.local), transit) if transit is not None else None
    late = late_permille(dates, lane.deadline)
    return Candidate(offer, rated, zone, dates, late, cost_milli(rated.net, penalty_minor, late))


def encode(decision: Decision) -> bytes:
    """Return the whole decision as canonical JSON: equal decisions give equal bytes."""
    return to_json({
        "candidates": [_candidate(candidate) for candidate in decision.candidates],
        "excluded": [[entry.service.key, *entry.refusal] for entry in decision.excluded],
    })  # fmt: skip


def reexecute(snapshot: Snapshot, question: bytes) -> bytes:
    """Return the answer to a stored question; on the snapshot it was asked of, the very bytes that were stored."""
    return encode(decide(snapshot, Question.model_validate_json(question)))


ANSWER_FIELDS = (
    "service", "tariff", "zone", "zone_source", "billable_quanta", "unit", "lines", "total", "net", "dates",
    "late_permille", "cost_milli",
)  # fmt: skip
"""What the values of a stored candidate mean, in their order."""


def _candidate(candidate: Candidate) -> tuple[object, ...]:
    rated, edition = candidate.rated, candidate.offer.edition
    return (
        candidate.offer.service.key, edition.tariff if edition else "", *candidate.zone, rated.billable, rated.unit,
        [line[:2] for line in rated.lines], rated.total, rated.net, candidate.dates, candidate.late_permille,
        candidate.cost_milli,
    )  # fmt: skip
