"""What a carrier's own list of sold labels says about ours: which are paid twice, which nobody knows of."""

from __future__ import annotations

from enum import StrEnum

from linkstar_labeler.domain.connector import BillableLabel
from linkstar_labeler.domain.purchase_steps import OPEN_STATES
from linkstar_labeler.domain.purchasing import LabelPurchase

__all__ = ["Standing", "judge"]


class Standing(StrEnum):
    """How a listed label stands to our books."""

    OURS = "ours"
    VOIDED = "voided"
    OPEN = "open"
    """Its attempt is still being resolved: too early to judge."""
    ORPHAN = "orphan"
    """Sold to us, and no label of ours: to be voided."""
    BILLED_THOUGH_VOIDED = "billed_though_voided"
    STRANGER = "stranger"
    """Its reference is none of ours: bought by someone else who uses the account."""


def judge(listed: BillableLabel, attempt: int, purchase: LabelPurchase | None) -> Standing:
    """Judge a label that was sold under an attempt's reference; without a purchase the reference is unknown."""
    if purchase is None:
        return Standing.STRANGER
    if listed.voided:
        return Standing.VOIDED
    if listed.carrier_id == purchase.carrier_id:
        return Standing.BILLED_THOUGH_VOIDED if purchase.state == "voided" else Standing.OURS
    if attempt == purchase.attempt and purchase.state in OPEN_STATES:
        return Standing.OPEN
    return Standing.ORPHAN
