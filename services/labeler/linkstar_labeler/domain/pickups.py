"""A driver asked to come: booked at most once. A booking without an answer is never repeated: whoever asked the carrier by
other means says how it ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from linkstar_labeler.domain.connector import NotSent, OutcomeUnknown, Refused
from linkstar_labeler.domain.leases import Lease
from linkstar_labeler.domain.purchase_steps import CARRIER_UNAVAILABLE, Patience

__all__ = ["Pickup", "PickupKey", "PickupOutcome", "PickupState"]

PickupOutcome = str | Refused | NotSent | OutcomeUnknown


class PickupKey(NamedTuple):
    """Identity of a pickup: whose it is, and its number."""

    tenant: str
    pickup_id: str


class PickupState(StrEnum):
    """Where a pickup stands. In `unknown` a driver may come."""

    REQUESTED = "requested"
    UNKNOWN = "unknown"
    BOOKED = "booked"
    REFUSED = "refused"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class Pickup:
    """A pickup as an aggregate."""

    key: PickupKey
    warehouse: str
    country: str
    """Where the warehouse is; empty while nobody told."""
    carrier: str
    day: date
    ready_at: datetime
    closes_at: datetime
    parcels: int
    weight_g: int
    lease: Lease
    state: PickupState = PickupState.REQUESTED
    confirmation: str = ""
    code: str = ""
    detail: str = ""

    def take(self, now: datetime, token: str, patience: Patience) -> bool:
        """Begin the call that is due. False for one whose lease has ended: it is unknown now, and stays so."""
        if self.lease.held:
            self._end(PickupState.UNKNOWN, "lease_over", "Whoever asked the carrier has not come back")
            return False
        self.lease.begin(now, token, patience)
        return True

    def finish(self, token: str, outcome: PickupOutcome, now: datetime, patience: Patience) -> None:
        """Take in how the call ended. A confirmation counts even when it comes late: a driver may come."""
        if isinstance(outcome, str):
            self._confirm(outcome)
        elif token != self.lease.token or not token:
            return
        elif isinstance(outcome, Refused):
            self._end(PickupState.REFUSED, outcome.code, outcome.detail)
        elif isinstance(outcome, OutcomeUnknown):
            self._end(PickupState.UNKNOWN, outcome.code, outcome.detail)
        elif self.lease.overdue(now, patience):
            self._end(PickupState.REFUSED, CARRIER_UNAVAILABLE, outcome.detail)
        else:
            self.lease.put_off(now, patience, outcome.after_s)

    def answer(self, confirmation: str | None) -> bool:
        """End what is unknown by what the carrier told somebody; None for no booking. False where nothing is unknown."""
        if self.state is not PickupState.UNKNOWN:
            return False
        self.confirmation = confirmation or ""
        self._end(PickupState.BOOKED if confirmation else PickupState.REFUSED, "" if confirmation else "not_booked")
        return True

    def cancel(self, told_carrier: bool) -> str:
        """Cancel it. Returns why that cannot be, or nothing. What may be booked, the carrier must have been told of."""
        if self.state is PickupState.CANCELLED:
            return ""
        if self.state is PickupState.REFUSED:
            return "pickup_refused"
        if self.lease.held:
            return "pickup_under_way"
        if self.state is not PickupState.REQUESTED and not told_carrier:
            return "cancel_with_carrier"
        self._end(PickupState.CANCELLED)
        return ""

    def _confirm(self, confirmation: str) -> None:
        """After a cancel, or a word that there is no booking, what is confirmed is told and nothing else."""
        if self.state in (PickupState.REQUESTED, PickupState.UNKNOWN):
            self.confirmation = confirmation
            self._end(PickupState.BOOKED)
        elif self.state is not PickupState.BOOKED:
            self.confirmation, self.code = confirmation, "confirmed_late"
            self.detail = "The carrier confirmed this after it was over: a driver may come"

    def _end(self, state: PickupState, code: str = "", detail: str = "") -> None:
        self.state, self.code, self.detail = state, code, detail
        self.lease.end()
