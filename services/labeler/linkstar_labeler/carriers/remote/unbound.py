"""The connector of an account that is not there, or suspended: it sells nothing, and what is pending waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from linkstar_carriers.standing import AccountStanding, Budget
from linkstar_contracts.label_events import PurchaseGuarantee
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
    PurchaseOutcome,
    RecoverOutcome,
    Refused,
    VoidOutcome,
)

__all__ = ["Unbound"]


class Unbound:
    """Refuses to buy with `code`; look-ups and voids wait until the account is back."""

    def __init__(self, carrier: str, code: str, detail: str) -> None:
        self.carrier, self._refused = carrier, Refused(code, detail)
        self.capabilities = Capabilities(PurchaseGuarantee.RECONCILED, frozenset(), recovers=True)

    @property
    def standing(self) -> AccountStanding:
        """Nothing may be sent."""
        return AccountStanding(Budget(0.0, 0.0, 0.0), "open")

    async def buy(self, request: LabelRequest) -> PurchaseOutcome:
        """Refuse: the router chooses anew."""
        return self._refused

    async def recover(self, request: LabelRequest) -> RecoverOutcome:
        """Wait for the account."""
        return self._wait()

    async def void(self, label: PurchasedLabel) -> VoidOutcome:
        """Wait for the account."""
        return self._wait()

    async def billable(self, day: date) -> Sequence[BillableLabel] | NotSent | OutcomeUnknown:
        """Wait for the account."""
        return self._wait()

    async def manifest(
        self, reference: str, origin: Consignee, labels: Sequence[PurchasedLabel], day: date
    ) -> Manifest | Refused | NotSent | OutcomeUnknown:
        """Refuse."""
        return self._refused

    async def book_pickup(self, request: PickupRequest) -> str | Refused | NotSent | OutcomeUnknown:
        """Refuse."""
        return self._refused

    async def verify(self) -> Refused | NotSent | OutcomeUnknown | None:
        """Tell what is wrong."""
        return self._refused

    def _wait(self) -> NotSent:
        return NotSent(self._refused.code, self._refused.detail, 60.0)
