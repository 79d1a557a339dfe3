"""What follows from a judged invoice line: who bears its variance, by whose decision, and the postings of a dispute.

`carrier_payable` is what we expect to pay. A dispute recognises the carrier's claim and sets it against `carrier_disputed`;
won, both are undone; lost or expired, somebody pays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from linkstar_contracts.values import Money
from linkstar_labeler.domain.invoice_matching import Kind, Match
from linkstar_labeler.domain.ledger import COSTS, WALLET, Entry, carrier_disputed, carrier_payable

__all__ = ["BookedLine", "Outcome", "adjustment", "dispute_opening", "dispute_outcome", "first_state"]

Outcome = str
"""`won`, `lost` or `expired`."""
_SELLERS = frozenset({Kind.MATCHED, Kind.PRICE_DIFFERS, Kind.WEIGHT_DIFFERS, Kind.NEVER_SCANNED})
"""Kinds whose label the seller uses: its variance is the seller's. The others are the platform's to settle."""


@dataclass(frozen=True, slots=True)
class BookedLine:
    """A line as it is kept: the importer's tenant, and `owner`, in whose books it is settled."""

    tenant: str
    carrier: str
    invoice_number: str
    invoice_date: date
    line: int
    kind: Kind
    state: str
    currency: str
    expected_minor: int
    billed_minor: int
    owner: str
    shipment_id: str | None
    shard: int

    @property
    def variance_minor(self) -> int:
        """What was billed beyond the expectation."""
        return self.billed_minor - self.expected_minor

    @property
    def contested_minor(self) -> int:
        """What a dispute is about: the excess, of a parcel that was never handed over the whole."""
        return self.billed_minor if self.kind is Kind.NEVER_SCANNED else self.variance_minor

    @property
    def bearer(self) -> str:
        """The account that pays an excess the carrier does not take back."""
        return WALLET if self.kind in _SELLERS else COSTS

    def entry(self, part: str, amount_minor: int, from_account: str, to_account: str) -> Entry:
        """Return a posting about this line; a negative amount goes the other way."""
        if amount_minor < 0:
            amount_minor, from_account, to_account = -amount_minor, to_account, from_account
        reference = f"{self.carrier}.{self.invoice_number}.{self.line}"
        return Entry(
            self.owner, f"{self.shipment_id or 'invoice'}|{part}|{reference}",
            Money(amount_minor=amount_minor, currency=self.currency), from_account, to_account, self.shipment_id,
            f"invoice {self.invoice_number} line {self.line}",
        )  # fmt: skip


def first_state(found: Match, auto_up_to_minor: int) -> str:
    """Return what happens to a line at once: nothing to do, adjusted by the seller's policy, or somebody has to look.

    Less than expected is always given back; more than expected is taken up to the policy's amount.
    """
    if found.kind is Kind.MATCHED:
        return "settled"
    differs = found.kind in (Kind.PRICE_DIFFERS, Kind.WEIGHT_DIFFERS)
    return "adjusted" if differs and found.variance_minor <= auto_up_to_minor else "review"


def adjustment(line: BookedLine) -> list[Entry]:
    """Return the posting that makes our expectation equal to the bill."""
    if not line.variance_minor:
        return []
    return [line.entry("adjustment", line.variance_minor, line.bearer, carrier_payable(line.carrier))]


def dispute_opening(line: BookedLine) -> list[Entry]:
    """Return the posting that sets the carrier's excess against what it owes us if we are right."""
    if line.variance_minor <= 0:
        return []
    disputed, payable = carrier_disputed(line.carrier), carrier_payable(line.carrier)
    return [line.entry("dispute", line.variance_minor, disputed, payable)]


def dispute_outcome(line: BookedLine, outcome: Outcome) -> list[Entry]:
    """Return the postings that end a dispute. Won, a parcel that was never handed over is paid back to the seller too."""
    disputed, payable = carrier_disputed(line.carrier), carrier_payable(line.carrier)
    part, excess = f"dispute.{outcome}", line.variance_minor
    if outcome != "won":
        return [line.entry(part, excess, line.bearer, disputed)] if excess > 0 else adjustment(line)
    ended = [line.entry(part, excess, payable, disputed)] if excess > 0 else []
    if line.kind is Kind.NEVER_SCANNED and line.expected_minor > 0:
        ended.append(line.entry("dispute.refund", line.expected_minor, payable, WALLET))
    return ended
