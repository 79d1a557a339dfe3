"""What a carrier tells of a parcel on its way, in its own words; what the words mean is decided elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from linkstar_carriers.outcomes import NotFound, NotSent, OutcomeUnknown, Refused
from linkstar_carriers.standing import AccountStanding

__all__ = ["ToldScan", "TrackOutcome", "TracksParcels"]


@dataclass(frozen=True, slots=True)
class ToldScan:
    """One scan as the carrier words it."""

    code: str
    text: str
    at: str
    """The place's local time in ISO 8601, with its offset where the carrier tells one."""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""


TrackOutcome = tuple[ToldScan, ...] | NotFound | Refused | NotSent | OutcomeUnknown


class TracksParcels(Protocol):
    """A carrier account that may ask where parcels are, and nothing else. Nothing at the carrier changes, so every call may
    be repeated; methods never raise for what the carrier does.
    """

    @property
    def standing(self) -> AccountStanding:
        """How fast this process may call the account now, and whether its carrier is called at all."""

    async def track(self, tracking_number: str) -> TrackOutcome:
        """Return a parcel's scans, the oldest first; `NotFound` while the carrier knows nothing of the number."""

    async def verify(self) -> Refused | NotSent | OutcomeUnknown | None:
        """Sign in and ask for a number nobody has; None when the account may ask."""
