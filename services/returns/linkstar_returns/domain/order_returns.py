"""The aggregate: an order with all its returns. Its methods return the events they cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from linkstar_contracts.event import Event
from linkstar_contracts.events import (
    ExceptionCode,
    ExceptionRaised,
    ExceptionState,
    LabelCreated,
    LabelVoided,
    OrderReceived,
    ResponsibleParty,
    ReturnRequested,
    ReturnState,
    ReturnUpdated,
    Severity,
    TrackingStatus,
    TrackingUpdated,
)  # fmt: skip
from linkstar_contracts.values import ServiceOptions
from linkstar_returns.domain.policy import Policy, refusal_of
from linkstar_returns.domain.return_case import ReturnCase, Travelled, travelled

__all__ = ["OrderReturns", "Outbound", "matters"]

APPROVED = "approved"


@dataclass(slots=True)
class Outbound:
    """How far a shipment of the order has come; the newest version counts."""

    version: int
    status: TrackingStatus
    delivered: bool
    delivered_at: datetime | None


def matters(event: TrackingUpdated) -> bool:
    """True for what starts or moves a return; other tracking matters only where something is already known."""
    return event.kind == "return" or event.delivered or travelled(event) is not Travelled.NOWHERE


@dataclass(slots=True)
class OrderReturns:
    """One order, its way out, and its returns by id."""

    tenant: str
    order_id: str
    shard: int
    content: str | None = None
    """The order as OrderReceived said it, in JSON."""
    traceparent: str | None = None
    """The trace OrderReceived came in: a return, weeks later, is linked to it."""
    outbound: dict[str, Outbound] = field(default_factory=dict)
    cases: dict[str, ReturnCase] = field(default_factory=dict)

    def order_received(
        self, content: str, policy: Policy, now: datetime, traceparent: str | None = None
    ) -> list[Event]:
        """Keep what a return needs, `content` as OrderReceived's JSON; requests that waited for the order are decided."""
        if self.content is None:
            self.content, self.traceparent = content, traceparent
        return self._settle_all(policy, now)

    def requested(self, event: ReturnRequested, policy: Policy, now: datetime) -> list[Event]:
        """Open a return, once per request id."""
        if self.case_of_request(event.request_id):
            return []
        return self._open("customer", event.request_id, event.occurred_at, policy, now, event)

    def label_created(self, event: LabelCreated, policy: Policy, now: datetime) -> list[Event]:
        """Note the tracking number of a return."""
        return self._labelled(event, event.parcels[0].tracking_number, policy, now)

    def label_voided(self, event: LabelVoided, policy: Policy, now: datetime) -> list[Event]:
        """Forget the tracking number of a return."""
        return self._labelled(event, None, policy, now)

    def tracked(self, event: TrackingUpdated, policy: Policy, now: datetime) -> list[Event]:
        """Follow a return, or the way out: what comes back undelivered opens a return by itself."""
        if event.kind == "return":
            return self._return_tracked(event, policy, now)
        known = self.outbound.get(event.shipment_id)
        if known is None and not matters(event):
            return []
        self.outbound[event.shipment_id] = _newest(known, event)
        opened = self._reject_tracked(event, policy, now) if known is None or event.version > known.version else []
        return [*opened, *self._settle_all(policy, now)]

    def close(self, return_id: str, policy: Policy, now: datetime) -> list[Event]:
        """Close a return that has been received."""
        self.cases[return_id].close_requested = True
        return self._settle(self.cases[return_id], policy, now)

    def expire(self, policy: Policy, now: datetime) -> list[Event]:
        """Give up returns that nobody has used for too long."""
        events: list[Event] = []
        for case in self.cases.values():
            if case.waiting and case.expires_at and case.expires_at <= now:
                events += self._move(case, ReturnState.EXPIRED, policy, now)
        return events

    def case_of_request(self, request_id: str) -> ReturnCase | None:
        """Return the case that a request opened."""
        return next((case for case in self.cases.values() if case.request_id == request_id), None)

    def _open(
        self, origin: str, request_id: str, at: datetime, policy: Policy, now: datetime,
        request: ReturnRequested | None = None, way: Travelled = Travelled.NOWHERE,
    ) -> list[Event]:  # fmt: skip
        number = len(self.cases) + 1
        case = ReturnCase(
            f"{self.order_id}~R{number}", number, "reject" if origin == "reject" else "customer", request_id, at,
            request.items if request else (), request.reason if request else "undeliverable", travelled=way,
        )  # fmt: skip
        self.cases[case.return_id] = case
        return self._settle(case, policy, now)

    def _labelled(
        self, event: LabelCreated | LabelVoided, number: str | None, policy: Policy, now: datetime
    ) -> list[Event]:
        case = self.cases.get(event.shipment_id)
        if case is None or event.version <= case.label_version:
            return []
        case.label_version, case.tracking_number = event.version, number
        return self._settle(case, policy, now)

    def _return_tracked(self, event: TrackingUpdated, policy: Policy, now: datetime) -> list[Event]:
        case = self.cases.get(event.shipment_id)
        if case is None or event.version <= case.tracking_version:
            return []
        case.tracking_version, case.travelled = event.version, travelled(event)
        return self._settle(case, policy, now)

    def _reject_tracked(self, event: TrackingUpdated, policy: Policy, now: datetime) -> list[Event]:
        request_id = f"reject:{event.shipment_id}"
        case, way = self.case_of_request(request_id), travelled(event)
        if case is None:
            if way is Travelled.NOWHERE:
                return []
            return self._open("reject", request_id, event.scanned_at, policy, now, way=way)
        case.travelled = way
        return self._settle(case, policy, now)

    def _settle_all(self, policy: Policy, now: datetime) -> list[Event]:
        return [event for case in self.cases.values() for event in self._settle(case, policy, now)]

    def _settle(self, case: ReturnCase, policy: Policy, now: datetime) -> list[Event]:
        """Move the case step by step to where the facts put it."""
        events: list[Event] = []
        while True:
            decision = self._decision(case, policy)
            state = case.next_state(decision, auto_close=policy.auto_close)
            refusal = decision if state is ReturnState.REJECTED else None
            if state is None or (state, refusal) == (case.state, case.refusal):
                return events
            case.refusal = refusal
            events += self._move(case, state, policy, now)

    def _decision(self, case: ReturnCase, policy: Policy) -> str | None:
        if self.content is None or case.state not in {ReturnState.REQUESTED, ReturnState.REJECTED}:
            return None
        order = OrderReceived.model_validate_json(self.content)
        earlier = [c.items for c in self._active_before(case)]
        refusal = refusal_of(order, self._delivered_at(), case.requested_at, case.items, earlier, policy)
        return refusal or APPROVED

    def _active_before(self, case: ReturnCase) -> Iterable[ReturnCase]:
        over = {ReturnState.REJECTED, ReturnState.EXPIRED, ReturnState.CANCELLED}
        return (c for c in self.cases.values() if c.number < case.number and c.state not in over)

    def _delivered_at(self) -> datetime | None:
        moments = [o.delivered_at for o in self.outbound.values() if o.delivered and o.delivered_at]
        return min(moments, default=None)

    def _move(self, case: ReturnCase, state: ReturnState, policy: Policy, now: datetime) -> list[Event]:
        """Enter a state and tell it, together with what it brings about."""
        case.state = state
        case.version += 1
        case.expires_at = now + policy.expire_after if case.waiting else None
        events: list[Event] = [self._updated(case, now)]
        if state is ReturnState.APPROVED and not case.ordered:
            case.ordered = True
            events.append(self._order_back(case, now))
        if (state is ReturnState.EXPIRED) != (case.expiry_version % 2 == 1):
            case.expiry_version += 1
            events.append(self._expired(case, now))
        return events

    def _updated(self, case: ReturnCase, now: datetime) -> ReturnUpdated:
        assert case.state is not None  # noqa: S101 - a case is told in its first state or later
        return ReturnUpdated(
            tenant=self.tenant,
            order_id=self.order_id,
            version=case.version,
            occurred_at=now,
            return_id=case.return_id,
            origin=case.origin,
            state=case.state,
            items=case.items,
            tracking_number=case.tracking_number,
            reason=case.refusal or case.reason,
        )

    def _order_back(self, case: ReturnCase, now: datetime) -> OrderReceived:
        """The order of the return shipment: the same way, to be priced and labelled backwards."""
        assert self.content is not None  # noqa: S101 - approved returns have their order
        order = OrderReceived.model_validate_json(self.content)
        wanted = {item.sku: item.quantity for item in case.items}
        items = [item.model_copy(update={"quantity": min(item.quantity, wanted[item.sku])})
                 for item in order.items if item.sku in wanted]  # fmt: skip
        return order.model_copy(
            update={
                "version": 1,
                "occurred_at": now,
                "shipment_id": case.return_id,
                "kind": "return",
                "items": tuple(items) if wanted else order.items,
                "options": ServiceOptions(),
                "notices": (),
            }
        )

    def _expired(self, case: ReturnCase, now: datetime) -> ExceptionRaised:
        is_open = case.expiry_version % 2 == 1
        return ExceptionRaised(
            tenant=self.tenant,
            order_id=self.order_id,
            version=case.expiry_version,
            occurred_at=now,
            exception_id=f"{ExceptionCode.RETURN_EXPIRED.value}.{case.return_id}",
            shipment_id=case.return_id,
            stage="return",
            code=ExceptionCode.RETURN_EXPIRED,
            severity=Severity.INFO,
            party=ResponsibleParty.CONSIGNEE,
            detail="The return was not handed over in time.",
            action="Ask the buyer whether the return is still wanted; void its label.",
            state=ExceptionState.OPEN if is_open else ExceptionState.RESOLVED,
        )


def _newest(known: Outbound | None, event: TrackingUpdated) -> Outbound:
    """Return what is known after the event; the first delivery seen counts, the newest version decides whether it stands."""
    delivered_here = event.delivered and event.parcel_status is TrackingStatus.DELIVERED
    seen = [moment for moment in (known and known.delivered_at, event.scanned_at if delivered_here else None) if moment]
    delivered_at = min(seen, default=None)
    if known and known.version >= event.version:
        return Outbound(known.version, known.status, known.delivered, delivered_at)
    return Outbound(event.version, event.status, event.delivered, delivered_at)
