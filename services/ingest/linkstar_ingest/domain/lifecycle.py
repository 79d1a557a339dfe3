"""Life of an order at ingest: awaited, held, open, cancelled. Pure transitions; requests commute with the order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from linkstar_contracts.event import Event
from linkstar_contracts.events import (
    ExceptionCode,
    ExceptionRaised,
    ExceptionState,
    OrderCancelled,
    ResponsibleParty,
    Severity,
)  # fmt: skip
from linkstar_ingest.domain.content import ContentPatch, OrderContent

__all__ = ["Order", "OrderState", "Outcome", "Progress", "RequestKind", "noted_exceptions"]


class OrderState(str, Enum):
    """`awaited`: only a request about it has come; `held`: address undeliverable; `open`; `cancelled`: for good."""

    AWAITED = "awaited"
    HELD = "held"
    OPEN = "open"
    CANCELLED = "cancelled"


class RequestKind(str, Enum):
    """What is asked about an order."""

    CHANGE = "change"
    CANCEL = "cancel"


class Outcome(str, Enum):
    """What became of a request. `awaited`: the order has not come yet; `superseded`: the order is cancelled."""

    AWAITED = "awaited"
    APPLIED = "applied"
    SUPERSEDED = "superseded"
    TOO_LATE = "too_late"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Order:
    """An order as stored. `version` is that of its newest event, 0 before the first."""

    tenant: str
    order_id: str
    shard: int
    state: OrderState = OrderState.AWAITED
    version: int = 0
    fingerprint: bytes = b""
    content: OrderContent | None = None
    problem: str = ""
    handed_over_at: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Natural key: (tenant, order id)."""
        return self.tenant, self.order_id


@dataclass(slots=True)
class Progress:
    """An order on its way through one transaction: its state, its exceptions, and the events made so far."""

    order: Order
    exceptions: dict[str, ExceptionRaised] = field(default_factory=dict)
    """Newest state of each exception of the order, by exception id."""
    events: list[Event] = field(default_factory=list)

    def receive(self, content: OrderContent, fingerprint: bytes, problem: str, now: datetime) -> None:
        """Take the order in: received at once, or held while its address is undeliverable."""
        state, version = (OrderState.HELD, self.order.version) if problem else (OrderState.OPEN, 1)
        self.order = replace(
            self.order, state=state, version=version, fingerprint=fingerprint, content=content, problem=problem
        )
        if problem:
            self._raise_undeliverable(problem, now)
        else:
            self.events.append(content.received(*self.order.key, now))

    def change(self, patch: ContentPatch, now: datetime) -> Outcome:
        """Apply a change, unless it comes too late or would make the address undeliverable."""
        order, content = self.order, self.order.content
        if content is None:
            return Outcome.AWAITED
        if order.state is OrderState.CANCELLED:
            return Outcome.SUPERSEDED
        if order.handed_over_at is not None:
            self._raise_too_late("change", now)
            return Outcome.TOO_LATE
        if patch.problem and order.state is OrderState.OPEN:
            self._raise_undeliverable(patch.problem, now)
            return Outcome.REFUSED
        self._apply(content.patched(patch), patch, now)
        return Outcome.APPLIED

    def _apply(self, content: OrderContent, patch: ContentPatch, now: datetime) -> None:
        if self.order.state is OrderState.OPEN:
            version = self.order.version + 1
            self.order = replace(self.order, content=content, version=version)
            self.events.append(content.changed(*self.order.key, version, now))
        elif patch.problem or patch.destination is None:
            self.order = replace(self.order, content=content, problem=patch.problem or self.order.problem)
            return
        else:
            self._release(content, now)
        if patch.destination is not None:
            self.resolve(ExceptionCode.ADDRESS_UNDELIVERABLE, "the address was corrected", now)

    def cancel(self, reason: str, now: datetime) -> Outcome:
        """Cancel the order, unless a carrier has the parcel."""
        order = self.order
        if order.content is None:
            return Outcome.AWAITED
        if order.state is OrderState.CANCELLED:
            return Outcome.SUPERSEDED
        if order.handed_over_at is not None:
            self._raise_too_late("cancel", now)
            return Outcome.TOO_LATE
        version = order.version + 1
        self.order = replace(order, state=OrderState.CANCELLED, version=version)
        self.events.append(
            OrderCancelled(
                tenant=order.tenant, order_id=order.order_id, version=version, occurred_at=now, reason=reason
            )
        )
        self.resolve(ExceptionCode.ADDRESS_UNDELIVERABLE, "the order was cancelled", now)
        return Outcome.APPLIED

    def resolve(self, code: ExceptionCode, detail: str, now: datetime) -> None:
        """Resolve all open exceptions of `code`."""
        for known in list(self.exceptions.values()):
            if known.code is code and known.state is not ExceptionState.RESOLVED:
                update = {"state": ExceptionState.RESOLVED, "version": known.version + 1, "detail": detail}
                self._note(known.model_copy(update=update | {"occurred_at": now}))

    def _release(self, content: OrderContent, now: datetime) -> None:
        self.order = replace(self.order, state=OrderState.OPEN, version=1, content=content, problem="")
        self.events.append(content.received(*self.order.key, now))

    def _raise_undeliverable(self, problem: str, now: datetime) -> None:
        action = "Send a change with the right address, or cancel the order."
        code = ExceptionCode.ADDRESS_UNDELIVERABLE
        self._note(self._exception(code, ResponsibleParty.SELLER, problem, action, now))

    def _raise_too_late(self, what: str, now: datetime) -> None:
        detail = f"the carrier had the parcel already when the {what} came"
        action = "Ask the carrier to intercept the parcel, or wait for the delivery and open a return."
        self._note(self._exception(ExceptionCode.CHANGE_TOO_LATE, ResponsibleParty.SELLER, detail, action, now))

    def _exception(
        self, code: ExceptionCode, party: ResponsibleParty, detail: str, action: str, now: datetime
    ) -> ExceptionRaised:
        stem = f"{code.value}.{self.order.order_id}"
        known = [found for found in self.exceptions if found == stem or found.startswith(f"{stem}~~")]
        return ExceptionRaised(
            tenant=self.order.tenant, order_id=self.order.order_id, version=1, occurred_at=now,
            exception_id=f"{stem}~~{len(known) + 1}" if known else stem, shipment_id=self.order.order_id,
            stage="ingest", code=code, severity=Severity.WARNING, party=party, detail=detail, action=action,
            state=ExceptionState.OPEN,
        )  # fmt: skip

    def _note(self, raised: ExceptionRaised) -> None:
        self.exceptions[raised.exception_id] = raised
        self.events.append(raised)


def noted_exceptions(progress: Sequence[Progress]) -> list[ExceptionRaised]:
    """Return the newest state of each exception that changed in this transaction."""
    newest = {
        (event.tenant, event.exception_id): event
        for moved in progress
        for event in moved.events
        if isinstance(event, ExceptionRaised)
    }
    return list(newest.values())
