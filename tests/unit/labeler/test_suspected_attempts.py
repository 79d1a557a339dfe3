"""What a look-up of a suspected attempt means: an orphan is voided, a label of ours never is."""

from __future__ import annotations

from linkstar_labeler.domain.connector import Purchased, PurchasedParcel
from linkstar_labeler.domain.purchase_steps import Patience, PurchaseKey, PurchaseState
from linkstar_labeler.domain.purchasing import LabelPurchase, reference_of
from linkstar_labeler.domain.reconciliation import weigh

KEY = PurchaseKey("acme", "order-1", 1)


def found(carrier_id: str, *numbers: str) -> Purchased:
    return Purchased(carrier_id, tuple(PurchasedParcel(number, None) for number in numbers), None)


def orphan(outcome: Purchased, attempt: int = 1) -> Purchased | None:
    ours = LabelPurchase(KEY, PurchaseState.PURCHASED, attempt=2, carrier_id="111", tracking_numbers=("111", "112"))
    return weigh(outcome, reference_of(KEY, attempt), attempt, 0, ours, Patience(lease_s=60, settle_s=50)).orphan


def test_what_another_attempt_sold_is_an_orphan() -> None:
    sold = found("221", "221", "222")
    assert orphan(sold) == sold
    nameless = Purchased("221", (PurchasedParcel(None, None),), None)
    assert orphan(nameless) == nameless


def test_our_label_under_the_number_of_another_parcel_is_ours() -> None:
    assert orphan(found("112", "112", "111"), attempt=2) is None
    assert orphan(found("112", "112"), attempt=2) is None
    assert orphan(found("111", "111", "112"), attempt=2) is None
