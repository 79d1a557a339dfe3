"""Decides one shipment: a pure function of its question and the loaded tariffs, so that a stored decision re-executes."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field
from pydantic_core import to_json

from linkstar_contracts.values import Destination, Instant, Parcel, ServiceOptions, Value, Warehouse
from linkstar_router.domain.choice import Candidate, cost_milli, late_permille, ranked
from linkstar_router.domain.eligibility import Refusal, Traits, parcels_refusal, traits_of
from linkstar_router.domain.lanes import Course, Excluded, Lane
from linkstar_router.domain.measures import Measured
from linkstar_router.domain.rating import NoPrice, is_ordinary, rate, rate_ordinary
from linkstar_router.domain.snapshot import Snapshot
from linkstar_router.domain.tariff import Rated

__all__ = ["ANSWER_FIELDS", "Decision", "Question", "decide", "encode", "is_timezone", "reexecute"]


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


class Decision(NamedTuple):
    """Candidates, best first, and the excluded services in the fixed order. Chosen is the first candidate."""

    candidates: tuple[Candidate, ...]
    excluded: tuple[Excluded, ...]


def decide(snapshot: Snapshot, question: Question) -> Decision:
    """Rate every service of the warehouse's country and rank those that may carry the shipment."""
    traits = _traits(snapshot, question)
    deadline = _deadline(question)
    candidates: list[Candidate] = []
    excluded: list[Excluded] = []
    for course in snapshot.courses(_lane(snapshot, question), traits):
        if isinstance(course, Excluded):
            excluded.append(course)
            continue
        found = _priced(course, traits.parcels)
        if isinstance(found, Refusal):
            excluded.append(Excluded(course.offer.service, found))
            continue
        late = late_permille(course.dates, deadline)
        candidates.append(Candidate(course, found, late, cost_milli(found.net, question.penalty_minor, late)))
    return Decision(tuple(ranked(candidates)), tuple(excluded))


def _lane(snapshot: Snapshot, question: Question) -> Lane:
    warehouse, destination = question.warehouse, question.destination
    here, there = warehouse.postcode, destination.postcode
    origin, target = (here, there) if question.kind == "order" else (there, here)
    return Lane(
        warehouse.country,
        snapshot.borders.between(warehouse.country, destination.country, destination.postcode),
        question.ordered_at.astimezone(ZoneInfo(warehouse.timezone)).toordinal(),
        snapshot.ready(warehouse.country, warehouse.timezone, question.decided_at),
        snapshot.zones(warehouse.country, origin, target),
    )


def _deadline(question: Question) -> date | None:
    deliver_by = question.options.deliver_by
    return None if deliver_by is None else deliver_by.astimezone(ZoneInfo(question.warehouse.timezone)).date()


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


def _priced(course: Course, parcels: tuple[Measured, ...]) -> Rated | Refusal:
    """Return the price of the parcels, or the first reason why the service does not take them."""
    plain = is_ordinary(course, parcels)
    refusal = None if plain else parcels_refusal(course.offer, course.edition.limits, parcels)
    if refusal is not None:
        return refusal
    if not course.covered:
        return Refusal("coverage", "the lane has no zone in this price list")
    rated = rate_ordinary(course, parcels[0]) if plain else rate(course, parcels)
    return Refusal(rated.code, rated.detail) if isinstance(rated, NoPrice) else rated


def encode(decision: Decision) -> bytes:
    """Return the whole decision as canonical JSON: equal decisions give equal bytes.

    It is put together from texts that many decisions share; the values and their order are `ANSWER_FIELDS`.
    """
    candidates = [
        f"{course.opening},{rated.text},{course.closing},{late},{cost}]"
        for course, rated, late, cost in decision.candidates
    ]
    excluded = [_excluded(service.key, refusal) for service, refusal in decision.excluded]
    return f'{{"candidates":[{",".join(candidates)}],"excluded":[{",".join(excluded)}]}}'.encode()


@lru_cache(maxsize=4096)
def _excluded(service: str, refusal: Refusal) -> str:
    return to_json((service, *refusal)).decode()


def reexecute(snapshot: Snapshot, question: bytes) -> bytes:
    """Return the answer to a stored question; on the snapshot it was asked of, the very bytes that were stored."""
    return encode(decide(snapshot, Question.model_validate_json(question)))


ANSWER_FIELDS = (
    "service", "tariff", "zone", "zone_source", "billable_quanta", "unit", "lines", "total", "net", "dates",
    "late_permille", "cost_milli",
)  # fmt: skip
"""What the values of a stored candidate mean, in their order."""
