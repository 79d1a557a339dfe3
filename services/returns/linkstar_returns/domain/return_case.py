"""One return: the facts known of it, and the state that follows from them, whatever the order they came in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Literal

from linkstar_contracts.events import ReturnItem, ReturnState, TrackingStatus, TrackingUpdated

__all__ = ["ReturnCase", "Travelled", "travelled"]

S = ReturnState


class Travelled(Enum):
    """How far the carrier has brought what comes back."""

    NOWHERE = "nowhere"
    UNDER_WAY = "under_way"
    ARRIVED = "arrived"


def travelled(event: TrackingUpdated) -> Travelled:
    """Return how far a return has come, or an outbound parcel on its way back to the sender."""
    if event.kind == "order":
        backwards = {TrackingStatus.RETURN_TO_SENDER: Travelled.UNDER_WAY, TrackingStatus.RETURNED: Travelled.ARRIVED}
        return backwards.get(event.status, Travelled.NOWHERE)
    if event.status in {TrackingStatus.DELIVERED, TrackingStatus.RETURNED}:
        return Travelled.ARRIVED
    return Travelled.UNDER_WAY if event.accepted else Travelled.NOWHERE


_OF_TRAVEL = {Travelled.UNDER_WAY: S.IN_TRANSIT, Travelled.ARRIVED: S.RECEIVED}


@dataclass(slots=True)
class ReturnCase:
    """A return. `state` None: not told to anybody yet. `version` counts its ReturnUpdated events."""

    return_id: str
    number: int
    origin: Literal["customer", "reject"]
    request_id: str
    requested_at: datetime
    items: tuple[ReturnItem, ...] = ()
    reason: str = "unspecified"
    state: ReturnState | None = None
    refusal: str | None = None
    version: int = 0
    ordered: bool = False
    """The return shipment has been ordered."""
    label_version: int = 0
    tracking_number: str | None = None
    tracking_version: int = 0
    travelled: Travelled = Travelled.NOWHERE
    close_requested: bool = False
    expiry_version: int = 0
    """States told of the exception `return.expired`: odd means open."""
    expires_at: datetime | None = None

    @property
    def waiting(self) -> bool:
        """True while nothing physical has happened."""
        return self.state in {S.REQUESTED, S.APPROVED, S.LABEL_ISSUED}

    def next_state(self, decision: str | None, *, auto_close: bool) -> ReturnState | None:
        """Return the state that the facts ask for next; the current one when they ask for nothing.

        `decision` is `approved`, a coded refusal, or None as long as nothing can be decided.
        """
        if self.state in {S.CLOSED, S.UNKNOWN}:
            return self.state
        if self.origin == "reject":
            return self._next_of_reject(auto_close=auto_close)
        return self._next_of_customer(decision, auto_close=auto_close)

    def _next_of_reject(self, *, auto_close: bool) -> ReturnState | None:
        if self.travelled is Travelled.NOWHERE:
            return S.CANCELLED if self.state else None
        return self._closed_or(_OF_TRAVEL[self.travelled], auto_close=auto_close)

    def _next_of_customer(self, decision: str | None, *, auto_close: bool) -> ReturnState:
        if self.state is None:
            return S.REQUESTED
        if self.state in {S.REQUESTED, S.REJECTED} and decision != "approved":
            return S.REJECTED if decision else self.state
        if self.state in {S.REQUESTED, S.REJECTED}:
            return S.APPROVED
        if self.travelled is Travelled.NOWHERE:
            if self.state is S.EXPIRED:
                return S.EXPIRED
            return S.LABEL_ISSUED if self.tracking_number else S.APPROVED
        return self._closed_or(_OF_TRAVEL[self.travelled], auto_close=auto_close)

    def _closed_or(self, state: ReturnState, *, auto_close: bool) -> ReturnState:
        arrived = self.state is S.RECEIVED and state is S.RECEIVED
        return S.CLOSED if arrived and (auto_close or self.close_requested) else state
