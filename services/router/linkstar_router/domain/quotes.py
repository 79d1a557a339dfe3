"""A quote: every service with its itemised price and the price list behind it, and a coded reason for each one missing."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from linkstar_contracts.assembly import assembled
from linkstar_contracts.events import CostedRoute, Exclusion
from linkstar_contracts.text import SafeStr, Token
from linkstar_contracts.values import (
    Destination,
    Instant,
    LocalDate,
    Parcel,
    ServiceOptions,
    Value,
    Warehouse,
)  # fmt: skip
from linkstar_router.domain.choice import Candidate
from linkstar_router.domain.decision import UNRULED, Question, decide
from linkstar_router.domain.notices import ServiceNotice, notices
from linkstar_router.domain.routes import costed, exclusions
from linkstar_router.domain.service_facts import ServiceFacts, facts_of
from linkstar_router.domain.snapshot import Snapshot
from linkstar_router.domain.tariff import LEVELS, Pack
from linkstar_router.domain.terms import Terms

__all__ = ["Evidence", "Quote", "QuoteRequest", "QuotedRoute", "quote"]

_LEVEL_NAMES = tuple(LEVELS)


class QuoteRequest(Value):
    """A shipment to price: as an order, but without a consignee."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["order", "return"] = "order"
    """A return travels the lane backwards: from `destination` to `warehouse`."""
    warehouse: Warehouse
    destination: Destination
    parcels: Annotated[tuple[Parcel, ...], Field(min_length=1, max_length=20, strict=False)]
    options: ServiceOptions = ServiceOptions()
    ordered_at: Instant | None = None
    """Decides which price lists hold; default `quoted_at`."""
    quoted_at: Instant | None = None
    """Decides when the parcel could leave; default now. Stating that of an earlier answer repeats the answer."""
    channel: Token | None = None
    """This and what follows matters only where the seller's rules look at it."""
    skus: Annotated[tuple[Token, ...], Field(max_length=1000, strict=False)] = ()
    categories: Annotated[tuple[Token, ...], Field(max_length=1000, strict=False)] = ()
    tags: Annotated[tuple[Token, ...], Field(max_length=100, strict=False)] = ()


class Evidence(Value):
    """The price list behind a price. Without a published source it is `synthetic`; `as_of` is when it was looked up."""

    source: Annotated[str, SafeStr(300)]
    as_of: LocalDate
    synthetic: bool
    rate_type: Annotated[str, SafeStr(40)]
    """What kind of price it is, such as `commercial`, `list` or `retail`; a retail price is no contract price."""
    confidence: Annotated[str, SafeStr(40)]
    valid_from: LocalDate
    valid_to: LocalDate | None = None


class QuotedRoute(CostedRoute):
    """A service that can take the shipment. The lines sum exactly to `total`; VAT, if any, is a line of its own."""

    level: Token
    ship_on: LocalDate | None = None
    """The day the carrier would collect the parcel, local to the warehouse."""
    evidence: Evidence
    facts: ServiceFacts | None = None


class Quote(Value):
    """Every service that can take the shipment, best first, and why each other cannot."""

    quote_id: Token
    """Equal for equal questions on equal data."""
    quoted_at: Instant
    routes: tuple[QuotedRoute, ...]
    excluded: tuple[Exclusion, ...]
    notices: tuple[ServiceNotice, ...]
    tariffs: Token
    """Version of the router data the quote was made from."""
    rules: Token | None = None
    """Version of the seller's rules it was made under."""
    rules_applied: Annotated[tuple[Token, ...], Field(max_length=1000, strict=False)] | None = None


def quote(terms: Terms, request: QuoteRequest, now: datetime, penalty_minor: int) -> Quote:
    """Return the quote of a request: the same decision an order would get, told in full, with nothing reserved."""
    snapshot, rules = terms.snapshot, terms.rules
    question = _question(terms, request, request.quoted_at or now, penalty_minor)
    decision = decide(snapshot, question, rules)
    full = terms.full(decision, request.warehouse, now, len(request.parcels)) if request.kind == "order" else ()
    if full:
        question = assembled(Question, {**vars(question), "full": full})
        decision = decide(snapshot, question, rules)
    quoted_at = question.decided_at
    parts = {
        "quote_id": _identity(snapshot, question),
        "quoted_at": quoted_at,
        "routes": tuple([_quoted(candidate) for candidate in decision.candidates]),
        "excluded": exclusions(decision.excluded),
        "notices": notices(snapshot, question, decision),
        "tariffs": snapshot.version,
        "rules": rules.version if rules.rules else None,
        "rules_applied": decision.effects.rules if decision.effects else None,
    }
    return assembled(Quote, parts)


def _question(terms: Terms, request: QuoteRequest, quoted_at: datetime, penalty_minor: int) -> Question:
    """Return the question an order like this would pose; of channel and items it holds only what the rules look at."""
    told = {"sku": "skus", "category": "categories", "tag": "tags", "channel": "channel"}
    stated = {told[name]: getattr(request, told[name]) for name in terms.rules.fields & told.keys()}
    return assembled(
        Question,
        {
            **vars(request), **UNRULED, **stated, "ordered_at": request.ordered_at or quoted_at, "decided_at": quoted_at,
            "barred": (), "penalty_minor": penalty_minor, "packs": terms.snapshot.packs or None,
            "rules": terms.rules.version if terms.rules.rules else None,
        },
    )  # fmt: skip


def _identity(snapshot: Snapshot, question: Question) -> str:
    asked = question.__pydantic_serializer__.to_json(question, exclude_none=True)
    return blake2b(asked, digest_size=12, key=snapshot.version.encode()[:64]).hexdigest()


def _quoted(candidate: Candidate) -> QuotedRoute:
    service, dates = candidate.offer.service, candidate.course.dates
    more = {
        "level": _LEVEL_NAMES[service.level],
        "ship_on": _day(dates.ship) if dates else None,
        "evidence": _evidence(candidate.course.edition.pack),
        "facts": facts_of(service),
    }
    return assembled(QuotedRoute, {**vars(costed(candidate)), **more})


@lru_cache(maxsize=4096)
def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


@lru_cache(maxsize=1024)
def _evidence(pack: Pack) -> Evidence:
    return Evidence(
        source=pack.source, as_of=pack.as_of.isoformat(), synthetic=pack.synthetic, rate_type=pack.rate_type,
        confidence=pack.confidence, valid_from=pack.valid_from.isoformat(),
        valid_to=pack.valid_to.isoformat() if pack.valid_to else None,
    )  # fmt: skip
