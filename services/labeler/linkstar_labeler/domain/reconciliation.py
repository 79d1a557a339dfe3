"""What carriers' lists of sold labels, and their look-ups, say about ours: which are paid twice, which nobody knows of."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from linkstar_labeler.domain.connector import BillableLabel, NotFound, NotSent, Purchased, RecoverOutcome
from linkstar_labeler.domain.purchase_steps import OPEN_STATES, Patience
from linkstar_labeler.domain.purchasing import LabelPurchase

__all__ = ["Finding", "Standing", "judge", "weigh"]


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


class Finding(NamedTuple):
    """What a look-up of a suspected attempt came to."""

    checks: int
    """How often the carrier has said that it knows nothing under the attempt's reference."""
    again_s: float | None
    """When to look again, in real seconds; None clears the suspicion."""
    orphan: Purchased | None = None
    """Sold, and nobody's label."""


def weigh(
    outcome: RecoverOutcome, reference: str, attempt: int, checks: int, purchase: LabelPurchase, patience: Patience
) -> Finding:
    """Tell what the look-up of a suspected attempt means, which was looked up in vain `checks` times before.

    A label found ends the suspicion unless its attempt is still being resolved; nothing found does after the last check;
    what is no answer never does.
    """
    if isinstance(outcome, Purchased):
        carrier_id = purchase.carrier_id if _is_ours(outcome, purchase) else outcome.carrier_id
        standing = judge(BillableLabel(reference, carrier_id, "", outcome.charged), attempt, purchase)
        orphan = outcome if standing is Standing.ORPHAN else None
        return Finding(checks, patience.backoff_max_s if standing is Standing.OPEN else None, orphan)
    if isinstance(outcome, NotFound):
        waits_s = patience.suspect_checks_s
        return Finding(checks + 1, waits_s[checks + 1] if checks + 1 < len(waits_s) else None)
    least_s = outcome.after_s if isinstance(outcome, NotSent) else 0.0
    return Finding(checks, max(patience.backoff_max_s, least_s))


def _is_ours(found: Purchased, purchase: LabelPurchase) -> bool:
    """A look-up may name a shipment of several parcels by another of its numbers than the purchase did."""
    ours = {purchase.carrier_id, *purchase.tracking_numbers} - {""}
    return not ours.isdisjoint(parcel.tracking_number for parcel in found.parcels)
