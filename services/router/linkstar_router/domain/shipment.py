"""A shipment's life in the router: newest content wins, attempts count the routes, a failed choice holds it openly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from pydantic import Field

from linkstar_contracts.assembly import assembled
from linkstar_contracts.event import Event, Version, event_id
from linkstar_contracts.events import (
    ExceptionCode,
    ExceptionRaised,
    ExceptionState,
    LabelRejected,
    OrderChanged,
    OrderReceived,
    ResponsibleParty,
    RouteChosen,
    Severity,
)  # fmt: skip
from linkstar_contracts.text import Token
from linkstar_contracts.values import (
    Destination,
    Instant,
    Item,
    Parcel,
    SealedConsignee,
    ServiceOptions,
    Value,
    Warehouse,
)  # fmt: skip
from linkstar_router.domain.decision import UNRULED, Decision, Question, decide, encode
from linkstar_router.domain.routes import alternatives, costed, exclusions, route_notices
from linkstar_router.domain.rules.compiled import NO_RULES, CompiledRules
from linkstar_router.domain.snapshot import Snapshot

__all__ = [
    "Content",
    "Key",
    "Record",
    "Shipment",
    "State",
    "Step",
    "asked_about",
    "cancelled",
    "content_of",
    "refused",
    "routed",
]

State = Literal["new", "routed", "held", "cancelled"]
Key = tuple[str, str]
"""Tenant and shipment."""
_REASONS_TOLD = 6
_UNVERSIONED = "none"
"""There are no learned models yet."""
_FULL_FOR = timedelta(minutes=15)
"""How long a shipment without capacity waits before it is tried again: labels are voided, and a new day begins."""


class Content(Value):
    """What an order says that routing and labelling need; stored, so that a refused route can be chosen anew."""

    kind: Literal["order", "return"] = "order"
    order_version: Version
    ordered_at: Instant
    channel: Token | None = None
    tags: tuple[Token, ...] = Field(default=(), strict=False)
    warehouse: Warehouse
    destination: Destination
    consignee: SealedConsignee
    parcels: tuple[Parcel, ...] = Field(strict=False)
    items: tuple[Item, ...] = Field(default=(), strict=False)
    options: ServiceOptions = ServiceOptions()
    test: bool = False


@dataclass(frozen=True)
class Shipment:
    """State of one shipment. `barred` maps refused services to the time they may be tried again, or None for never."""

    tenant: str
    shipment_id: str
    order_id: str
    shard: int
    order_version: int = 0
    state: State = "new"
    attempt: int = 0
    chosen: str = ""
    decisions: int = 0
    barred: dict[str, datetime | None] = field(default_factory=dict)
    exception_version: int = 0
    exception_open: bool = False
    content: Content | None = None
    wait_until: datetime | None = None
    """When a held shipment is tried again besides what `barred` says."""

    @property
    def key(self) -> Key:
        """Identity of the shipment."""
        return self.tenant, self.shipment_id

    @property
    def next_try_at(self) -> datetime | None:
        """When a held shipment is worth another try: a service that was barred for a time, or capacity, may be back."""
        times = [until for until in (*self.barred.values(), self.wait_until) if until is not None]
        return min(times) if self.state == "held" and times else None


class Record(NamedTuple):
    """A decision as it is stored: question and answer, and the version of the data it was made from."""

    key: Key
    sequence: int
    decided_at: datetime
    attempt: int | None
    snapshot: str
    question: bytes
    answer: bytes


class Step(NamedTuple):
    """A change of state with the events that tell it and, where a choice was made, its record."""

    shipment: Shipment
    events: tuple[Event, ...]
    record: Record | None = None
    decision: Decision | None = None


def content_of(event: OrderReceived | OrderChanged) -> Content:
    """Return the routing content of an order event; its own time decides which price lists are in force."""
    parts = {"kind": "order", **vars(event)}
    return assembled(Content, parts | {"order_version": event.version, "ordered_at": event.occurred_at})


def routed(
    shipment: Shipment, content: Content, snapshot: Snapshot, now: datetime, penalty_minor: int,
    rules: CompiledRules = NO_RULES, full: tuple[str, ...] = (),
) -> Step:  # fmt: skip
    """Choose the route for `content`: the next attempt, or a held shipment with an open exception.

    `full` names the services without capacity, as a question does.
    """
    question = _question(shipment, content, now, penalty_minor, rules, full, snapshot.packs)
    decision = decide(snapshot, question, rules)
    sequence = shipment.decisions + 1
    if decision.candidates:
        after = replace(
            shipment, content=content, order_version=content.order_version, decisions=sequence, state="routed",
            attempt=shipment.attempt + 1, chosen=decision.candidates[0].offer.service.key, wait_until=None,
        )  # fmt: skip
        after, resolved = _resolved(after, now, "A route was found.")
        events: tuple[Event, ...] = (_route_chosen(after, content, decision, now, rules.version, snapshot), *resolved)
    else:
        after = replace(
            shipment, content=content, order_version=content.order_version, decisions=sequence, state="held", chosen="",
            wait_until=now + _FULL_FOR if full else None,
        )  # fmt: skip
        after, events = _held(after, decision, now)
    attempt = after.attempt if decision.candidates else None
    asked = question.__pydantic_serializer__.to_json(question, exclude_none=True)
    record = Record(after.key, sequence, now, attempt, snapshot.version, asked, encode(decision))
    return Step(after, events, record, decision)


def _question(
    shipment: Shipment, content: Content, now: datetime, penalty_minor: int, rules: CompiledRules,
    full: tuple[str, ...], packs: tuple[str, ...],
) -> Question:  # fmt: skip
    barred = tuple(sorted(service for service, until in shipment.barred.items() if until is None or until > now))
    return asked_about(content, now, penalty_minor, rules, barred, full, packs)


def asked_about(
    content: Content, now: datetime, penalty_minor: int, rules: CompiledRules, barred: tuple[str, ...] = (),
    full: tuple[str, ...] = (), packs: tuple[str, ...] = (),
) -> Question:  # fmt: skip
    """Return the question that is asked about an order; of channel and items it holds only what the rules look at."""
    parts = {**vars(content), **UNRULED, "decided_at": now, "barred": barred, "penalty_minor": penalty_minor}
    if full:
        parts["full"] = full
    if packs:
        parts["packs"] = packs
    if rules is not NO_RULES:
        parts["rules"] = rules.version
        parts |= {_LOOKED_AT[name][0]: _LOOKED_AT[name][1](content) for name in rules.fields & _LOOKED_AT.keys()}
    return assembled(Question, parts)


_LOOKED_AT: dict[str, tuple[str, Callable[[Content], object]]] = {
    "channel": ("channel", lambda content: content.channel),
    "sku": ("skus", lambda content: tuple(sorted({item.sku for item in content.items}))),
    "category": (
        "categories",
        lambda content: tuple(sorted({item.category for item in content.items if item.category})),
    ),
    "tag": ("tags", lambda content: tuple(sorted(set(content.tags)))),
}
"""Fields of rules that a question holds only where they are asked for: its field, and where the order has it."""


def refused(shipment: Shipment, event: LabelRejected) -> Shipment | None:
    """Return the shipment with the refused service barred, or None when the refusal is about an older attempt."""
    if shipment.state != "routed" or shipment.attempt != event.route_version:
        return None
    return replace(shipment, barred={**shipment.barred, f"{event.carrier}/{event.service}": event.retry_at})


def cancelled(shipment: Shipment, version: int, now: datetime) -> Step:
    """Return the shipment cancelled; an open exception has lost its cause."""
    gone = replace(shipment, state="cancelled", order_version=version, barred={}, chosen="")
    return Step(*_resolved(gone, now, "The order was cancelled."))


def _route_chosen(
    shipment: Shipment, content: Content, decision: Decision, now: datetime, rules_version: str, snapshot: Snapshot
) -> RouteChosen:
    chosen = {
        "tenant": shipment.tenant,
        "order_id": shipment.order_id,
        "version": shipment.attempt,
        "occurred_at": now,
        "shipment_id": shipment.shipment_id,
        "decision_id": event_id(shipment.tenant, shipment.shipment_id, "decision", shipment.decisions),
        "route": costed(decision.candidates[0]),
        "alternatives": alternatives(decision.candidates),
        "excluded": exclusions(decision.excluded),
        "notices": route_notices(decision.candidates[0], snapshot.calendars),
        "rules_version": rules_version,
        "model_version": _UNVERSIONED,
    }
    if decision.effects and decision.effects.ask_for:
        chosen["options"] = content.options.model_copy(update=dict.fromkeys(decision.effects.ask_for, True))
    return assembled(RouteChosen, {**vars(content), **chosen})


def _held(shipment: Shipment, decision: Decision, now: datetime) -> tuple[Shipment, tuple[Event, ...]]:
    if shipment.exception_open:
        return shipment, ()
    after = replace(shipment, exception_open=True, exception_version=shipment.exception_version + 1)
    return after, (_exception(after, ExceptionState.OPEN, _why_held(decision), now),)


def _why_held(decision: Decision) -> str:
    if decision.effects and decision.effects.hold:
        return "Rule {} holds it: {}".format(*decision.effects.hold)
    reasons = [f"{entry.service.key} {entry.refusal.code}" for entry in decision.excluded]
    told = "; ".join(reasons[:_REASONS_TOLD]) or "no service ships from this country"
    more = f"; and {len(reasons) - _REASONS_TOLD} more" if len(reasons) > _REASONS_TOLD else ""
    return f"No carrier service can take it: {told}{more}"[:500]


def _resolved(shipment: Shipment, now: datetime, detail: str) -> tuple[Shipment, tuple[Event, ...]]:
    if not shipment.exception_open:
        return shipment, ()
    after = replace(shipment, exception_open=False, exception_version=shipment.exception_version + 1)
    return after, (_exception(after, ExceptionState.RESOLVED, detail, now),)


def _exception(shipment: Shipment, state: ExceptionState, detail: str, now: datetime) -> ExceptionRaised:
    return ExceptionRaised(
        tenant=shipment.tenant,
        order_id=shipment.order_id,
        version=shipment.exception_version,
        occurred_at=now,
        exception_id=f"route.no_candidate.{shipment.shipment_id}",
        shipment_id=shipment.shipment_id,
        stage="router",
        code=ExceptionCode.NO_CANDIDATE,
        severity=Severity.CRITICAL,
        party=ResponsibleParty.SELLER,
        detail=detail,
        action="Change the order so that a service can take it, or the rules and pools that keep it back, or cancel it.",
        state=state,
    )
