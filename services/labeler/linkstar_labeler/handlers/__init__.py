"""Batch handlers of labeler, and the settlement they share with timer and HTTP."""

from __future__ import annotations

from linkstar_labeler.handlers.accounts import AccountConnectors
from linkstar_labeler.handlers.batches import Handlers, only_labelled
from linkstar_labeler.handlers.buying import Buyer, Errand, PurchaseBook
from linkstar_labeler.handlers.connectors import BoundConnector, Connectors
from linkstar_labeler.handlers.orphan_book import StoredOrphans
from linkstar_labeler.handlers.purchase_book import StoredPurchases
from linkstar_labeler.handlers.reconciling import Reconciler
from linkstar_labeler.handlers.settlement import Settler

__all__ = [
    "AccountConnectors", "BoundConnector", "Buyer", "Connectors", "Errand", "Handlers", "PurchaseBook", "Reconciler",
    "Settler", "StoredOrphans", "StoredPurchases", "only_labelled",
]  # fmt: skip
