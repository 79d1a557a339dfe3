"""A day's hand-over to a carrier: which labels it holds, and what becomes of the carrier's own manifest.

A label is on one manifest at most. A carrier is asked for the same labels again when its answer is lost: it names the
manifest that holds them, or makes the first one. So no second manifest comes into being, however often it is asked.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from linkstar_labeler.domain.connector import Document, Manifest, NotSent, OutcomeUnknown, Refused
from linkstar_labeler.domain.leases import Lease
from linkstar_labeler.domain.purchase_steps import CARRIER_UNAVAILABLE, Patience

__all__ = [
    "MOST_LABELS", "DayManifest", "Follow", "MadeBy", "ManifestKey", "ManifestOutcome", "ManifestState", "ManifestedLabel",
    "Totals", "totals",
]  # fmt: skip

MOST_LABELS = 1_000
"""Labels on one manifest; a day with more has several."""
ManifestOutcome = Manifest | Refused | NotSent | OutcomeUnknown


class ManifestKey(NamedTuple):
    """Identity of a manifest: whose it is, and its number."""

    tenant: str
    manifest_id: str


class MadeBy(StrEnum):
    """Who makes the document: the carrier, or LinkStar for carriers that have none."""

    CARRIER = "carrier"
    LINKSTAR = "linkstar"


class ManifestState(StrEnum):
    """Where a manifest stands. Only in `closing` and `unknown` the carrier's manifest may or may not exist."""

    CLOSING = "closing"
    UNKNOWN = "unknown"
    CLOSED = "closed"
    REFUSED = "refused"
    REOPENED = "reopened"


@dataclass(frozen=True, slots=True)
class ManifestedLabel:
    """A label on a manifest. `carrier_id` and `attempt` name one that was bought over the network."""

    shipment_id: str
    route_version: int
    service: str
    tracking_numbers: tuple[str, ...]
    weight_g: int
    carrier_id: str = ""
    attempt: int = 0
    left_out: str = ""
    """Why it is not on the manifest after all; it then waits for the next."""
    state: str = "active"
    """What became of the label since: one that was voided does not travel."""

    @property
    def struck(self) -> bool:
        """True for what the driver does not get."""
        return bool(self.left_out) or self.state != "active"


class Totals(NamedTuple):
    """What a driver counts."""

    labels: int
    parcels: int
    weight_g: int


@dataclass(frozen=True, slots=True)
class Follow:
    """What follows from an outcome, in the transaction that stores it."""

    document: Document | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    """Reason by tracking number."""
    release: bool = False
    """All labels wait for the next manifest."""
    hold: bool = False
    """The labels are on it, as far as they are on no other."""


@dataclass(slots=True)
class DayManifest:
    """A manifest as an aggregate. `take` begins a call to the carrier, `finish` says what its outcome means."""

    key: ManifestKey
    warehouse: str
    country: str
    """Where the warehouse is."""
    carrier: str
    day: date
    made_by: MadeBy
    state: ManifestState
    lease: Lease
    carrier_number: str = ""
    code: str = ""
    detail: str = ""

    def take(self, now: datetime, token: str, patience: Patience) -> bool:
        """Begin the call that is due. False for one whose lease has ended: it is unknown now, and settles first."""
        if self.lease.held:
            self._unknown("lease_over", "Whoever asked the carrier has not come back", now, patience)
            return False
        self.lease.begin(now, token, patience)
        return True

    def finish(self, token: str, outcome: ManifestOutcome, now: datetime, patience: Patience) -> Follow:
        """Take in how a call ended. From a caller that no longer holds the token only a manifest counts: it exists. What a
        carrier refuses after an answer was lost does not tell what became of the first call: it stays unknown.
        """
        if isinstance(outcome, Manifest):
            return self._end_made(outcome)
        if token != self.lease.token:
            return Follow()
        if isinstance(outcome, OutcomeUnknown):
            self._unknown(outcome.code, outcome.detail, now, patience)
            return Follow()
        if self.state is ManifestState.CLOSING and isinstance(outcome, Refused):
            return self._refuse(outcome.code, outcome.detail)
        if self.state is ManifestState.CLOSING and self.lease.overdue(now, patience):
            return self._refuse(CARRIER_UNAVAILABLE, outcome.detail)
        self.code, self.detail = outcome.code, outcome.detail
        self.lease.put_off(now, patience, outcome.after_s if isinstance(outcome, NotSent) else 0.0)
        return Follow()

    def answer(self, carrier_number: str | None) -> Follow | None:
        """End what is unknown by what the carrier told somebody; None for no manifest. Returns None where nothing is."""
        if self.state is not ManifestState.UNKNOWN:
            return None
        if carrier_number is None:
            return self._refuse("not_made", "The carrier has no such manifest")
        return self._end_made(Manifest(carrier_number, None))

    def reopen(self, handed_over: int) -> str:
        """Give the labels back to the next manifest. Returns why that cannot be, or nothing."""
        if self.state is ManifestState.REOPENED:
            return ""
        if self.state is not ManifestState.CLOSED:
            return "manifest_not_closed"
        if self.made_by is MadeBy.CARRIER:
            return "manifest_final"
        if handed_over:
            return "manifest_handed_over"
        self.state = ManifestState.REOPENED
        return ""

    def _end_made(self, made: Manifest) -> Follow:
        """A manifest that comes after a refusal was believed holds its labels all the same."""
        if self.state in (ManifestState.CLOSED, ManifestState.REOPENED):
            return Follow()
        self.state, self.carrier_number, self.code, self.detail = ManifestState.CLOSED, made.manifest_id, "", ""
        self.lease.end()
        return Follow(made.document, dict(made.rejected), hold=True)

    def _refuse(self, code: str, detail: str) -> Follow:
        self.state, self.code, self.detail = ManifestState.REFUSED, code, detail
        self.lease.end()
        return Follow(release=True)

    def _unknown(self, code: str, detail: str, now: datetime, patience: Patience) -> None:
        self.state, self.code, self.detail = ManifestState.UNKNOWN, code, detail
        self.lease.put_off(now, patience, patience.settle_s)


def totals(labels: Collection[ManifestedLabel]) -> Totals:
    """Return what the driver gets."""
    given = [label for label in labels if not label.struck]
    return Totals(len(given), sum(len(each.tracking_numbers) for each in given), sum(each.weight_g for each in given))
