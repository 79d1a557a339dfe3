"""Decides one shipment: a pure function of its question and the loaded tariffs, so that a stored decision re-executes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field
from pydantic_core import to_json

from linkstar_contracts.values import Destination, Instant, Parcel, ServiceOptions, Value, Warehouse
from linkstar_performance.lateness import late_permille
from linkstar_router.domain.choice import Candidate, cost_milli, ranked
from linkstar_router.domain.eligibility import Refusal, Traits, parcels_refusal, traits_of
from linkstar_router.domain.lanes import Course, Excluded, Lane, Scale
from linkstar_router.domain.measures import Measured
from linkstar_router.domain.rating import NoPrice, billable_weight, is_ordinary, is_within, rate, rate_ordinary
from linkstar_router.domain.rules.compiled import NO_RULES, CompiledRules
from linkstar_router.domain.rules.effects import Effects
from linkstar_router.domain.rules.reading import facts_of
from linkstar_router.domain.snapshot import Snapshot
from linkstar_router.domain.tariff import Rated

__all__ = [
    "ANSWER_FIELDS",
    "UNRULED",
    "Decision",
    "Question",
    "decide",
    "encode",
    "is_timezone",
    "packs_named",
    "reexecute",
    "rules_version",
    "under_rules",
]  # fmt: skip


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
    """What a missed deadline costs the seller, in the currency of the country's lists."""
    rules: Annotated[str, Field(max_length=64)] | None = None
    """Version of the seller's rules; none where the seller has none."""
    channel: Annotated[str, Field(max_length=64)] | None = None
    """This and what follows stands here only where the seller's rules look at it."""
    skus: Annotated[tuple[str, ...] | None, Field(max_length=1000, strict=False)] = None
    categories: Annotated[tuple[str, ...] | None, Field(max_length=1000, strict=False)] = None
    tags: Annotated[tuple[str, ...] | None, Field(max_length=100, strict=False)] = None
    full: Annotated[tuple[str, ...] | None, Field(max_length=100, strict=False)] = None
    """Services without capacity left on the day they would ship, each as `carrier/service pool`."""
    packs: Annotated[tuple[Annotated[str, Field(max_length=100)], ...] | None, Field(max_length=1000, strict=False)] = (
        None
    )
    """Imported packs that were in force besides the shipped lists, each `name.version`; the last one is uppermost."""


UNRULED: Mapping[str, object] = dict.fromkeys(("rules", "channel", "skus", "categories", "tags", "full", "packs"))
"""The parts of a question that is asked without rules and packs, and with capacity for everything."""


class Decision(NamedTuple):
    """Candidates, best first, and the excluded services in the fixed order. Chosen is the first candidate."""

    candidates: tuple[Candidate, ...]
    excluded: tuple[Excluded, ...]
    effects: Effects | None = None
    """What the seller's rules meant for it, where any rule held."""


def decide(snapshot: Snapshot, question: Question, rules: CompiledRules = NO_RULES) -> Decision:
    """Rate every service of the warehouse's country and rank those that may carry the shipment under a seller's rules."""
    traits, lane = _traits(snapshot, question), _lane(snapshot, question)
    if rules.rules or question.full:
        return _decide_under_rules(snapshot, question, rules, traits, lane)
    return _choose(snapshot, question, traits, lane)


def _choose(snapshot: Snapshot, question: Question, traits: Traits, lane: Lane) -> Decision:
    deadline = _deadline(question)
    candidates: list[Candidate] = []
    excluded: list[Excluded] = []
    services, bounds = snapshot.lineup(lane, traits)
    ordinary = len(traits.parcels) == 1 and is_within(bounds, traits.parcels[0])
    weights: dict[Scale, tuple[int, str]] = {}
    for course in services:
        if isinstance(course, Excluded):
            excluded.append(course)
            continue
        found: Rated | Refusal | None = (
            course.prices.get(_weight(course, traits.parcels[0], weights)) if ordinary and course.by_weight else None
        )
        if found is None:
            found = _priced(course, traits.parcels)
        if isinstance(found, Refusal):
            excluded.append(Excluded(course.offer.service, found))
            continue
        late = late_permille(course.dates, deadline)
        cost = cost_milli(found.net, question.penalty_minor, late, course.exchange)
        candidates.append(Candidate(course, found, late, cost))
    return Decision(tuple(ranked(candidates)), tuple(excluded))


def _weight(course: Course, parcel: Measured, weights: dict[Scale, tuple[int, str]]) -> tuple[int, str]:
    """Return the billable weight; services that weigh alike share it."""
    weight = weights.get(course.scale)
    if weight is None:
        weight = weights[course.scale] = billable_weight(course.scale, parcel)
    return weight


def _decide_under_rules(
    snapshot: Snapshot, question: Question, rules: CompiledRules, traits: Traits, lane: Lane
) -> Decision:
    matching = rules.match(facts_of(question, traits, lane.tariff_day))
    if not matching and not question.full:
        return _choose(snapshot, question, traits, lane)
    effects = rules.effects(matching)
    if effects.ask_for:
        options = traits.options.model_copy(update=dict.fromkeys(effects.ask_for, True))
        traits = traits._replace(options=options)
    return under_rules(_choose(snapshot, question, traits, lane), effects, question.full or ())


def under_rules(free: Decision, effects: Effects, full: tuple[str, ...] = ()) -> Decision:
    """Return a decision as rules and exhausted capacity leave it: services out, costs raised, preferred ones first."""
    closed = dict(entry.split(" ", 1) for entry in full)
    candidates: list[Candidate] = []
    excluded = list(free.excluded)
    for candidate in free.candidates:
        service = candidate.course.offer.service
        out = _ruled_out(effects, service.key, closed)
        if out is not None:
            excluded.append(Excluded(service, out))
            continue
        more = _surcharged(effects, candidate) if effects.charges else 0
        candidates.append(Candidate(*candidate[:-1], candidate.cost_milli + more) if more else candidate)
    if effects.preferred:
        candidates.sort(key=lambda each: (effects.preference(each.course.offer.service.key), each.cost_milli))
    elif effects.charges:
        candidates = ranked(candidates)
    return Decision(tuple(candidates), tuple(excluded), effects if effects.rules else None)


def _surcharged(effects: Effects, candidate: Candidate) -> int:
    service, exchange = candidate.offer.service, candidate.course.exchange
    more = effects.surcharge_milli(service.key, candidate.rated.net, service.currency)
    return more if exchange is None else exchange.of(more)


def _ruled_out(effects: Effects, service: str, closed: Mapping[str, str]) -> Refusal | None:
    if effects.hold is not None:
        rule, reason = effects.hold
        return _refusal("rule_holds", f"rule {rule}: {reason}")
    out = effects.ruled_out(service)
    if out is not None:
        return _refusal(out.code, f"rule {out.rule}")
    if service in closed:
        return _refusal("capacity_exhausted", closed[service])
    return None


@lru_cache(maxsize=1024)
def _refusal(code: str, detail: str) -> Refusal:
    return Refusal(code, detail)


def _lane(snapshot: Snapshot, question: Question) -> Lane:
    warehouse, destination = question.warehouse, question.destination
    here, there = warehouse.postcode, destination.postcode
    origin, target = (here, there) if question.kind == "order" else (there, here)
    return Lane(
        warehouse.country,
        snapshot.borders.between(warehouse.country, destination.country, destination.postcode),
        question.ordered_at.astimezone(ZoneInfo(warehouse.timezone)).toordinal(),
        snapshot.ready(warehouse.country, warehouse.code, warehouse.timezone, question.decided_at),
        snapshot.zones(warehouse.country, origin, target),
        snapshot.regions_between(warehouse.country, origin, target),
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
        returning=not outbound,
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
    rules = f',"rules":{to_json(decision.effects.rules).decode()}' if decision.effects else ""
    return f'{{"candidates":[{",".join(candidates)}],"excluded":[{",".join(excluded)}]{rules}}}'.encode()


@lru_cache(maxsize=4096)
def _excluded(service: str, refusal: Refusal) -> str:
    return to_json((service, *refusal)).decode()


def reexecute(snapshot: Snapshot, question: bytes, rules: CompiledRules = NO_RULES) -> bytes:
    """Return the answer to a stored question; on the snapshot and rules it was asked of, the very bytes stored.

    Raises ValueError when the question was asked under another version of the rules.
    """
    asked = Question.model_validate_json(question)
    if (asked.rules or NO_RULES.version) != rules.version:
        raise ValueError(f"the question was asked under rules {asked.rules}, not {rules.version}")
    return encode(decide(snapshot, asked, rules))


def rules_version(question: bytes) -> str:
    """Return the version of the rules a stored question was asked under."""
    return json.loads(question).get("rules") or NO_RULES.version


def packs_named(question: bytes) -> tuple[str, ...]:
    """Return the imported packs that a stored question was asked with."""
    return tuple(json.loads(question).get("packs") or ())


ANSWER_FIELDS = (
    "service", "tariff", "zone", "zone_source", "billable_quanta", "unit", "lines", "total", "net", "dates",
    "late_permille", "cost_milli",
)  # fmt: skip
"""What the values of a stored candidate mean, in their order."""
