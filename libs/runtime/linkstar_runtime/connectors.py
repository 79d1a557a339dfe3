"""What a carrier connector promises: its capabilities and the three outcomes of a purchase. Never two: a call that was
sent and not answered is `OutcomeUnknown`, and only the carrier's guarantee class tells how to resolve it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from linkstar_contracts.events import PurchaseGuarantee, RouteChosen

__all__ = ["Capabilities", "CarrierConnector", "OutcomeUnknown", "PurchaseOutcome", "Purchased", "Refused"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a carrier can do through this connector. A remote carrier starts as `reconciled` until evidence says more."""

    guarantee: PurchaseGuarantee
    services: frozenset[str]
    voids: bool = True


@dataclass(frozen=True, slots=True)
class Purchased:
    """The carrier sold a label: one tracking number per parcel, in the order of the parcels."""

    tracking_numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """The carrier will not sell this label; nothing was charged. With `retry_at` it may later."""

    code: str
    detail: str
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """Nobody knows whether a label was bought. Never retried blindly."""

    detail: str


PurchaseOutcome = Purchased | Refused | OutcomeUnknown


class CarrierConnector(Protocol):
    """A carrier reached over the network. `reference` names shipment and attempt and is the same on every retry."""

    @property
    def code(self) -> str:
        """The carrier's contract token."""

    @property
    def capabilities(self) -> Capabilities:
        """What the connector can do, and its guarantee class."""

    async def buy(self, route: RouteChosen, reference: str) -> PurchaseOutcome:
        """Buy the label of one shipment."""

    async def void(self, tracking_number: str) -> bool:
        """Ask for a void; False when the carrier declines."""
