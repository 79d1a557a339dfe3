"""What a carrier may be asked about a parcel it already has, and what it may answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from linkstar_contracts.values import Consignee
from linkstar_labeler.domain.connector import NotSent, OutcomeUnknown, Refused

__all__ = ["Intervenes", "Intervention", "InterventionOutcome", "Taken"]


@dataclass(frozen=True, slots=True)
class Intervention:
    """One request about one parcel. `reference` (14 hex digits) is the same whenever it is sent."""

    kind: str
    """`redirect`, `hold` or `intercept`, of which the connector's capabilities name those it can ask for."""
    tracking_number: str
    reference: str
    requester: Consignee
    """Who asks: the sender of the label."""
    receiver: Consignee | None = None
    """Of a redirect: who gets it instead, and where."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The carrier took the request. Whether it succeeds, scans will tell."""

    confirmation: str


InterventionOutcome = Taken | Refused | NotSent | OutcomeUnknown


class Intervenes(Protocol):
    """A carrier account that may ask for something to be done about a parcel."""

    async def intervene(self, wanted: Intervention) -> InterventionOutcome:
        """Ask once. An outcome that is unknown is never asked for again."""
