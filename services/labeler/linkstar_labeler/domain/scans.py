"""What a carrier tells of a parcel on its way, in its own words; what the words mean is decided elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from linkstar_labeler.domain.connector import NotFound, NotSent, OutcomeUnknown, Refused

__all__ = ["Scan", "TrackOutcome", "TracksParcels"]


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan as the carrier words it."""

    code: str
    text: str
    at: str
    """The place's local time in ISO 8601, with its offset where the carrier tells one."""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""


TrackOutcome = tuple[Scan, ...] | NotFound | Refused | NotSent | OutcomeUnknown


class TracksParcels(Protocol):
    """A carrier account that may ask where parcels are. Nothing at the carrier changes, so every call may be repeated."""

    async def track(self, tracking_number: str) -> TrackOutcome:
        """Return a parcel's scans, the oldest first; `NotFound` while the carrier knows nothing of the number."""
