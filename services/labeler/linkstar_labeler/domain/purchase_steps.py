"""The vocabulary of a purchase over the network: its identity, its states, the steps at the carrier and what follows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from linkstar_labeler.domain.connector import (
    Purchased,
    PurchaseOutcome,
    RecoverOutcome,
    Refused,
    VoidDeclined,
    VoidOutcome,
)

__all__ = [
    "CARRIER_UNAVAILABLE", "OPEN_STATES", "Effects", "Outcome", "Patience", "PurchaseKey", "PurchaseState", "Step",
    "StepKind",
]  # fmt: skip

CARRIER_UNAVAILABLE = "carrier_unavailable"
Outcome = PurchaseOutcome | RecoverOutcome | VoidOutcome
"""How a call to the carrier can end."""


class PurchaseKey(NamedTuple):
    """Identity of a purchase: one per route attempt of a shipment."""

    tenant: str
    shipment_id: str
    route_version: int


class PurchaseState(StrEnum):
    """Where a purchase stands. Only `calling` and `unknown` leave open whether the carrier sold something."""

    INTENT = "intent"
    CALLING = "calling"
    UNKNOWN = "unknown"
    PURCHASED = "purchased"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    VOIDING = "voiding"
    VOIDED = "voided"
    KEPT = "kept"
    """The carrier bills a label that nobody wants any more."""


OPEN_STATES = {PurchaseState.INTENT, PurchaseState.CALLING, PurchaseState.UNKNOWN}


class StepKind(StrEnum):
    """What is to be done at the carrier."""

    BUY = "buy"
    REPEAT = "repeat"
    """The same attempt again, under the same key."""
    LOOK_UP = "look_up"
    VOID = "void"
    GIVE_UP = "give_up"
    """No call: nothing more can be learned, and the route is given back."""


class Step(NamedTuple):
    """One call: only the holder of `token` may say how it ended."""

    kind: StepKind
    attempt: int
    token: str
    suspects: int = 0
    """An earlier attempt that may have bought something nobody knows of; 0 for none."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take, in real seconds. `settle_s` is at least the carrier's own time-out."""

    lease_s: float = 90.0
    settle_s: float = 60.0
    backoff_s: float = 5.0
    backoff_max_s: float = 300.0
    void_again_s: float = 3_600.0
    give_up_s: float = 1_800.0
    """After this long without a connection, or without an answer to look-ups, the route is given back."""
    attempts: int = 3
    """Attempts that may end unknown before the route is given back."""
    suspect_checks_s: tuple[float, ...] = (600.0, 3_600.0, 21_600.0, 86_400.0)
    """When a suspected attempt is looked up again, after the time before; after the last it is cleared."""


@dataclass(slots=True)
class Effects:
    """What follows from an outcome, in the transaction that stores it."""

    money: str = ""
    """`capture`, `release` or `refund`."""
    created: Purchased | None = None
    refused: Refused | None = None
    orphan: Purchased | None = None
    """Bought by a caller whose lease had ended: to be voided."""
    suspects: int = 0
    """The attempt that may have bought something nobody knows of; 0 for none."""
    declined: VoidDeclined | None = None
    """Why the carrier bills a label that nobody wants: the money is spent, and an operator must know."""
