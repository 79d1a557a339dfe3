"""What most carriers do not offer over the network. Capabilities deny it, so nobody asks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from linkstar_carriers.standing import AccountStanding
from linkstar_carriers.transport import Transport
from linkstar_contracts.values import Consignee
from linkstar_labeler.domain.connector import (
    BillableLabel,
    Capabilities,
    LabelRequest,
    Manifest,
    NotSent,
    OutcomeUnknown,
    PickupRequest,
    PurchasedLabel,
    RecoverOutcome,
    Refused,
    Voided,
    VoidOutcome,
)

__all__ = ["LabelsOnly"]


class LabelsOnly:
    """Base of connectors: a call of what the capabilities deny is a mistake of ours, never an outcome."""

    capabilities: Capabilities
    transport: Transport
    """The way to the account."""

    @property
    def standing(self) -> AccountStanding:
        """How fast this process may call the account now, and whether it is called at all."""
        return self.transport.standing

    async def recover(self, request: LabelRequest) -> RecoverOutcome:
        """Not offered."""
        raise NotImplementedError(f"no look-up of {request.reference}")

    async def void(self, label: PurchasedLabel) -> VoidOutcome:
        """Nothing to ask for: a carrier that takes no label back bills parcels it was handed, so an unused label is free.

        Should it be billed all the same, the invoice's line is `voided_but_billed` and waits for review.
        """
        if self.capabilities.voids:
            raise NotImplementedError(f"no void of {label.reference}")
        return Voided()

    async def billable(self, day: date) -> Sequence[BillableLabel] | NotSent | OutcomeUnknown:
        """Not offered."""
        raise NotImplementedError(f"no list of labels of {day}")

    async def manifest(
        self, reference: str, origin: Consignee, labels: Sequence[PurchasedLabel], day: date
    ) -> Manifest | Refused | NotSent | OutcomeUnknown:
        """Not offered."""
        raise NotImplementedError(f"no manifest of {len(labels)} labels of {day} from {origin}: {reference}")

    async def book_pickup(self, request: PickupRequest) -> str | Refused | NotSent | OutcomeUnknown:
        """Not offered."""
        raise NotImplementedError(f"no pickup: {request.reference}")
