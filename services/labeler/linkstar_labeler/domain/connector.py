"""What a carrier reached over the network is asked, and what it may answer.

A purchase never ends in two ways only: a call that was sent and not answered is `OutcomeUnknown`, and the carrier's
guarantee class alone tells how it is resolved. A connector keeps no state of its own about purchases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from linkstar_carriers.outcomes import NotFound, NotSent, OutcomeUnknown, Refused
from linkstar_carriers.standing import AccountStanding
from linkstar_contracts.label_events import PurchaseGuarantee
from linkstar_contracts.values import Consignee, Money, Parcel, ServiceOptions

__all__ = [
    "BillableLabel", "Capabilities", "CarrierConnector", "Document", "LabelRequest", "Manifest", "NotFound", "NotSent",
    "OutcomeUnknown", "PickupRequest", "PurchaseOutcome", "Purchased", "PurchasedLabel", "PurchasedParcel",
    "RecoverOutcome", "Refused", "VoidDeclined", "VoidOutcome", "VoidPending", "Voided",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a carrier can do through this connector. A remote carrier starts as `reconciled` until evidence says more."""

    guarantee: PurchaseGuarantee
    services: frozenset[str]
    voids: bool = True
    """False: the carrier takes no label back and bills parcels it was handed, so `void` succeeds without a call."""
    recovers: bool = False
    """`recover` finds a label by our reference."""
    finds: bool = False
    """`recover` finds that something was sold under our reference, some time later and without its label: no purchase waits
    for that, but a suspected attempt is looked for again and voided when found."""
    key_lives_s: float = 0.0
    """How long a repeated idempotency key answers with the first purchase, in real seconds; 0 where there is no key."""
    lists_labels: bool = False
    """`billable` tells what the carrier will bill for a day."""
    manifests: bool = False
    pickups: bool = False
    returns: bool = False
    interventions: frozenset[str] = frozenset()
    """What it may be asked about a parcel under way (`domain/interventions.py`)."""


@dataclass(frozen=True, slots=True)
class LabelRequest:
    """One shipment to be sold a label.

    `purchase_key` (32 hex digits) is the same for every attempt of a purchase, `reference` (at most 30 of A-Z0-9) names
    purchase and attempt and is the same whenever that attempt is sent again.
    """

    purchase_key: str
    reference: str
    service: str
    sender: Consignee
    receiver: Consignee
    parcels: tuple[Parcel, ...]
    options: ServiceOptions
    ship_on: date
    expected: Money
    """What the route was priced at; a connector may refuse to pay more."""
    inbound: bool = False
    """A return: the label travels from the consignee to the warehouse."""


@dataclass(frozen=True, slots=True)
class Document:
    """A label as the carrier printed it."""

    media_type: str
    """`application/pdf`, `application/zpl` or `image/png`: what a connector cannot turn into one of these it rejects."""
    content: bytes


@dataclass(frozen=True, slots=True)
class PurchasedParcel:
    """One parcel's number, None while the carrier has not assigned it, and its label."""

    tracking_number: str | None
    document: Document | None


@dataclass(frozen=True, slots=True)
class Purchased:
    """The carrier sold a label: one entry per parcel, in the order of the parcels."""

    carrier_id: str
    """What the carrier calls the shipment: a void and a look-up name it."""
    parcels: tuple[PurchasedParcel, ...]
    charged: Money | None
    """What the carrier says it charges; None where it does not say."""


PurchaseOutcome = Purchased | Refused | NotSent | OutcomeUnknown
RecoverOutcome = Purchased | NotFound | NotSent | OutcomeUnknown


@dataclass(frozen=True, slots=True)
class PurchasedLabel:
    """A label bought before, as a void, a manifest or a look-up names it."""

    reference: str
    carrier_id: str
    tracking_numbers: tuple[str, ...]
    service: str = ""


@dataclass(frozen=True, slots=True)
class Voided:
    """The carrier will not bill the label."""


@dataclass(frozen=True, slots=True)
class VoidPending:
    """The carrier accepted the request and decides later; asking again tells."""


@dataclass(frozen=True, slots=True)
class VoidDeclined:
    """The carrier bills the label: it is in use, too old, or of a kind that has no refund."""

    code: str
    detail: str


VoidOutcome = Voided | VoidPending | VoidDeclined | NotSent | OutcomeUnknown


@dataclass(frozen=True, slots=True)
class BillableLabel:
    """One label of a day as the carrier's own list has it."""

    reference: str
    carrier_id: str
    tracking_number: str
    charged: Money | None
    voided: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """The carrier's confirmation of a day's hand-over (SCAN form, end-of-day close) and its sheet."""

    manifest_id: str
    document: Document | None
    rejected: tuple[tuple[str, str], ...] = ()
    """Tracking number and reason of what was left out."""


@dataclass(frozen=True, slots=True)
class PickupRequest:
    """A driver to be sent: `ready_at` and `closes_at` are aware times."""

    reference: str
    address: Consignee
    ready_at: datetime
    closes_at: datetime
    parcels: int
    weight_g: int


class CarrierConnector(Protocol):
    """A carrier account reached over the network. Methods never raise for what the carrier does: every way a call can
    end is one of its outcomes. What the capabilities deny is never called.
    """

    @property
    def carrier(self) -> str:
        """The carrier's contract token."""

    @property
    def capabilities(self) -> Capabilities:
        """What the connector can do, and its guarantee class."""

    @property
    def standing(self) -> AccountStanding:
        """How fast this process may call the account now, and whether its carrier is called at all."""

    async def buy(self, request: LabelRequest) -> PurchaseOutcome:
        """Buy the label of one shipment."""

    async def recover(self, request: LabelRequest) -> RecoverOutcome:
        """Look for what was bought under the request's reference. `NotFound` means that surely nothing was, of a connector
        that `recovers`; of one that only `finds` it means nothing so far, and its `Purchased` has no documents.
        """

    async def void(self, label: PurchasedLabel) -> VoidOutcome:
        """Ask that the label is not billed. Repeating it is harmless; `Voided` is the answer for one voided before."""

    async def billable(self, day: date) -> Sequence[BillableLabel] | NotSent | OutcomeUnknown:
        """Return what the carrier lists as sold to the account on `day` (the account's local day), voided ones too."""

    async def manifest(
        self, reference: str, origin: Consignee, labels: Sequence[PurchasedLabel], day: date
    ) -> Manifest | Refused | NotSent | OutcomeUnknown:
        """Close the day for these labels. Asked again for labels that one manifest of the carrier holds, it names that one
        and makes none: that is how a lost answer is looked up.
        """

    async def book_pickup(self, request: PickupRequest) -> str | Refused | NotSent | OutcomeUnknown:
        """Book a pickup and return the carrier's confirmation number."""

    async def verify(self) -> Refused | NotSent | OutcomeUnknown | None:
        """Make the cheapest call that proves the account's credentials; None when they hold."""
