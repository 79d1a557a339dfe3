"""Batch handlers of labeler, and the settlement they share with timer and HTTP."""

from __future__ import annotations

from linkstar_labeler.handlers.batches import Handlers, only_labelled
from linkstar_labeler.handlers.buying import Buyer, Errand, PurchaseBook
from linkstar_labeler.handlers.purchase_book import BoundConnector, Connectors, StoredPurchases
from linkstar_labeler.handlers.settlement import Settler

__all__ = [
    "BoundConnector", "Buyer", "Connectors", "Errand", "Handlers", "PurchaseBook", "Settler", "StoredPurchases",
    "only_labelled",
]  # fmt: skip
